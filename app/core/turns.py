"""Work that is too large to be done for many at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class NoTurn(Exception):
    """It would have taken long until it was one's turn."""


class Turns:
    """So many do it at once and a few wait for their turn, but not for long; all others go."""

    def __init__(self, *, at_once: int, waiting: int, seconds: float) -> None:
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._turns = threading.BoundedSemaphore(at_once)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, which lasts as long as the block.

        Raises NoTurn at once when as many wait as may, and when one has waited for too long.
        """
        if not self._places.acquire(blocking=False):
            raise NoTurn
        try:
            if not self._turns.acquire(timeout=self._seconds):
                raise NoTurn
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()
