"""Stripe's events: signed, stored, applied once, in any order; or refused without a trace."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.payments import service
from app.payments.models import Payment
from tests.payments.market import SECRET, Market, at_once, signed, variant
from tests.sandbox.sandbox_process import session_params

COMPLETED = "checkout.session.completed"
SOLD = ("SOLD", "WON", "SUCCEEDED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
SLOW_CARD = "4000000000003720"


def outcomes(market: Market) -> list[tuple[str, str, int]]:
    return [(event.type, event.outcome.value, event.attempts) for event in market.stored()]


def sold_once(market: Market, won: Any) -> None:
    assert market.standing(won) == SOLD
    assert len(market.audits("payment.succeeded")) == 1
    assert len(market.audits("artwork_sold")) == 1
    assert len(market.mails("payment_receipt")) == 1
    assert len(market.mails("sale_completed")) == 1


def test_a_completed_session_sells_the_artwork(market: Market) -> None:
    won = market.win(amount="250.75")
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event) == [200]

    sold_once(market, won)
    assert market.artwork(won["artwork_id"]).sold_cents == 25_075
    payment = market.payment(won["payment"]["id"])
    assert payment.paid_at is not None
    assert payment.stripe_payment_intent_id == event["data"]["object"]["payment_intent"]
    [stored] = market.stored()
    assert (stored.stripe_event_id, stored.outcome.value) == (event["id"], "APPLIED")
    assert (stored.payment_id, stored.handled_at is not None) == (payment.id, True)
    assert stored.payload["data"]["object"]["id"] == market.session_id(won)


def test_the_answer_says_that_it_was_received(market: Market) -> None:
    won = market.win()
    market.pay(won)
    answer = market.post_event(variant(market.event(COMPLETED)))
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert "no-store" in answer.headers.get("Cache-Control", "no-store")


def test_events_are_refused_when_forged_or_older_than_300_seconds(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event, secret="whsec_somebody_else") == [400]
    assert market.deliver(event, age_seconds=301) == [400]
    assert market.standing(won) == RESERVED
    assert market.stored() == []
    assert market.deliver(event, age_seconds=290) == [200]
    assert market.standing(won) == SOLD


FORGERIES: dict[str, Callable[[bytes, str], tuple[bytes, str]]] = {
    "unsigned": lambda body, good: (body, ""),
    "empty": lambda body, good: (b"", signed(b"")),
    "tampered": lambda body, good: (body.replace(b"10000", b"10001"), good),
    "nonsense": lambda body, good: (body, "t=now,v1=ff"),
    "no time": lambda body, good: (body, good.split(",")[1]),
    "other scheme": lambda body, good: (body, good.replace("v1=", "v0=")),
    "not json": lambda body, good: (b"hello", signed(b"hello")),
    "not utf-8": lambda body, good: (b"\xff\xfe", signed(b"\xff\xfe")),
    "a list": lambda body, good: (b"[]", signed(b"[]")),
    "no object": lambda body, good: (b'{"id": "evt_1"}', signed(b'{"id": "evt_1"}')),
    "long": lambda body, good: (body, "v1=" * 20_000),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_request_that_is_not_stripes_word_leaves_no_effect(market: Market, how: str) -> None:
    won = market.win()
    market.pay(won)
    body = json.dumps(market.event(COMPLETED)).encode()
    sent = FORGERIES[how](body, signed(body))
    assert sent != (body, signed(body))
    answer = market.post_event(*sent)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert market.standing(won) == RESERVED
    assert market.stored() == []


def test_the_same_event_time_after_time_has_one_effect(market: Market) -> None:
    won = market.win()
    market.pay(won)
    assert market.deliver(market.event(COMPLETED), copies=5) == [200] * 5
    sold_once(market, won)
    assert outcomes(market) == [(COMPLETED, "APPLIED", 5)]


def test_the_same_event_ten_times_at_once_has_one_effect(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event, copies=10, concurrent=True) == [200] * 10
    sold_once(market, won)
    assert outcomes(market) == [(COMPLETED, "APPLIED", 10)]


def test_webhook_sweep_and_return_page_at_once_sell_once(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    payment_id = won["payment"]["id"]
    ways = [
        lambda: market.post_event(event).status_code,
        lambda: market.post_event(variant(event, 2)).status_code,
        lambda: market.sweep().failures,
        lambda: market.settle(payment_id).status.value,
        lambda: market.buyer.browser.get(f"/payments/{payment_id}/return").status_code,
    ]
    said = at_once(len(ways), lambda number: ways[number]())
    assert said == [200, 200, 0, "SUCCEEDED", 200]
    sold_once(market, won)


def test_an_event_that_comes_before_our_row_knows_its_session_is_matched_and_verified(
    market: Market,
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    assert market.payment(won["payment"]["id"]).stripe_session_id is None
    session = market.only_session()
    market.sandbox.pay(session["id"])
    assert market.deliver(market.event(COMPLETED)) == [200]
    sold_once(market, won)
    assert market.session_id(won) == session["id"]
    assert len(market.requests("retrieve")) == 1


def test_a_session_that_only_claims_to_be_ours_is_not_believed(market: Market) -> None:
    market.sandbox.fault("create", "lost_before", times=2)
    won = market.win()
    assert market.payment(won["payment"]["id"]).stripe_session_id is None
    market.sandbox.stripe().v1.checkout.sessions.create(
        session_params(metadata={"payment_id": str(won["payment"]["id"])})
    )
    other = market.only_session()
    market.sandbox.pay(other["id"])
    claim = variant(market.event(COMPLETED), id="cs_test_nowhere")
    assert market.post_event(claim).status_code == 200
    assert market.standing(won) == RESERVED


def test_an_expired_event_does_not_release_what_stripe_says_is_complete(market: Market) -> None:
    won = market.win()
    market.pay(won)
    expired = variant(
        market.event(COMPLETED), kind="checkout.session.expired", status="expired",
        payment_status="unpaid",
    )  # fmt: skip
    assert market.post_event(expired).status_code == 200
    sold_once(market, won)
    market.deliver(market.event(COMPLETED))
    sold_once(market, won)


def test_an_expired_event_for_an_open_session_changes_nothing(market: Market) -> None:
    won = market.win()
    expired = {
        "id": "evt_early", "object": "event", "type": "checkout.session.expired",
        "livemode": False,
        "data": {"object": {**market.only_session(), "status": "expired"}},
    }  # fmt: skip
    assert market.post_event(expired).status_code == 200
    assert market.standing(won) == RESERVED


def test_a_session_expired_at_stripe_frees_the_artwork(market: Market) -> None:
    won = market.win()
    market.sandbox.stripe().v1.checkout.sessions.expire(market.session_id(won))
    assert market.deliver(market.event("checkout.session.expired"), copies=2) == [200, 200]
    assert market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")
    assert market.read(won["payment"]["id"])["failure_reason"] == "session_expired"
    assert len(market.audits("artwork_freed")) == 1
    assert len(market.mails("payment_released")) == 1


def test_a_foreign_session_is_stored_and_has_no_effect(market: Market) -> None:
    won = market.win()
    market.sandbox.stripe().v1.checkout.sessions.create(
        session_params(metadata={}, payment_intent_data={})
    )
    foreign = market.sandbox.ledger()["sessions"][-1]
    market.sandbox.pay(foreign["id"])
    assert market.deliver(market.event(COMPLETED, foreign["id"])) == [200]
    assert market.standing(won) == RESERVED
    assert outcomes(market) == [(COMPLETED, "NO_EFFECT", 1)]
    assert market.stored()[0].payment_id is None


@pytest.mark.parametrize("kind", ["payment_intent.created", "charge.succeeded", "invoice.paid"])
def test_events_that_mean_nothing_to_us_are_stored(market: Market, kind: str) -> None:
    won = market.win()
    market.pay(won)
    event = variant(market.event("payment_intent.created"), kind=kind)
    assert market.post_event(event).status_code == 200
    assert outcomes(market) == [(kind, "NO_EFFECT", 1)]
    assert market.standing(won) == RESERVED


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
    sold_once(market, won)
    [refused] = market.audits("payment.move_refused")
    assert refused.resource_id == won["payment"]["id"]
    assert refused.details == {"status": "SUCCEEDED", "event": "session_unpaid"}


def test_failed_funds_of_a_payment_that_succeeded_are_refused_and_audited(
    market: Market,
) -> None:
    won = market.win()
    market.pay(won)
    market.deliver(market.event(COMPLETED))
    failed = variant(
        market.event(COMPLETED), kind="checkout.session.async_payment_failed",
        payment_status="unpaid",
    )  # fmt: skip
    assert market.post_event(failed).status_code == 200
    sold_once(market, won)
    [refused] = market.audits("payment.move_refused")
    assert refused.details == {"status": "SUCCEEDED", "event": "funds_failed"}
    assert outcomes(market)[-1] == (failed["type"], "NO_EFFECT", 1)


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
    sold_once(market, won)
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


def test_an_event_that_cannot_be_applied_leaves_no_effect_and_is_taken_the_next_time(
    market: Market,
) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    market.change(Artwork, won["artwork_id"], status=ArtworkStatus.ACTIVE)
    assert market.deliver(event) == [500]

    assert market.payment(won["payment"]["id"]).status.value == "PENDING"
    assert market.mails("payment_receipt") == []
    assert market.audits("payment.succeeded") == []
    [stored] = market.stored()
    assert (stored.outcome.value, stored.last_error) == ("FAILED", "ForbiddenMove")
    assert stored.handled_at is None

    market.change(Artwork, won["artwork_id"], status=ArtworkStatus.PENDING_PAYMENT)
    assert market.deliver(event) == [200]
    sold_once(market, won)
    [stored] = market.stored()
    assert (stored.outcome.value, stored.last_error) == ("APPLIED", None)


def test_an_event_that_needs_stripe_while_stripe_is_down_is_asked_for_again(
    market: Market,
) -> None:
    won = market.win()
    market.sandbox.stripe().v1.checkout.sessions.expire(market.session_id(won))
    event = market.event("checkout.session.expired")
    market.fail_all()
    assert market.deliver(event) == [500]
    assert market.standing(won) == RESERVED
    assert [stored.outcome.value for stored in market.stored()] == ["FAILED"]
    market.come_back()
    assert market.deliver(event) == [200]
    assert market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")


def test_an_administrator_can_have_a_stored_event_handled_again(market: Market) -> None:
    admin = market.make_person("ADMIN")
    won = market.win()
    market.pay(won)
    market.change(Artwork, won["artwork_id"], status=ArtworkStatus.ACTIVE)
    market.deliver(market.event(COMPLETED))
    market.change(Artwork, won["artwork_id"], status=ArtworkStatus.PENDING_PAYMENT)
    [stored] = market.stored()
    with market.app.app_context():
        assert service.replay_event(stored.id, admin.id).value == "APPLIED"
        assert service.replay_event(stored.id, admin.id).value == "NO_EFFECT"
    sold_once(market, won)
    assert {row.user_id for row in market.audits("webhook.replayed")} == {admin.id}


def test_money_for_an_artwork_that_was_released_is_flagged_and_sells_nothing(
    market: Market,
) -> None:
    won = market.win()
    session = market.only_session()
    market.give_up(won["payment"]["id"])
    paid = {
        "id": "evt_late", "object": "event", "type": COMPLETED, "livemode": False,
        "data": {"object": {**session, "status": "complete", "payment_status": "paid"}},
    }  # fmt: skip
    assert market.post_event(paid).status_code == 200
    assert market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")
    [flag] = market.flags()
    assert "the artwork was released before" in flag.detail


@pytest.mark.parametrize("order", ["as made", "reverse", "shuffled"])
def test_the_end_is_the_same_in_every_order_of_events(market: Market, order: str) -> None:
    won = market.win()
    market.pay(won, "4000000000000002")
    market.pay(won)
    charge = market.sandbox.ledger()["charges"][-1]["id"]
    market.sandbox.control("POST", f"/charges/{charge}/refund", {"amount": 100})
    events = market.sandbox.control("GET", "/events") * 2
    if order == "reverse":
        events.reverse()
    if order == "shuffled":
        random.Random(7).shuffle(events)
    for event in events:
        assert market.post_event(event).status_code == 200
    sold_once(market, won)
    payment = market.payment(won["payment"]["id"])
    assert (payment.refunded_cents, payment.failure_reason) == (100, None)
    assert market.flags() == []


def test_no_event_is_taken_twice_by_the_uniqueness_of_its_id(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    for number in range(3):
        assert market.post_event(variant(event, number)).status_code == 200
    assert [kind for _, kind, _ in outcomes(market)] == ["APPLIED", "NO_EFFECT", "NO_EFFECT"]
    assert len(market.rows(Payment)) == 1


def test_the_secret_is_nowhere_in_what_is_answered(market: Market) -> None:
    answer = market.post_event(b"{}", "t=1,v1=0")
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
