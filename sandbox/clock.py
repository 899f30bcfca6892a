"""The sandbox's own clock, which can be set wrong on purpose."""

from __future__ import annotations

import time
from email.utils import formatdate


class Clock:
    """Seconds since the epoch, shifted by `offset` seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """The time that the sandbox believes in."""
        return time.time() + self.offset

    def stamp(self) -> int:
        """The same in whole seconds, as every Stripe object carries it."""
        return int(self.now())

    def http_date(self) -> str:
        """The same as an HTTP `Date` header (RFC 9110, section 5.6.7)."""
        return formatdate(self.now(), usegmt=True)
