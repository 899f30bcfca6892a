"""Lanes: so many requests work at once, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

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


def ask(lanes: Lanes, times: int, path: str = "/") -> list[threading.Thread]:
    """So many requests, each in a thread of its own."""
    environ = {"PATH_INFO": path}
    threads = [
        threading.Thread(target=lanes, args=(environ, None), daemon=True) for _ in range(times)
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
    threads = ask(Lanes(works, SOCKETS, lanes=LANES, patience_seconds=SOON), 5)
    until(lambda: works.inside == LANES)
    assert not works.let_go.wait(0.2)
    assert works.inside == LANES
    end(works, threads)
    assert works.inside == 5


def test_who_waits_for_somebody_else_leaves_its_lane() -> None:
    works = Works(leaves=True)
    threads = ask(Lanes(works, SOCKETS, lanes=LANES, patience_seconds=SOON), 5)
    until(lambda: works.inside == 5)
    end(works, threads)


def test_who_waits_too_long_goes_on_without_a_lane() -> None:
    works = Works()
    threads = ask(Lanes(works, SOCKETS, lanes=LANES, patience_seconds=0.05), 5)
    until(lambda: works.inside == 5)
    end(works, threads)


def test_sockets_need_no_lane() -> None:
    works = Works()
    lanes = Lanes(works, SOCKETS, lanes=LANES, patience_seconds=SOON)
    threads = ask(lanes, 5, SOCKETS) + ask(lanes, LANES)
    until(lambda: works.inside == 5 + LANES)
    end(works, threads)


def test_a_request_that_fails_leaves_its_lane() -> None:
    def fails(_environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        raise LookupError

    lanes = Lanes(fails, SOCKETS, lanes=1, patience_seconds=SOON)
    for _ in range(3):
        with pytest.raises(LookupError):
            lanes({"PATH_INFO": "/"}, lambda *_: None)
