"""A web process keeps to a core of its own, and what works without the interpreter does not."""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from app.core import cores
from app.core.lanes import LanePool, leave_lane
from tests.databases import ROOT, SqliteFiles
from tests.realtime.processes import web_process
from tests.waiting import until

SOON = 20
ALL = os.sched_getaffinity(0) if sys.platform == "linux" else {0}
CORE = max(ALL)

pytestmark = pytest.mark.skipif(len(ALL) < 2, reason="there is one core, or no saying which")


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanePool]:
    """One lane of a process that has settled, as far as its threads know."""
    monkeypatch.setattr(cores, "_settled", cores._Settled())
    # Gunicorn's main thread would; this one goes on with other tests.
    with ThreadPoolExecutor(1) as other:
        other.submit(cores.settle, CORE).result(SOON)
    pool = LanePool(4, lanes=1, held_seconds=SOON, patience_seconds=SOON)
    yield pool
    pool.shutdown()


def here() -> set[int]:
    return os.sched_getaffinity(0)


def test_requests_are_served_on_the_core_and_what_leaves_its_lane_may_go_anywhere(
    settled: LanePool,
) -> None:
    def roams() -> set[int]:
        leave_lane()
        return here()

    for _ in range(3):
        assert settled.submit(here).result(SOON) == {CORE}
        assert settled.submit(roams).result(SOON) == ALL
    assert here() == ALL


@pytest.mark.usefixtures("settled")
def test_who_holds_a_lane_for_too_long_is_sent_away_and_comes_back() -> None:
    threads: list[int] = []
    let_go = threading.Event()

    def stays() -> None:
        threads.append(threading.get_native_id())
        assert let_go.wait(SOON)

    # One thread, so that it is the same that takes the next.
    alone = LanePool(1, lanes=1, held_seconds=0.1, patience_seconds=SOON)
    stayed = alone.submit(stays)
    until(lambda: threads)
    assert os.sched_getaffinity(threads[0]) == {CORE}
    waited = alone.submit(here)
    until(lambda: os.sched_getaffinity(threads[0]) == ALL)
    let_go.set()
    assert stayed.result(SOON) is None
    assert waited.result(SOON) == {CORE}
    alone.shutdown()


@pytest.mark.usefixtures("settled")
def test_what_goes_on_without_a_lane_may_go_anywhere() -> None:
    let_go = threading.Event()
    impatient = LanePool(2, lanes=1, held_seconds=SOON, patience_seconds=0.05)
    held = impatient.submit(let_go.wait, SOON)
    assert impatient.submit(here).result(SOON) == ALL
    let_go.set()
    assert held.result(SOON)
    assert impatient.submit(here).result(SOON) == {CORE}
    impatient.shutdown()


def test_where_it_is_forbidden_requests_are_served_all_the_same(
    settled: LanePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_thread: int, _cores: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    cores.settle(CORE)

    def work() -> str:
        leave_lane()
        return "done"

    assert [settled.submit(work).result(SOON) for _ in range(3)] == ["done"] * 3


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in found.split()]


@pytest.fixture
def two_cores() -> Iterator[set[int]]:
    """Cores for whatever this thread starts."""
    some = set(sorted(ALL)[:2])
    os.sched_setaffinity(0, some)
    yield some
    os.sched_setaffinity(0, ALL)


def places(processes: list[int]) -> list[set[int]]:
    """Where their main threads may be, without those that have just ended."""
    found = []
    for process in processes:
        with suppress(ProcessLookupError):
            found.append(os.sched_getaffinity(process))
    return sorted(found, key=sorted)


def some_thread_roams(process: int, everywhere: set[int]) -> bool:
    threads = [int(each.name) for each in Path(f"/proc/{process}/task").iterdir()]
    return everywhere in places(threads)


def test_each_process_has_a_core_and_who_follows_one_that_died_takes_its(
    two_cores: set[int], tmp_path: Path
) -> None:
    each_its_own = [{core} for core in sorted(two_cores)]
    with web_process(
        DATABASE_URL=SqliteFiles(tmp_path).new(),
        UPLOAD_DIR=str(tmp_path / "uploads"),
        WEB_CONCURRENCY=str(len(two_cores)),
    ) as served:
        master = served.process.pid
        until(lambda: places(children(master)) == each_its_own)
        for place in each_its_own:
            [killed] = [child for child in children(master) if places([child]) == [place]]
            os.kill(killed, signal.SIGKILL)
            until(lambda: killed not in children(master))  # noqa: B023 - asked at once
            until(lambda: places(children(master)) == each_its_own)

        # A password is hashed without the interpreter: not on the core where others wait for it.
        wrong = {"email": "nobody@example.com", "password": "not the right one"}
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(
                requests.post, f"{served.url}/api/auth/token", json=wrong, timeout=SOON
            )
            until(lambda: any(some_thread_roams(each, two_cores) for each in children(master)))
            assert asked.result(SOON).status_code == 401


def test_a_process_alone_among_several_cores_is_left_to_the_system(
    two_cores: set[int], tmp_path: Path
) -> None:
    with web_process(
        DATABASE_URL=SqliteFiles(tmp_path).new(), UPLOAD_DIR=str(tmp_path / "uploads")
    ) as served:
        assert places(children(served.process.pid)) == [two_cores]


@dataclass
class Process:
    """As much of one of Gunicorn's workers as is asked for."""

    age: int
    core: int | None = None


@dataclass
class Master:
    """As much of Gunicorn's as is asked for; starts processes as it does."""

    num_workers: int
    WORKERS: dict[int, Process] = field(default_factory=dict)
    ages: Iterator[int] = field(default_factory=itertools.count)

    def start(self, count: int) -> None:
        for _ in range(count):
            made = Process(next(self.ages))
            PRE_FORK(self, made)
            self.WORKERS[made.age] = made


PRE_FORK = runpy.run_path(str(ROOT / "deploy/gunicorn.conf.py"))["pre_fork"]


def test_processes_that_are_about_to_go_hold_no_core(two_cores: set[int]) -> None:
    master = Master(num_workers=4)
    master.start(4)
    # Two reloads, each while some of the last one's processes have not ended.
    for lingering in ([1, 3], [3, 5, 7]):
        master.start(4)
        master.WORKERS = {
            age: process
            for age, process in master.WORKERS.items()
            if age in lingering or age > max(master.WORKERS) - 4
        }
        newest = [process.core for process in list(master.WORKERS.values())[-4:]]
        assert sorted(newest) == sorted([*two_cores] * 2)
