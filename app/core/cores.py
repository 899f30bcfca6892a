"""On which core a web process works, where it has one to itself.

Its threads share one interpreter, and one of them at a time does anything in Python. Spread over
cores, each hand-over from one to the next wakes another core first: that takes a tenth of what a
bid does, and more. What works without the interpreter, or waits for others, may go anywhere.

Linux alone keeps a thread to a core (man7.org/linux/man-pages/man2/sched_setaffinity.2.html);
elsewhere nothing here does anything.
"""

import os
import sys
import threading
from dataclasses import dataclass, field


@dataclass
class _Settled:
    """Where this process works, and where it may: both empty while it has no core to itself."""

    core: set[int] = field(default_factory=set)
    all_cores: set[int] = field(default_factory=set)


_settled = _Settled()


class _Mine(threading.local):
    """Of this thread: whether it last came home or went to roam; None: as whoever started it.

    Who sent it away (`let_roam`) could not say so here.
    """

    at_home: bool | None = None


_mine = _Mine()


def settle(core: int) -> None:
    """Keep to this core with this thread, those that it starts, and whoever comes home."""
    if sys.platform != "linux":
        return
    try:
        all_cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
    except OSError:
        # A sandbox that forbids it, or a core that was just taken away.
        return
    _settled.core, _settled.all_cores = {core}, all_cores


def come_home() -> None:
    """Keep this thread to the process's core."""
    if _mine.at_home is not True:
        _mine.at_home = True
        _keep(0, _settled.core)


def roam() -> None:
    """Let this thread go to any core, until it comes home."""
    if _mine.at_home is not False:
        _mine.at_home = False
        _keep(0, _settled.all_cores)


def let_roam(thread: int) -> None:
    """Let another thread go to any core, by its native number.

    What it knows of itself stays: it has to `roam` before it can come home.
    """
    _keep(thread, _settled.all_cores)


def _keep(thread: int, cores: set[int]) -> None:
    if cores and sys.platform == "linux":
        try:
            os.sched_setaffinity(thread, cores)
        except OSError:
            # As where it is settled; or the thread has ended.
            return
