"""What the catcher's SMTP server is told to do wrong."""

import math
import threading
from dataclasses import dataclass
from typing import Any

MODES = ("ok", "refuse_4xx", "refuse_5xx", "slow", "drop_after_250", "drop_before_250")
MAX_SECONDS = 600.0


class FaultRefused(ValueError):
    """The fault asked for makes no sense; the text says why."""


@dataclass(frozen=True)
class Fault:
    """What happens to each mail transaction.

    - `ok`: the message is kept and accepted.
    - `refuse_4xx`, `refuse_5xx`: every recipient is refused, for now or for good.
    - `slow`: the answer to MAIL FROM comes after `seconds`; who waits is served, and nothing
      is kept of who gives up.
    - `drop_after_250`: the message is kept and accepted, then the connection is cut.
    - `drop_before_250`: the connection is cut once the message has arrived; it is not kept.

    After `times` transactions (None: without end) it is `ok` again.
    """

    mode: str = "ok"
    seconds: float = 5.0
    times: int | None = None

    @classmethod
    def from_json(cls, body: Any) -> "Fault":
        """Read a fault from a request's body; raises FaultRefused."""
        if not isinstance(body, dict) or body.keys() - {"mode", "seconds", "times"}:
            raise FaultRefused("give an object with mode, and seconds or times if needed")
        mode, seconds, times = body.get("mode"), body.get("seconds", 5.0), body.get("times")
        if mode not in MODES:
            raise FaultRefused(f"mode must be one of {', '.join(MODES)}")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise FaultRefused("seconds must be a number")
        if not math.isfinite(seconds) or not 0 <= seconds <= MAX_SECONDS:
            raise FaultRefused(f"seconds must be between 0 and {MAX_SECONDS:.0f}")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
            raise FaultRefused("times must be a whole number")
        if times is not None and times < 1:
            raise FaultRefused("times must be 1 or more")
        return cls(mode, float(seconds), times)


class FaultSwitch:
    """The fault in force; shared between the SMTP and the web side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault = Fault()

    @property
    def current(self) -> Fault:
        """The fault that the next transaction will meet."""
        return self._fault

    def set(self, fault: Fault) -> None:
        """Put a fault in force for the transactions that begin from now on."""
        with self._lock:
            self._fault = fault

    def take(self) -> Fault:
        """Return the fault for a transaction that begins, counting it."""
        with self._lock:
            fault = self._fault
            if fault.times is not None:
                left = fault.times - 1
                self._fault = Fault(fault.mode, fault.seconds, left) if left else Fault()
            return fault
