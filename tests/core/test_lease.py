"""A lease: of several that want to do a thing, one does it at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.core import clock
from app.core.extensions import db
from app.core.lease import give_lease_back, is_late, read_lease, take_lease

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_while_one_holds_it_the_others_step_aside_and_its_holder_may_renew(app: Flask) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        assert take_lease("work", "one", 10)
        assert not take_lease("work", "two", 10)
        now.shift(9)
        assert take_lease("work", "one", 10)
        now.shift(9)
        assert not take_lease("work", "two", 10)


def test_a_holder_that_died_is_followed_when_its_time_is_over(app: Flask) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        assert take_lease("work", "dead", 10)
        now.shift(10)
        assert take_lease("work", "next", 10)
        assert not take_lease("work", "dead", 10)


def test_given_back_it_is_free_at_once_and_says_when_the_work_was_finished(app: Flask) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        assert take_lease("work", "one", 10)
        now.shift(3)
        give_lease_back("work", "one", {"done": 2})
        lease = read_lease("work")
        assert lease is not None
        assert (lease.finished_at, lease.report) == (datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC),
                                                     {"done": 2})  # fmt: skip
        db.session.remove()
        assert take_lease("work", "two", 10)


@pytest.mark.parametrize("seconds", [90, 240, 3600])
def test_given_back_it_is_free_however_far_the_clock_is_set_back(app: Flask, seconds: int) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        assert take_lease("work", "one", 10)
        give_lease_back("work", "one", {"done": 1})
        now.shift(-seconds)
        assert take_lease("work", "two", 10)


def test_a_dead_holders_lease_is_held_two_minutes_at_most_when_the_clock_is_set_back(
    app: Flask,
) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        assert take_lease("work", "dead", 10)
        now.shift(-200)
        assert take_lease("work", "next", 10)


def test_a_sweep_that_bears_a_later_time_is_late(app: Flask) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        finished_at = clock.now()
        for seconds, late in ((0, False), (55, False), (56, True)):
            for sign in (1, -1):
                now.move_to(START + timedelta(seconds=sign * seconds))
                assert is_late(finished_at, 15) == late, (seconds, sign)


def test_who_lost_it_meanwhile_takes_nothing_from_the_new_holder(app: Flask) -> None:
    with app.app_context(), time_machine.travel(START, tick=False) as now:
        take_lease("work", "slow", 10)
        now.shift(11)
        assert take_lease("work", "next", 10)
        give_lease_back("work", "slow", {"done": 1})
        assert not take_lease("work", "third", 10)
        lease = read_lease("work")
        assert lease is not None
        assert (lease.holder, lease.report) == ("next", None)


def test_work_that_failed_is_not_noted_as_finished(app: Flask) -> None:
    with app.app_context():
        take_lease("work", "one", 10)
        give_lease_back("work", "one", None)
        lease = read_lease("work")
        assert lease is not None
        assert lease.finished_at is None


def test_of_many_that_ask_at_the_same_moment_one_gets_it(app: Flask) -> None:
    gate = threading.Barrier(8)
    got: list[str] = []

    def ask(name: str) -> None:
        with app.app_context():
            gate.wait(10)
            if take_lease("fresh", name, 30):
                got.append(name)
            db.session.remove()

    threads = [threading.Thread(target=ask, args=(f"holder {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 1
