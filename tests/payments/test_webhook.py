"""Stripe's events: signed, stored, applied once, in any order; or refused without a trace."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

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


def test_a_completed_session_sells_the_artwork(market: Market) -> None:
    won = market.win(amount="250.75")
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event) == [200]

    assert market.sold_once(won)
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


def _signed_anew(body: bytes, members: bytes) -> tuple[bytes, str]:
    """With these members at the end, which are those that count."""
    changed = body.rstrip()[:-1] + b", " + members.rstrip(b", ") + b"}"
    return changed, signed(changed)


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
    "no json": lambda body, good: _signed_anew(body, b'"livemode": NaN, '),
    "no number": lambda body, good: _signed_anew(body, b'"livemode": 1e999, '),
    "no id of Stripe's": lambda body, good: _signed_anew(body, b'"id": "' + b"e" * 256 + b'", '),
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
    assert market.sold_once(won)
    assert market.outcomes() == [(COMPLETED, "APPLIED", 5)]


def test_the_same_event_ten_times_at_once_has_one_effect(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event, copies=10, concurrent=True) == [200] * 10
    assert market.sold_once(won)
    assert market.outcomes() == [(COMPLETED, "APPLIED", 10)]


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
    assert market.sold_once(won)


def test_an_event_that_comes_before_our_row_knows_its_session_is_matched_and_verified(
    market: Market,
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    assert market.payment(won["payment"]["id"]).stripe_session_id is None
    session = market.only_session()
    market.sandbox.pay(session["id"])
    assert market.deliver(market.event(COMPLETED)) == [200]
    assert market.sold_once(won)
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
    assert market.sold_once(won)
    market.deliver(market.event(COMPLETED))
    assert market.sold_once(won)


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
    assert len(market.audits("artwork.freed")) == 1
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
    assert market.outcomes() == [(COMPLETED, "NO_EFFECT", 1)]
    assert market.stored()[0].payment_id is None


@pytest.mark.parametrize("kind", ["payment_intent.created", "charge.succeeded", "invoice.paid"])
def test_events_that_mean_nothing_to_us_are_stored(market: Market, kind: str) -> None:
    won = market.win()
    market.pay(won)
    event = variant(market.event("payment_intent.created"), kind=kind)
    assert market.post_event(event).status_code == 200
    assert market.outcomes() == [(kind, "NO_EFFECT", 1)]
    assert market.standing(won) == RESERVED


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
    assert market.sold_once(won)
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
    assert market.sold_once(won)
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
    assert market.sold_once(won)
    payment = market.payment(won["payment"]["id"])
    assert (payment.refunded_cents, payment.failure_reason) == (100, None)
    assert market.flags() == []


def test_no_event_is_taken_twice_by_the_uniqueness_of_its_id(market: Market) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    for number in range(3):
        assert market.post_event(variant(event, number)).status_code == 200
    assert [kind for _, kind, _ in market.outcomes()] == ["APPLIED", "NO_EFFECT", "NO_EFFECT"]
    assert len(market.rows(Payment)) == 1


def test_the_secret_is_nowhere_in_what_is_answered(market: Market) -> None:
    answer = market.post_event(b"{}", "t=1,v1=0")
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
