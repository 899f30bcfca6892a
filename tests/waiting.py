"""Waiting for what others do: processes, jobs, webhooks, mails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    ask: Callable[[], T],
    seconds: float = 30,
    otherwise: Callable[[], str] = lambda: "it did not happen in time",
) -> T:
    """The first truthy answer; fails with the words of `otherwise` when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < end, otherwise()
        time.sleep(0.02)
