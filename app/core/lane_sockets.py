"""Connections whose slowness holds no lane: whoever has to wait for a client leaves it."""

import select
import socket
from contextlib import suppress
from typing import Any

from app.core.lanes import holds_lane, leave_lane

# A body often comes in a packet of its own, right behind the head.
_PATIENCE_MILLISECONDS = 2


class LaneSocket(socket.socket):
    """A connection that is read from and written to by a thread which may hold a lane."""

    @classmethod
    def instead_of(cls, accepted: socket.socket) -> "LaneSocket":
        """The same connection; `accepted` is of no more use."""
        return cls(fileno=accepted.detach())

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As of any socket; the lane is left if the client lets us wait."""
        if holds_lane():
            try:
                return super().recv(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                if not self._is_there_soon():
                    leave_lane()
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As of any socket; the lane is left if the client takes it slowly."""
        left = memoryview(data)
        if holds_lane():
            with suppress(BlockingIOError):
                left = left[self.send(left, flags | socket.MSG_DONTWAIT) :]
            if not left:
                return
            leave_lane()
        super().sendall(left, flags)

    def _is_there_soon(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(_PATIENCE_MILLISECONDS))
