"""Lanes: so many requests work at once, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.core import lanes
from app.core.extensions import db
from app.core.lanes import Lanes, leave_lane
from tests.waiting import until

LANES = 2
SOCKETS = "/socket.io/"
SOON = 20


class Works:
    """An application whose requests stay inside until they are let go."""

    def __init__(self, leaves: bool = False) -> None:
        self.inside = 0
        self.let_go = threading.Event()
        self._leaves = leaves
        self._lock = threading.Lock()

    def __call__(self, _environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        with self._lock:
            self.inside += 1
        if self._leaves:
            leave_lane()
        assert self.let_go.wait(SOON)
        return [b""]


def ask(through: Lanes, times: int, path: str = "/") -> list[threading.Thread]:
    """So many requests, each in a thread of its own."""
    environ = {"PATH_INFO": path}
    threads = [
        threading.Thread(target=through, args=(environ, None), daemon=True) for _ in range(times)
    ]
    for thread in threads:
        thread.start()
    return threads


def end(works: Works, threads: list[threading.Thread]) -> None:
    works.let_go.set()
    for thread in threads:
        thread.join(SOON)
    assert not any(thread.is_alive() for thread in threads)


def test_so_many_work_at_once_and_the_others_follow() -> None:
    works = Works()
    threads = ask(Lanes(works, SOCKETS, lanes=LANES, held_seconds=SOON, patience_seconds=SOON), 5)
    until(lambda: works.inside == LANES)
    assert not works.let_go.wait(0.2)
    assert works.inside == LANES
    end(works, threads)
    assert works.inside == 5


def test_who_waits_for_somebody_else_leaves_its_lane() -> None:
    works = Works(leaves=True)
    threads = ask(Lanes(works, SOCKETS, lanes=LANES, held_seconds=SOON, patience_seconds=SOON), 5)
    until(lambda: works.inside == 5)
    end(works, threads)


def test_who_holds_a_lane_for_too_long_loses_it() -> None:
    works = Works()
    held = Lanes(works, SOCKETS, lanes=LANES, held_seconds=0.2, patience_seconds=SOON)
    threads = ask(held, 5)
    # Those who wait look when the longest could lose its lane: two at a time.
    until(lambda: works.inside == 2 * LANES)
    until(lambda: works.inside == 5)
    end(works, threads)
    # Each lane is free once, and not once for each who had it.
    held._held_seconds = SOON
    works.inside = 0
    works.let_go.clear()
    threads = ask(held, 5)
    until(lambda: works.inside == LANES)
    assert not works.let_go.wait(0.2)
    assert works.inside == LANES
    end(works, threads)


def test_who_waits_too_long_goes_on_without_a_lane() -> None:
    works = Works()
    held = Lanes(works, SOCKETS, lanes=LANES, held_seconds=SOON, patience_seconds=0.05)
    threads = ask(held, 5)
    until(lambda: works.inside == 5)
    end(works, threads)


def test_who_has_waited_longest_is_next_however_often_they_looked_meanwhile() -> None:
    begun: list[str] = []

    def works(environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        begun.append(environ["PATH_INFO"])
        time.sleep(0.05)
        return [b""]

    # Everybody looks at who holds the lane while they wait for others to have their turn.
    held = Lanes(works, SOCKETS, lanes=1, held_seconds=0.075, patience_seconds=SOON)
    threads = []
    for place, name in enumerate("abcdefgh"):
        threads += ask(held, 1, name)
        until(lambda place=place: len(held._waiting) == place)
    for thread in threads:
        thread.join(SOON)
    assert begun == list("abcdefgh")


def test_more_lanes_can_be_added() -> None:
    works = Works()
    held = Lanes(works, SOCKETS, lanes=1, held_seconds=SOON, patience_seconds=SOON)
    held.add(2)
    threads = ask(held, 5)
    until(lambda: works.inside == 3)
    assert not works.let_go.wait(0.2)
    assert works.inside == 3
    end(works, threads)


def test_sockets_need_no_lane() -> None:
    works = Works()
    held = Lanes(works, SOCKETS, lanes=LANES, held_seconds=SOON, patience_seconds=SOON)
    threads = ask(held, 5, SOCKETS) + ask(held, LANES)
    until(lambda: works.inside == 5 + LANES)
    end(works, threads)


def test_a_request_that_fails_leaves_its_lane() -> None:
    def fails(_environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        raise LookupError

    held = Lanes(fails, SOCKETS, lanes=1, held_seconds=SOON, patience_seconds=SOON)
    for _ in range(3):
        with pytest.raises(LookupError):
            held({"PATH_INFO": "/"}, lambda *_: None)


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize(
    ("near_seconds", "added"), [(60, []), (0, [lanes.LANES_FAR - lanes.LANES_NEAR])]
)
def test_a_database_far_away_gets_more_lanes_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, near_seconds: float, added: list[int]
) -> None:
    monkeypatch.setattr(lanes, "NEAR_SECONDS", near_seconds)
    heard: list[int] = []
    here = Lanes(Works(), SOCKETS)
    monkeypatch.setattr(here, "add", heard.append)
    with app.app_context():
        engine = create_engine(db.engine.url)
    lanes.add_lanes_for_distance(here, engine)
    for _ in range(2):
        with engine.connect() as first, engine.connect() as second:
            assert first.scalar(text("SELECT 1")) == second.scalar(text("SELECT 1")) == 1
    engine.dispose()
    assert heard == added
