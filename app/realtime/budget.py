"""How much a socket may say: what exceeds it is never kept, and the socket is cut off.

Everything is counted as it is read from the connection. What reads frames further up keeps all of
them in memory until somebody has the time to answer.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

log = logging.getLogger(__name__)

# Engine.IO's own bound holds only once all of a message is there.
LARGEST_MESSAGE = 8_192
# A page says `watch` for each artwork that it shows, all at once when its socket opens; then for
# those that appear, and a heartbeat every 25 seconds. A program may give up all that it watches for
# as many others at once: twice WATCHED_AT_MOST.
BURST = 500.0
PER_SECOND = 5.0
# What a page says has 40 bytes. Whoever says more at once pays as for several.
_BYTES_OF_ONE = 1_024

_LAST_PART = 0x80
_KIND = 0x0F
_FIRST_CONTROL = 0x8
_MASKED = 0x80
_LENGTH = 0x7F
# How many bytes tell the length, where it does not stand in its own place.
_FURTHER = {126: 2, 127: 8}
_MASK_BYTES = 4


class Frame(NamedTuple):
    """What a frame's head says: the length of what follows, and whether it ends a message."""

    length: int
    is_control: bool
    is_last: bool


class Frames:
    """Reads the heads of frames (RFC 6455, 5.2) from a stream that arrives in any pieces."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._to_pass = 0

    def heads(self, piece: bytes) -> Iterator[Frame]:
        """The frames whose heads are whole with this piece, as they come."""
        at = 0
        while True:
            passed = min(self._to_pass, len(piece) - at)
            self._to_pass -= passed
            at += passed
            if at == len(piece):
                return
            self._head.append(piece[at])
            at += 1
            frame = _whole(self._head)
            if frame is not None:
                self._head.clear()
                self._to_pass = frame.length
                yield frame


def _whole(head: bytearray) -> Frame | None:
    if len(head) < 2:
        return None
    length = head[1] & _LENGTH
    further = _FURTHER.get(length, 0)
    if len(head) < 2 + further + (_MASK_BYTES if head[1] & _MASKED else 0):
        return None
    if further:
        length = int.from_bytes(head[2 : 2 + further], "big")
    return Frame(length, head[0] & _KIND >= _FIRST_CONTROL, bool(head[0] & _LAST_PART))


class Budget:
    """What one socket may still say: `burst` at once, and `per_second` from then on.

    Every frame counts, also a part of a message, a ping, and what makes no sense.
    """

    def __init__(
        self,
        burst: float = BURST,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = burst
        self._as_of = clock()
        self._frames = Frames()
        self._unfinished = 0

    def allows(self, piece: bytes) -> bool:
        """Whether this, which was just read, may be passed on; if not, nothing may any more."""
        moment = self._clock()
        self._left = min(self._burst, self._left + (moment - self._as_of) * self._per_second)
        self._as_of = moment
        return all(self._affords(frame) for frame in self._frames.heads(piece))

    def _affords(self, frame: Frame) -> bool:
        message = frame.length if frame.is_control else self._unfinished + frame.length
        if not frame.is_control:
            self._unfinished = 0 if frame.is_last else message
        self._left -= 1 + frame.length // _BYTES_OF_ONE
        return message <= LARGEST_MESSAGE and self._left >= 0


class MeteredSocket:
    """A websocket's connection, which ends for its reader when the budget does."""

    def __init__(self, connection: Any, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget

    def recv(self, size: int) -> bytes:
        """As of any socket; nothing, as of one that was closed, once the client said too much."""
        piece: bytes = self._connection.recv(size)
        # Where threads are greenlets, to read what is already there lets nobody else go on.
        time.sleep(0)
        if self._budget.allows(piece):
            return piece
        log.warning("a socket said more than it may, and was cut off")
        return b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
