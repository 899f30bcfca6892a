"""A web process keeps to a core of its own, and what works without the interpreter does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from app.core import cores
from app.core.lanes import LanePool, leave_lane
from tests.databases import SqliteFiles
from tests.realtime.processes import web_process
from tests.waiting import until

SOON = 20
ALL = os.sched_getaffinity(0)
CORE = max(ALL)


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


def cores_of(process: int) -> set[frozenset[int]]:
    """Where its threads may be."""
    places = set()
    # A thread, or all of it, may just have ended.
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(ProcessLookupError):
                places.add(frozenset(os.sched_getaffinity(int(thread.name))))
    return places


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in found.split()]


@pytest.fixture
def two_at_most() -> Iterator[list[int]]:
    """Cores for whatever this thread starts."""
    some = sorted(ALL)[:2]
    os.sched_setaffinity(0, some)
    yield some
    os.sched_setaffinity(0, ALL)


def test_each_process_has_a_core_and_who_follows_one_that_died_takes_its(
    two_at_most: list[int], tmp_path: Path
) -> None:
    each_its_own = [{frozenset({core})} for core in two_at_most]

    def places(master: int) -> list[set[frozenset[int]]]:
        found = [cores_of(child) for child in children(master)]
        return sorted(found, key=lambda place: [sorted(cores) for cores in place])

    with web_process(
        DATABASE_URL=SqliteFiles(tmp_path).new(),
        UPLOAD_DIR=str(tmp_path / "uploads"),
        WEB_CONCURRENCY=str(len(two_at_most)),
    ) as served:
        master = served.process.pid
        until(lambda: places(master) == each_its_own)
        for place in each_its_own:
            [killed] = [child for child in children(master) if cores_of(child) == place]
            os.kill(killed, signal.SIGKILL)
            until(lambda: killed not in children(master))  # noqa: B023 - asked at once
            until(lambda: places(master) == each_its_own)

        # A password is hashed without the interpreter: not on the core where others wait for it.
        wrong = {"email": "nobody@example.com", "password": "not the right one"}
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(
                requests.post, f"{served.url}/api/auth/token", json=wrong, timeout=SOON
            )
            until(lambda: any(frozenset(two_at_most) in place for place in places(master)))
            assert asked.result(SOON).status_code == 401


def test_a_process_alone_among_several_cores_is_left_to_the_system(
    two_at_most: list[int], tmp_path: Path
) -> None:
    with web_process(
        DATABASE_URL=SqliteFiles(tmp_path).new(), UPLOAD_DIR=str(tmp_path / "uploads")
    ) as served:
        [child] = children(served.process.pid)
        assert cores_of(child) == {frozenset(two_at_most)}
