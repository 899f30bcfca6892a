"""Lanes: so many requests work at once, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.core import lanes
from app.core.extensions import db
from app.core.lanes import LanePool, leave_lane
from tests.waiting import until

LANES = 2
SOON = 20


class Works:
    """Requests that stay inside until they are let go."""

    def __init__(self, leaves: bool = False) -> None:
        self.inside = 0
        self.let_go = threading.Event()
        self._leaves = leaves
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.inside += 1
        if self._leaves:
            leave_lane()
        assert self.let_go.wait(SOON)


@contextmanager
def pool(lanes: int = LANES, threads: int = 20, **seconds: float) -> Iterator[LanePool]:
    """Threads with so many lanes; nobody loses patience or a lane unless `seconds` say so."""
    made = LanePool(threads, lanes, **{"held_seconds": SOON, "patience_seconds": SOON} | seconds)
    yield made
    made.shutdown()


def ask(through: LanePool, works: Callable[[], None], times: int) -> list[Future[None]]:
    """So many requests at once."""
    return [through.submit(works) for _ in range(times)]


def end(works: Works, asked: list[Future[None]]) -> None:
    works.let_go.set()
    assert not wait(asked, SOON).not_done
    for each in asked:
        each.result()


def test_so_many_work_at_once_and_the_others_follow() -> None:
    works = Works()
    with pool() as held:
        asked = ask(held, works, 5)
        until(lambda: works.inside == LANES)
        assert not works.let_go.wait(0.2)
        assert works.inside == LANES
        end(works, asked)
    assert works.inside == 5


def test_who_is_done_takes_the_next_itself() -> None:
    threads: list[int] = []
    begin = threading.Event()

    def note() -> None:
        assert begin.wait(SOON)
        threads.append(threading.get_ident())

    with pool(lanes=1) as held:
        asked = ask(held, note, 10)
        begin.set()
        assert not wait(asked, SOON).not_done
    assert len(set(threads)) == 1
    assert len(threads) == 10


def test_who_waits_for_somebody_else_leaves_its_lane() -> None:
    works = Works(leaves=True)
    with pool() as held:
        asked = ask(held, works, 5)
        until(lambda: works.inside == 5)
        end(works, asked)


def test_who_holds_a_lane_for_too_long_loses_it() -> None:
    works = Works()
    with pool(held_seconds=0.2) as held:
        asked = ask(held, works, 5)
        until(lambda: works.inside == LANES)
        # Whoever has held one for too long is looked for once in a while: two at a time here.
        until(lambda: works.inside == 2 * LANES)
        until(lambda: works.inside == 5)
        end(works, asked)
        # Each lane is free once, and not once for each who had it.
        held._held_seconds = SOON
        works.inside = 0
        works.let_go.clear()
        until(lambda: held._free == LANES)
        asked = ask(held, works, 5)
        until(lambda: works.inside == LANES)
        assert not works.let_go.wait(0.4)
        assert works.inside == LANES
        end(works, asked)


def test_who_is_quick_keeps_its_lane_however_many_wait() -> None:
    at_once: list[int] = []
    working = threading.Semaphore(LANES)

    def work() -> None:
        at_once.append(working.acquire(blocking=False))
        time.sleep(0.01)
        working.release()

    with pool(held_seconds=0.05) as held:
        asked = ask(held, work, 60)
        assert not wait(asked, SOON).not_done
    assert at_once == [True] * 60


def test_what_waits_too_long_goes_on_without_a_lane() -> None:
    works = Works()
    with pool(patience_seconds=0.05) as held:
        asked = ask(held, works, 5)
        until(lambda: works.inside == 5)
        end(works, asked)
        until(lambda: held._free == LANES)


def test_what_has_waited_longest_is_next() -> None:
    begun: list[str] = []

    def work(name: str) -> None:
        begun.append(name)
        time.sleep(0.05)

    # Meanwhile it is looked, again and again, who holds the lane for too long.
    with pool(lanes=1, held_seconds=0.075) as held:
        asked = [held.submit(work, name) for name in "abcdefgh"]
        assert not wait(asked, SOON).not_done
    assert begun == list("abcdefgh")


def test_more_lanes_can_be_added() -> None:
    works = Works()
    with pool(lanes=1) as held:
        held.add(2)
        asked = ask(held, works, 5)
        until(lambda: works.inside == 3)
        assert not works.let_go.wait(0.2)
        assert works.inside == 3
        end(works, asked)


def test_a_request_that_fails_leaves_its_lane_and_tells_who_asked() -> None:
    def fails() -> None:
        raise LookupError

    with pool(lanes=1) as held:
        for _ in range(3):
            with pytest.raises(LookupError):
                held.submit(fails).result(SOON)


def test_what_waits_at_the_end_is_still_done_and_nothing_more_is_taken() -> None:
    works = Works()
    with pool(lanes=1, held_seconds=0.05, patience_seconds=0.05) as held:
        asked = ask(held, works, 1)
        until(lambda: works.inside == 1)
        with held._lock:
            asked.append(Future())
            held._waiting.append(lanes._Task(asked[1], works, time.monotonic()))
        held.shutdown(wait=False)
        with pytest.raises(RuntimeError):
            held.submit(works)
        assert not works.let_go.wait(0.2)
        end(works, asked)
    assert works.inside == 2


def test_every_request_is_answered_once_however_they_come_and_go() -> None:
    answered: list[int] = []

    def work(number: int) -> None:
        if number % 3 == 0:
            leave_lane()
        if number % 50 == 0:
            time.sleep(0.03)
        answered.append(number)

    with pool(held_seconds=0.01, patience_seconds=0.02) as held:
        asked = [held.submit(work, number) for number in range(2_000)]
        assert not wait(asked, SOON).not_done
        until(lambda: held._free == LANES)
        assert not held._waiting
        assert not held._held_since
    assert sorted(answered) == list(range(2_000))


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize(
    ("near_seconds", "added"), [(60, []), (0, [lanes.LANES_FAR - lanes.LANES_NEAR])]
)
def test_a_database_far_away_gets_more_lanes_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, near_seconds: float, added: list[int]
) -> None:
    monkeypatch.setattr(lanes, "_serving", lanes._Serving())
    monkeypatch.setattr(lanes, "NEAR_SECONDS", near_seconds)
    heard: list[int] = []
    monkeypatch.setattr(lanes.request_pool(threads=1), "add", heard.append)
    with app.app_context():
        engine = create_engine(db.engine.url)
    lanes.add_lanes_for_distance(engine)
    for _ in range(2):
        with engine.connect() as first, engine.connect() as second:
            assert first.scalar(text("SELECT 1")) == second.scalar(text("SELECT 1")) == 1
    engine.dispose()
    assert heard == added
