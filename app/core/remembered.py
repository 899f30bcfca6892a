"""What is found out once a minute, since it costs more than what it is for."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

SECONDS = 60
_AT_MOST = 512

T = TypeVar("T")


class Remembered(Generic[T]):
    """What was found of up to 512 things in the last minute, by their names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, name: Hashable) -> T | None:
        """What was found, or None."""
        with self._lock:
            at, found = self._known.get(name, (0.0, None))
            return found if at and time.monotonic() - at < SECONDS else None

    def put(self, name: Hashable, found: T) -> None:
        """Remember it for a minute."""
        with self._lock:
            self._known[name] = (time.monotonic(), found)
            self._known.move_to_end(name)
            if len(self._known) > _AT_MOST:
                self._known.popitem(last=False)

    def forget(self, name: Hashable) -> None:
        """Find it out anew the next time."""
        with self._lock:
            self._known.pop(name, None)
