"""The deadline: the session is expired at Stripe first, and only then the artwork is free."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.core import clock
from app.jobs import tasks
from tests.payments.market import Market, at_once

SOLD = ("SOLD", "WON", "SUCCEEDED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """A second to pay."""
    return {"payment_window_seconds": 1}


def await_deadline(market: Market, won: Any) -> None:
    """Wait until the time to pay is over, and not longer."""
    left = (market.payment(won["payment"]["id"]).deadline_at - clock.now()).total_seconds()
    assert left <= 1
    time.sleep(max(0.0, left))


@pytest.mark.parametrize("by", ["job", "sweep"])
def test_at_the_deadline_stripe_expires_the_session_and_the_artwork_is_free(
    market: Market, by: str
) -> None:
    won = market.win()
    payment_id = won["payment"]["id"]
    await_deadline(market, won)
    if by == "sweep":
        report = market.sweep()
        assert (report.payments_closed, report.failures) == (1, 0)
    else:
        with market.app.app_context():
            tasks.settle_payment(payment_id)

    assert market.standing(won) == RELEASED
    assert market.only_session()["status"] == "expired"
    assert market.read(payment_id)["failure_reason"] == "deadline"
    assert market.read(payment_id)["checkout_url"] is None
    [released] = market.mails("payment_released")
    assert released.recipient == market.buyer.email
    assert len(market.mails("sale_released")) == 1
    assert len(market.audits("payment.canceled")) == 1


def test_what_was_paid_before_the_deadline_is_sold_after_it_though_no_webhook_came(
    market: Market,
) -> None:
    won = market.win()
    market.pay(won)
    await_deadline(market, won)
    market.sweep()
    assert market.standing(won) == SOLD
    assert market.artwork(won["artwork_id"]).sold_cents == 10_000
    assert len(market.mails("payment_receipt")) == 1
    assert market.mails("payment_released") == []


def test_the_artwork_stays_reserved_until_stripe_says_that_the_session_is_dead(
    market: Market,
) -> None:
    won = market.win()
    await_deadline(market, won)
    market.sandbox.fault("expire", "status", status=503, times=None)
    market.sandbox.fault("retrieve", "status", status=503, times=None)
    market.sweep()
    assert market.standing(won) == RESERVED
    other = market.make_person("BUYER")
    refused = market.bid(other, won["artwork_id"], "500.00").get_json()
    assert refused["artwork_status"] == "PENDING_PAYMENT"

    # Stripe's page knows nothing of our deadline: who paid meanwhile has bought.
    market.pay(won)
    market.come_back()
    market.sweep()
    assert market.standing(won) == SOLD


@pytest.mark.parametrize("kind", ["lost_before", "lost_after"])
def test_an_expire_whose_answer_was_lost_releases_once(market: Market, kind: str) -> None:
    won = market.win()
    await_deadline(market, won)
    market.sandbox.fault("expire", kind, times=3)
    market.sweep()
    market.sweep()
    assert market.standing(won) == RELEASED
    assert len(market.audits("artwork.freed")) == 1
    assert len(market.mails("payment_released")) == 1


def test_a_session_never_made_before_the_deadline_ends_expired_at_stripe(
    market: Market,
) -> None:
    market.fail_all()
    won = market.win()
    await_deadline(market, won)
    market.sweep()
    assert market.standing(won) == RESERVED
    market.come_back()
    market.sweep()
    assert market.standing(won) == RELEASED
    # The create may have taken effect unseen, so it was made sure of, and then expired.
    assert market.only_session()["status"] == "expired"


def test_a_create_that_took_effect_unseen_is_found_and_sold_when_it_was_paid(
    market: Market,
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    market.sandbox.pay(market.only_session()["id"])
    await_deadline(market, won)
    market.sweep()
    assert market.standing(won) == SOLD


def test_settling_many_times_at_once_releases_once(market: Market) -> None:
    won = market.win()
    await_deadline(market, won)
    said = at_once(6, lambda _: market.settle(won["payment"]["id"]).status.value)
    assert set(said) == {"CANCELED"}
    assert len(market.audits("artwork.freed")) == 1
    assert len(market.mails("payment_released")) == 1


def test_after_a_release_the_next_bid_can_win_and_the_first_buyer_may_not(
    market: Market,
) -> None:
    won = market.win(amount="150.00")
    await_deadline(market, won)
    market.sweep()
    again = market.bid(market.buyer, won["artwork_id"], "900.00")
    assert (again.status_code, again.get_json()["code"]) == (409, "already_defaulted")
    other = market.make_person("BUYER")
    second = market.bid(other, won["artwork_id"], "101.00").get_json()
    assert second["is_winning"]
    market.pay(second)
    market.sweep()
    assert market.standing(second) == SOLD
    assert market.artwork(won["artwork_id"]).sold_cents == 10_100
    captured = [intent for intent in market.sandbox.ledger()["payment_intents"]
                if intent["status"] == "succeeded"]  # fmt: skip
    assert len(captured) == 1


def test_a_session_that_stripe_does_not_know_keeps_the_artwork_and_is_flagged_once(
    market: Market,
) -> None:
    won = market.win()
    market.sandbox.control("POST", "/reset", status=204)
    await_deadline(market, won)
    market.sweep()
    market.sweep()
    assert market.standing(won) == RESERVED
    assert [flag.kind for flag in market.flags()] == ["session_unknown"]
