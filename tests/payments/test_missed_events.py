"""Refunds and disputes whose webhook never came: the sweep asks Stripe for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.extensions import db
from app.core.notes import Note
from app.core.transaction import transaction
from app.payments import gateway, service
from app.payments.models import StripeEvent
from tests.payments.market import Market

NOTE = "stripe_events"


def sale(market: Market) -> tuple[Any, str]:
    """A win that is paid, and the id of its charge."""
    won = market.win()
    market.pay(won)
    market.settle(won["payment"]["id"])
    assert market.standing(won) == ("SOLD", "WON", "SUCCEEDED")
    return won, str(market.sandbox.ledger()["charges"][0]["id"])


def let_pass(market: Market, time: timedelta) -> None:
    """The last question about events was so long ago."""
    with market.app.app_context(), transaction() as session:
        note = session.scalars(select(Note).where(Note.name == NOTE)).one()
        until = clock.iso(clock.now() - time)
        session.execute(
            update(Note)
            .where(Note.name == NOTE)
            .values(noted_at=note.noted_at - time, content={"until": until})
        )


def refunded(market: Market, won: Any) -> int:
    """How much of the sale is recorded as given back, in cents."""
    return market.payment(won["payment"]["id"]).refunded_cents


def test_a_refund_that_no_webhook_told_is_recorded_by_the_sweep(market: Market) -> None:
    won, charge = sale(market)
    market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": 2_500})
    assert market.sweep().events_missed == 1
    assert (market.standing(won)[2], refunded(market, won)) == ("SUCCEEDED", 2_500)

    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    assert market.sweep().events_missed == 0
    assert len(market.requests("list_events")) == 1, "it asks every ten minutes"
    let_pass(market, timedelta(minutes=11))
    assert market.sweep().events_missed == 1
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")
    assert refunded(market, won) == 10_000


def test_one_that_a_webhook_told_is_left_alone(market: Market) -> None:
    _, charge = sale(market)
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    assert market.deliver(market.event("charge.refunded")) == [200]
    assert market.sweep().events_missed == 0
    assert market.outcomes() == [("charge.refunded", "APPLIED", 1)]
    assert len(market.audits("payment.refund_recorded")) == 1


def test_a_dispute_is_flagged_once_though_its_webhook_comes_late(market: Market) -> None:
    _, charge = sale(market)
    market.sandbox.control("POST", f"/charges/{charge}/dispute")
    assert market.sweep().events_missed == 1
    assert market.deliver(market.event("charge.dispute.created")) == [200]
    assert [flag.kind for flag in market.flags()] == ["dispute"]
    assert market.outcomes() == [("charge.dispute.created", "FLAGGED", 2)]


def test_what_came_while_stripe_was_away_is_found_when_it_is_back(market: Market) -> None:
    won, charge = sale(market)
    market.sweep()
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    let_pass(market, timedelta(days=2))
    market.fail_all()
    with market.app.app_context():
        assert service.hear_missed_when_due() == 0
        asked_since = db.session.get_one(Note, NOTE).content["until"]
    assert asked_since < clock.iso(clock.now() - timedelta(days=1))
    market.come_back()
    let_pass(market, timedelta(minutes=11))
    assert market.sweep().events_missed == 1
    assert market.standing(won)[2] == "REFUNDED"


def test_none_is_passed_over_while_our_clock_is_wrong(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    won, charge = sale(market)
    right = clock.now
    with monkeypatch.context() as wrong, market.app.app_context():
        wrong.setattr(clock, "now", lambda: right() + timedelta(days=1))
        assert service.hear_missed_when_due() == 0
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    assert market.sweep().events_missed == 1
    assert market.standing(won)[2] == "REFUNDED"


def test_one_that_could_not_be_handled_is_tried_again(market: Market) -> None:
    won, charge = sale(market)
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    market.deliver(market.event("charge.refunded"))
    [stored] = market.stored()
    market.change(StripeEvent, stored.id, outcome="FAILED")
    assert market.sweep().events_missed == 1
    assert market.outcomes() == [("charge.refunded", "NO_EFFECT", 2)]
    assert market.standing(won)[2] == "REFUNDED"


def test_an_administrator_who_asks_finds_a_refund_at_once(market: Market) -> None:
    won, charge = sale(market)
    market.sweep()
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    admin = market.make_person("ADMIN")
    with market.app.app_context():
        answer = service.ask_stripe(won["payment"]["id"], admin.id)
    assert (answer.finding, answer.status) == (service.Finding.CHANGED, "REFUNDED")


def test_a_slow_stripe_is_asked_for_no_more_than_the_time_allows_and_the_rest_comes_later(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    won, charge = sale(market)
    for _ in range(4):
        market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": 500})
    monkeypatch.setattr(gateway, "_PAGE", 1)
    with market.app.app_context():
        for times in range(1, 5):
            # The newest tells of all four.
            assert service.hear_missed(budget_seconds=0) == 1
            assert len(market.requests("list_events")) == times
        # To its end: then from the newest on, for which all of the last hour is looked at again.
        market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": 500})
        heard = [service.hear_missed(budget_seconds=0) for _ in range(6)]
        assert sorted(heard) == [0, 0, 0, 0, 0, 1]
    assert refunded(market, won) == 2_500


def test_of_many_that_are_slow_to_handle_some_are_left_for_the_next_time(
    market: Market,
) -> None:
    won, charge = sale(market)
    for _ in range(3):
        market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": 500})
    with market.app.app_context():
        for left in (2, 1, 0):
            assert service.hear_missed(budget_seconds=0) == 1
            assert refunded(market, won) == 500 * (3 - left)
        assert service.hear_missed(budget_seconds=0) == 0


def test_during_a_recovery_they_wait(market: Market) -> None:
    won, charge = sale(market)
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    with market.app.app_context():
        service.begin_recovery(clock.now(), None)
        assert service.hear_missed_when_due() == 0
        assert market.requests("list_events") == []
        service.finish_recovery()
        assert service.hear_missed_when_due() == 1
    assert market.standing(won)[2] == "REFUNDED"
