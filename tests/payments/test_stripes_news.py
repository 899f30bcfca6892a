"""What Stripe tells of a payment: it disagrees, comes later, is declined, refunded, disputed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.payments.market import Market, variant

COMPLETED = "checkout.session.completed"
SOLD = ("SOLD", "WON", "SUCCEEDED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
SLOW_CARD = "4000000000003720"


@pytest.mark.parametrize(
    ("lie", "words"),
    [({"amount_total": 9_999}, "9999 cents instead of 10000"),
     ({"currency": "eur"}, "currency is eur instead of usd"),
     ({"livemode": True}, "it is live")],
)  # fmt: skip
@pytest.mark.parametrize("by", ["webhook", "sweep"])
def test_a_payment_that_disagrees_is_locked_and_flagged_once_not_sold(
    market: Market, lie: dict[str, Any], words: str, by: str
) -> None:
    admins = [market.make_person("ADMIN") for _ in range(2)]
    won = market.win()
    market.sandbox.control("POST", f"/sessions/{market.session_id(won)}/tamper", lie)
    market.pay(won)
    for _ in range(2):
        if by == "webhook":
            assert market.deliver(market.event(COMPLETED)) == [200]
            assert market.post_event(variant(market.event(COMPLETED))).status_code == 200
        else:
            assert market.sweep().failures == 0

    assert market.standing(won) == RESERVED
    assert market.bid(market.make_person("BUYER"), won["artwork_id"]).status_code == 409
    [flag] = market.flags()
    assert (flag.kind, flag.payment_id) == ("payment_disagrees", won["payment"]["id"])
    assert words in flag.detail
    mails = market.mails("attention_needed")
    assert {mail.recipient for mail in mails} == {admin.email for admin in admins}
    assert len(mails) == 2
    assert market.mails("payment_receipt") == []


def test_a_locked_payment_stays_locked_past_its_deadline(market: Market) -> None:
    won = market.win()
    path = f"/sessions/{market.session_id(won)}/tamper"
    market.sandbox.control("POST", path, {"amount_total": 1})
    market.pay(won)
    market.pass_deadline(won["payment"]["id"])
    market.sweep()
    market.sweep()
    assert market.standing(won) == RESERVED
    assert len(market.flags()) == 1


@pytest.mark.parametrize("by", ["webhook", "sweep"])
@pytest.mark.parametrize(
    ("outcome", "standing"),
    [("succeed", SOLD), ("fail", ("ACTIVE", "RELEASED", "FAILED"))],
)
def test_funds_that_come_later_are_awaited_and_then_decide(
    market: Market, by: str, outcome: str, standing: tuple[str, str, str]
) -> None:
    won = market.win()
    market.pay(won, SLOW_CARD)

    def learn(kind: str) -> None:
        if by == "webhook":
            assert market.deliver(market.event(kind)) == [200]
        else:
            assert market.sweep().failures == 0

    learn(COMPLETED)
    assert market.standing(won) == ("PENDING_PAYMENT", "WON", "PROCESSING")
    assert market.give_up(won["payment"]["id"]).get_json()["code"] == "payment_over"
    market.pass_deadline(won["payment"]["id"])
    market.sweep()
    assert market.standing(won) == ("PENDING_PAYMENT", "WON", "PROCESSING")

    path = f"/sessions/{market.session_id(won)}/settle"
    market.sandbox.control("POST", path, {"outcome": outcome})
    learn("checkout.session.async_payment_" + {"succeed": "succeeded", "fail": "failed"}[outcome])
    assert market.standing(won) == standing
    reason = market.read(won["payment"]["id"])["failure_reason"]
    assert reason == (None if outcome == "succeed" else "funds_failed")


def test_completed_but_unpaid_that_comes_after_the_funds_changes_nothing(
    market: Market,
) -> None:
    won = market.win()
    market.pay(won, SLOW_CARD)
    late = market.event(COMPLETED)
    path = f"/sessions/{market.session_id(won)}/settle"
    market.sandbox.control("POST", path, {"outcome": "succeed"})
    market.deliver(market.event("checkout.session.async_payment_succeeded"))
    assert market.standing(won) == SOLD
    assert market.deliver(late) == [200]
    assert market.sold_once(won)
    [refused] = market.audits("payment.move_refused")
    assert refused.resource_id == won["payment"]["id"]
    assert refused.details == {"status": "SUCCEEDED", "event": "session_unpaid"}


def test_failed_funds_of_a_payment_that_succeeded_are_refused_and_audited(market: Market) -> None:
    won = market.win()
    market.pay(won)
    market.deliver(market.event(COMPLETED))
    failed = variant(
        market.event(COMPLETED), kind="checkout.session.async_payment_failed",
        payment_status="unpaid",
    )  # fmt: skip
    assert market.post_event(failed).status_code == 200
    assert market.sold_once(won)
    assert market.outcomes()[-1] == (failed["type"], "NO_EFFECT", 1)
    [refused] = market.audits("payment.move_refused")
    assert refused.details == {"status": "SUCCEEDED", "event": "funds_failed"}


def test_a_decline_that_speaks_of_theft_is_told_to_nobody(market: Market) -> None:
    won = market.win()
    market.pay(won, "4000000000000002")
    event = market.event("payment_intent.payment_failed")
    event["data"]["object"]["last_payment_error"]["decline_code"] = "stolen_card"
    assert market.post_event(event).status_code == 200
    assert market.audits("payment.declined")[0].details["reason"] == "stolen_card"
    for person in (market.buyer, market.seller):
        assert market.read(won["payment"]["id"], person)["failure_reason"] == "generic_decline"
    assert "stolen" not in market.checkout(won["id"]).text


def test_a_decline_is_recorded_and_mailed_and_the_session_goes_on(market: Market) -> None:
    won = market.win()
    assert market.pay(won, "4000000000009995")["error"]["decline_code"] == "insufficient_funds"
    event = market.event("payment_intent.payment_failed")
    assert market.deliver(event, copies=2) == [200, 200]

    owed = market.read(won["payment"]["id"])
    assert (owed["status"], owed["failure_reason"]) == ("PENDING", "insufficient_funds")
    assert owed["checkout_url"] == won["payment"]["checkout_url"]
    assert market.standing(won) == RESERVED
    [mail] = market.mails("payment_failed")
    assert mail.recipient == market.buyer.email
    assert len(market.audits("payment.declined")) == 1

    market.pay(won, "4000000000000002")
    market.deliver(market.event("payment_intent.payment_failed"))
    assert len(market.mails("payment_failed")) == 2
    market.pay(won)
    market.deliver(market.event(COMPLETED))
    assert market.standing(won) == SOLD
    assert market.read(won["payment"]["id"])["failure_reason"] is None
    assert market.deliver(event) == [200]
    assert market.post_event(variant(event)).status_code == 200
    assert market.sold_once(won)
    assert len(market.mails("payment_failed")) == 2


def charge_of(market: Market, won: Any) -> str:
    market.pay(won)
    market.deliver(market.event(COMPLETED))
    return str(market.sandbox.ledger()["charges"][-1]["id"])


def test_a_full_refund_is_recorded_and_the_artwork_stays_sold(market: Market) -> None:
    won = market.win()
    market.sandbox.control("POST", f"/charges/{charge_of(market, won)}/refund", {})
    assert market.deliver(market.event("charge.refunded"), copies=2) == [200, 200]
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")
    assert market.payment(won["payment"]["id"]).refunded_cents == 10_000
    assert len(market.audits("payment.refund_recorded")) == 1


def test_a_partial_refund_keeps_the_sale_and_records_the_amount(market: Market) -> None:
    won = market.win()
    market.sandbox.control("POST", f"/charges/{charge_of(market, won)}/refund", {"amount": 2_500})
    assert market.deliver(market.event("charge.refunded")) == [200]
    assert market.standing(won) == SOLD
    assert market.payment(won["payment"]["id"]).refunded_cents == 2_500


def test_refunds_that_come_out_of_order_add_up_to_what_stripe_says(market: Market) -> None:
    won = market.win()
    charge = charge_of(market, won)
    events = []
    for amount in (2_500, 1_500, 6_000):
        market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": amount})
        events.append(market.event("charge.refunded"))
    assert market.deliver(events[1]) == [200]
    assert market.payment(won["payment"]["id"]).refunded_cents == 4_000
    assert market.deliver(events[0]) == [200]
    assert market.payment(won["payment"]["id"]).refunded_cents == 4_000
    assert market.deliver(events[2]) == [200]
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")
    assert market.deliver(events[1]) == [200]
    assert market.payment(won["payment"]["id"]).refunded_cents == 10_000
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")


def test_a_completed_event_after_a_refund_changes_nothing(market: Market) -> None:
    won = market.win()
    market.sandbox.control("POST", f"/charges/{charge_of(market, won)}/refund", {})
    market.deliver(market.event("charge.refunded"))
    assert market.post_event(variant(market.event(COMPLETED))).status_code == 200
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")
    assert len(market.mails("payment_receipt")) == 1


def test_a_refund_that_comes_before_the_news_of_its_sale_brings_it_along(
    market: Market,
) -> None:
    won = market.win()
    market.pay(won)
    charge = market.sandbox.ledger()["charges"][-1]["id"]
    market.sandbox.control("POST", f"/charges/{charge}/refund", {})
    assert market.deliver(market.event("charge.refunded")) == [200]
    assert market.deliver(market.event(COMPLETED)) == [200]
    assert market.standing(won) == ("SOLD", "WON", "REFUNDED")
    assert market.payment(won["payment"]["id"]).refunded_cents == 10_000
    assert len(market.mails("payment_receipt")) == 1


def test_a_refund_of_a_payment_that_was_never_paid_is_flagged(market: Market) -> None:
    won = market.win()
    refunded = {
        "id": "evt_refund", "object": "event", "type": "charge.refunded", "livemode": False,
        "data": {"object": {"id": "ch_1", "object": "charge", "amount_refunded": 10_000,
                            "metadata": market.only_session()["metadata"]}},
    }  # fmt: skip
    assert market.post_event(refunded).status_code == 200
    assert market.standing(won) == RESERVED
    assert [flag.kind for flag in market.flags()] == ["refund_without_sale"]


def test_a_dispute_is_flagged_once_and_mailed_to_the_administrators(market: Market) -> None:
    admin = market.make_person("ADMIN")
    won = market.win()
    market.sandbox.control("POST", f"/charges/{charge_of(market, won)}/dispute")
    assert market.deliver(market.event("charge.dispute.created"), copies=3) == [200] * 3
    assert market.standing(won) == SOLD
    assert [flag.kind for flag in market.flags()] == ["dispute"]
    [mail] = market.mails("attention_needed")
    assert mail.recipient == admin.email
