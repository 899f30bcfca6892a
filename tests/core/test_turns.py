"""Turns at work that is too large to be done for many at once."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from app.core.turns import NoTurn, Turns

SOON = 20


def test_a_few_wait_until_it_is_their_turn_and_all_others_go_at_once() -> None:
    turns = Turns(at_once=2, waiting=1, seconds=SOON)
    both_inside, go_on = threading.Barrier(3), threading.Event()

    def work(first: bool) -> None:
        with turns.turn():
            if first:
                both_inside.wait(SOON)
            assert go_on.wait(SOON)

    with ThreadPoolExecutor(6) as threads:
        let_in = [threads.submit(work, True) for _ in range(2)]
        both_inside.wait(SOON)
        more = {threads.submit(work, False) for _ in range(2)}
        refused, waits = wait(more, SOON / 2, FIRST_COMPLETED)
        assert [type(each.exception()) for each in refused] == [NoTurn]
        assert len(waits) == 1
        go_on.set()
        for each in (*let_in, *waits):
            each.result(SOON)
    with turns.turn():
        pass


def test_nobody_waits_for_long() -> None:
    turns = Turns(at_once=1, waiting=1, seconds=0.1)
    with turns.turn():
        for _ in range(2):
            with pytest.raises(NoTurn), turns.turn():
                pass
    with turns.turn():
        pass


def test_a_turn_is_over_however_it_ends() -> None:
    turns = Turns(at_once=1, waiting=0, seconds=0)
    for _ in range(2):
        with pytest.raises(LookupError), turns.turn():
            raise LookupError
    with turns.turn():
        pass
