"""When a payment cannot be paid for now: a person looks at it, or Stripe is away."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.transaction import transaction
from app.payments import service
from app.payments.states import CONTRADICTIONS, PAYABLE_MEANWHILE
from tests.payments.market import Market

PAY, GIVE_UP = b">Pay $100.00<", b"Give up this win"


def flag(market: Market, kind: str, payment_id: int) -> None:
    with market.app.app_context(), transaction() as session:
        service.raise_attention(session, kind, f"{kind}:{payment_id}", payment_id, "Look at it.")


def flagged_win(market: Market, kind: str) -> tuple[Any, int]:
    """A win whose payment needs a person; the bid, and the payment's number."""
    won = market.win()
    payment_id = won["payment"]["id"]
    flag(market, kind, payment_id)
    return won, payment_id


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_a_payment_that_a_person_looks_at_offers_no_way_to_pay_until_that_is_done(
    market: Market, kind: str
) -> None:
    won = market.win()
    payment_id = won["payment"]["id"]
    page = market.buyer.browser.get(f"/payments/{payment_id}").data
    assert PAY in page
    assert GIVE_UP in page

    flag(market, kind, payment_id)
    page = market.buyer.browser.get(f"/payments/{payment_id}").data
    assert b"A person is looking at this payment" in page
    assert PAY not in page
    assert GIVE_UP not in page
    assert b"Pay by" not in page
    straight = market.buyer.browser.get(f"/payments/{payment_id}/pay")
    assert (straight.status_code, straight.location) == (303, f"/payments/{payment_id}")
    assert b"Not ready yet" not in market.buyer.browser.get(f"/payments/{payment_id}").data
    for list_of_mine in ("/me/bids", "/me/payments"):
        shown = market.buyer.browser.get(list_of_mine).data
        assert b"On hold" in shown
        assert b">Pay<" not in shown
    asked = market.checkout(won["id"])
    assert (asked.status_code, asked.get_json()["checkout_url"]) == (200, None)
    assert market.read(payment_id)["checkout_url"] is None

    with market.app.app_context():
        [raised] = market.flags()
        service.acknowledge_attention(raised.id, market.make_person("ADMIN").id)
    assert PAY in market.buyer.browser.get(f"/payments/{payment_id}").data
    assert market.checkout(won["id"]).get_json()["checkout_url"] is not None


@pytest.mark.parametrize("kind", PAYABLE_MEANWHILE)
def test_what_does_not_touch_the_payment_keeps_nobody_from_paying(
    market: Market, kind: str
) -> None:
    won, payment_id = flagged_win(market, kind)
    assert PAY in market.buyer.browser.get(f"/payments/{payment_id}").data
    assert market.checkout(won["id"]).get_json()["checkout_url"] is not None
    straight = market.buyer.browser.get(f"/payments/{payment_id}/pay")
    assert str(market.sandbox.url) in straight.location


def test_a_session_that_stripe_knows_again_can_be_paid_again(market: Market) -> None:
    won = market.win()
    payment_id = won["payment"]["id"]
    for _ in range(2):
        market.sandbox.fault("retrieve", "status", status=404, times=None)
        market.settle(payment_id)
        assert market.read(payment_id)["checkout_url"] is None
        market.come_back()
        market.settle(payment_id)
        assert market.read(payment_id)["checkout_url"] is not None
    assert [flag.kind for flag in market.flags()] == ["session_unknown"]


@pytest.mark.parametrize(("kind", "reason"), [
    ("session_unknown", "session_expired"), (PAYABLE_MEANWHILE[0], "deadline"),
])  # fmt: skip
def test_who_was_told_to_wait_until_the_deadline_did_not_default(
    market: Market, kind: str, reason: str
) -> None:
    won, payment_id = flagged_win(market, kind)
    market.pass_deadline(payment_id)
    market.sweep()
    assert market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")
    assert market.read(payment_id)["failure_reason"] == reason


def test_a_win_while_stripe_is_away_is_said_once(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller, 10_000)
    market.fail_all()
    won = market.buyer.browser.submit(f"/artworks/{artwork_id}/bids", amount="100", confirm="1")
    assert won.status_code == 303
    page = market.buyer.browser.get(won.location).text
    [_, content] = page.split("<main")
    assert content.count("You won") == 1
    assert "Your payment page is being prepared" in content
