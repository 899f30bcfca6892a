"""Finished payments, held against what Stripe says of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.payments.models import Payment
from tests.payments.market import Market
from tests.people import TestPerson

COMPLETED = "checkout.session.completed"


def sold(market: Market, hours_ago: float = 2) -> Any:
    """A sale that was made so long ago."""
    won = market.win()
    market.pay(won)
    assert market.deliver(market.event(COMPLETED)) == [200]
    then = clock.now() - timedelta(hours=hours_ago)
    market.change(Payment, won["payment"]["id"], closed_at=then, paid_at=then)
    return won


def tamper(market: Market, won: Any, **lie: Any) -> None:
    """From now on Stripe says otherwise of the session."""
    market.sandbox.control("POST", f"/sessions/{market.session_id(won)}/tamper", lie)


def test_a_sale_is_compared_an_hour_later_and_then_once_a_day(market: Market) -> None:
    won = sold(market, hours_ago=0.5)
    assert market.sweep().payments_compared == 0
    market.change(
        Payment, won["payment"]["id"], closed_at=clock.now() - timedelta(hours=2), asked_at=None
    )
    assert market.payment(won["payment"]["id"]).stripe_charge_id is None
    assert market.sweep().payments_compared == 1
    [charge] = market.sandbox.ledger()["charges"]
    assert market.payment(won["payment"]["id"]).stripe_charge_id == charge["id"]
    assert market.sweep().payments_compared == 0
    market.change(
        Payment, won["payment"]["id"], asked_at=clock.now() - timedelta(hours=25),
        closed_at=clock.now() - timedelta(days=3),
    )  # fmt: skip
    assert market.sweep().payments_compared == 1
    market.change(
        Payment, won["payment"]["id"], asked_at=None, closed_at=clock.now() - timedelta(days=8)
    )
    assert market.sweep().payments_compared == 0
    assert market.flags() == []


@pytest.mark.parametrize(
    ("lie", "words"),
    [({"amount_total": 1}, "1 cents instead of 10000"),
     ({"payment_status": "unpaid"}, "payment status is unpaid")],
)  # fmt: skip
def test_a_sale_that_stripe_contradicts_is_flagged_once_and_stays_sold(
    market: Market, lie: dict[str, Any], words: str
) -> None:
    won = sold(market)
    tamper(market, won, **lie)
    for _ in range(2):
        market.change(Payment, won["payment"]["id"], asked_at=None)
        assert market.sweep().payments_compared == 1
    [flag] = market.flags()
    assert (flag.kind, flag.payment_id) == ("payment_disagrees", won["payment"]["id"])
    assert words in flag.detail
    assert market.standing(won) == ("SOLD", "WON", "SUCCEEDED")


def test_a_released_payment_that_turns_out_paid_is_flagged(market: Market) -> None:
    won = market.win()
    market.give_up(won["payment"]["id"])
    tamper(market, won, payment_status="paid")
    market.change(
        Payment, won["payment"]["id"], closed_at=clock.now() - timedelta(hours=2), asked_at=None
    )
    market.sweep()
    [flag] = market.flags()
    assert "released, and the session is paid" in flag.detail
    assert market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")


def test_a_session_that_stripe_forgot_is_flagged(market: Market, admin: TestPerson) -> None:
    won = sold(market)
    market.change(Payment, won["payment"]["id"], stripe_session_id="cs_test_forgotten")
    answer = admin.browser.submit(f"/admin/payments/{won['payment']['id']}/ask")
    assert "Stripe says otherwise" in admin.browser.get(answer.location).text
    [flag] = market.flags()
    assert flag.kind == "session_unknown"


def test_a_stripe_that_is_away_is_asked_again_with_the_next_sweep(market: Market) -> None:
    won = sold(market)
    market.fail_all()
    report = market.sweep()
    assert (report.payments_compared, report.failures) == (0, 0)
    assert market.payment(won["payment"]["id"]).asked_at is None
    market.come_back()
    assert market.sweep().payments_compared == 1
