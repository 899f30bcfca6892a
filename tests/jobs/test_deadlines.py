"""The watch over deadlines: nothing waits longer for it than it must."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.jobs import deadlines
from app.jobs.deadlines import settle_what_is_due
from app.payments import service as payments
from app.payments.models import Payment
from tests.payments.market import Market

RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


def _is_due_in(market: Market, payment_id: int, seconds: float) -> None:
    market.change(Payment, payment_id, deadline_at=clock.now() + timedelta(seconds=seconds))


def _look(market: Market) -> float:
    with market.app.app_context():
        return settle_what_is_due()


def test_the_next_look_is_at_the_next_deadline_or_after_a_second(market: Market) -> None:
    assert _look(market) == 1
    won = market.win()["payment"]["id"]
    assert _look(market) == 1
    _is_due_in(market, won, 0.9)
    assert 0 < _look(market) < 0.9


def test_what_comes_due_while_another_is_asked_about_is_looked_at_next(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = market.win(), market.win()
    _is_due_in(market, first["payment"]["id"], -1)
    _is_due_in(market, second["payment"]["id"], 60)
    settle = deadlines._settle

    def settle_slowly(payment_id: int) -> None:
        settle(payment_id)
        _is_due_in(market, second["payment"]["id"], -0.001)

    with monkeypatch.context() as slow:
        slow.setattr(deadlines, "_settle", settle_slowly)
        assert _look(market) == 0
    assert (market.standing(first), market.standing(second)[2]) == (RELEASED, "PENDING")
    assert _look(market) == 1
    assert market.standing(second) == RELEASED


def test_more_than_are_taken_together_are_not_kept_waiting(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    wins = [market.win() for _ in range(3)]
    for won in wins:
        _is_due_in(market, won["payment"]["id"], -1)
    take_due = payments.take_due
    monkeypatch.setattr(payments, "take_due", lambda: take_due(limit=2))
    assert _look(market) == 0
    assert _look(market) == 1
    assert [market.standing(won) for won in wins] == [RELEASED] * 3


def test_one_that_stripe_does_not_answer_for_is_left_to_the_sweep(market: Market) -> None:
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    market.fail_all()
    assert _look(market) == 1
    assert market.standing(won)[2] == "PENDING"
    market.come_back()
    assert _look(market) == 1
    assert market.standing(won)[2] == "PENDING"
    market.sweep()
    assert market.standing(won) == RELEASED
