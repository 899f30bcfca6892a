"""Starting everything, and ending it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.journeys.shop import Shop, family, is_running

SECOND_START_SECONDS = 5


def times_slower_than_alone() -> float:
    """How much longer a computation takes now than if nothing else ran on this machine."""
    began, worked = time.perf_counter(), time.process_time()
    while time.process_time() - worked < 0.3:
        sum(range(1000))
    return (time.perf_counter() - began) / (time.process_time() - worked)


def test_a_second_start_takes_less_than_five_seconds_and_ctrl_c_leaves_no_process(
    new_instance: Callable[[str], Path],
) -> None:
    slower = times_slower_than_alone()
    shop = Shop(new_instance("again"))
    slower = max(1, slower, times_slower_than_alone())
    everybody = family(shop.process.pid)
    assert everybody >= {shop.process.pid, *shop.pids}
    assert shop.call("GET", "/artworks")["total"] >= 24
    assert shop.interrupt() == 0
    assert [pid for pid in everybody if is_running(pid)] == []
    assert shop.seconds_to_start / slower < SECOND_START_SECONDS
