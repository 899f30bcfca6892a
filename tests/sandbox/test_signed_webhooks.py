"""Webhooks: signed, retried, and bent in every way that the switches allow."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import stripe

from sandbox import API_VERSION
from tests.sandbox.sandbox_process import SECRET, Receiver, Sandbox
from tests.waiting import until

COMPLETED = "checkout.session.completed"


def completed(sandbox: Sandbox) -> dict[str, Any]:
    """The last event that says a session is complete."""
    found = [event for event in sandbox.control("GET", "/events") if event["type"] == COMPLETED]
    return dict(found[-1])


def test_a_payment_is_told_with_a_signature_that_stripes_library_accepts(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.pay(session.id)
    until(lambda: len(receiver.received) == 4)
    [told] = receiver.of(session.id)
    event: Any = client.construct_event(told.body, told.signature, SECRET)
    assert (event.type, event.api_version, event.livemode) == (COMPLETED, API_VERSION, False)
    assert event.data.object.payment_status == "paid"
    assert event.pending_webhooks == 1
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(told.body, told.signature, "whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(told.body.replace(b"paid", b"free"), told.signature, SECRET)


def test_events_are_listed_and_found_with_what_caused_them(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": "expire-7"})
    until(lambda: receiver.of(session.id))
    [event] = client.v1.events.list({"types": ["checkout.session.expired"]}).data
    assert event.request is not None
    assert event.request.idempotency_key == "expire-7"
    assert str(event.request.id).startswith("req_")
    assert client.v1.events.list({"type": "checkout.*"}).data[0].id == event.id
    assert client.v1.events.list({"type": "charge.*"}).data == []
    until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0)
    assert len(client.v1.events.list({"delivery_success": True}).data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve("evt_nobody")


def test_a_refused_webhook_is_sent_again(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    receiver.answers[:] = [500, 302]
    client.v1.checkout.sessions.expire(session.id)
    until(lambda: len(receiver.of(session.id)) == 3)
    first, *_, last = receiver.of(session.id)
    assert first.event == last.event
    event = until(
        lambda: [
            each
            for each in sandbox.control("GET", "/events")
            if each["deliveries"][0]["state"] == "delivered"
        ]
    )[0]
    assert [attempt["status"] for attempt in event["attempts"]] == [500, 302, 200]


def test_a_webhook_that_nobody_listens_for_stays_owed(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        deaf = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        sandbox.control("PUT", "/webhooks", {"url": deaf})
        client.v1.checkout.sessions.expire(session.id)
        [event] = until(
            lambda: [each for each in sandbox.control("GET", "/events") if each["attempts"]]
        )
    assert event["attempts"][0]["status"] is None
    assert event["attempts"][0]["error"] == "ConnectionError"
    assert client.v1.events.retrieve(event["id"]).pending_webhooks == 1
    sandbox.control("PUT", "/webhooks", {"url": receiver.url})
    until(lambda: receiver.of(session.id))


def test_dropped_events_never_arrive_and_can_be_delivered_by_hand(
    sandbox: Sandbox, receiver: Receiver, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "drop", "types": [COMPLETED]})
    sandbox.pay(session.id)
    until(lambda: len(receiver.received) == 3)
    event = completed(sandbox)
    assert event["deliveries"] == [{"state": "dropped", "tries": 0}]
    assert receiver.of(session.id) == []
    [answer] = sandbox.control("POST", f"/events/{event['id']}/deliver")
    assert answer["status"] == 200
    assert [each.event["type"] for each in receiver.of(session.id)] == [COMPLETED]


@pytest.mark.parametrize("order", ["as_made", "reverse"])
def test_held_events_are_released_in_the_order_asked(
    sandbox: Sandbox, receiver: Receiver, session: Any, order: str
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "hold"})
    sandbox.pay(session.id)
    held = sandbox.control("GET", "/webhooks")["held"]
    assert len(held) == 4
    assert receiver.received == []
    answers = sandbox.control("POST", "/webhooks/release", {"order": order})
    wanted = held if order == "as_made" else held[::-1]
    assert [each.event["id"] for each in receiver.received] == wanted
    assert [answer["event"] for answer in answers] == wanted
    assert {answer["status"] for answer in answers} == {200}


def test_held_events_are_released_one_by_one(
    sandbox: Sandbox, receiver: Receiver, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "hold"})
    sandbox.pay(session.id)
    held = sandbox.control("GET", "/webhooks")["held"]
    sandbox.control("POST", "/webhooks/release", {"order": [held[3], held[0]]})
    assert [each.event["id"] for each in receiver.received] == [held[3], held[0]]
    assert sandbox.control("GET", "/webhooks")["held"] == held[1:3]


def test_a_held_event_that_is_refused_on_release_is_sent_again(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "hold"})
    client.v1.checkout.sessions.expire(session.id)
    receiver.answers.append(503)
    [answer] = sandbox.control("POST", "/webhooks/release")
    assert answer["status"] == 503
    until(lambda: len(receiver.of(session.id)) == 2)


def test_events_can_be_duplicated(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "duplicate", "copies": 5})
    client.v1.checkout.sessions.expire(session.id)
    until(lambda: len(receiver.of(session.id)) == 5)
    assert len({each.event["id"] for each in receiver.of(session.id)}) == 1


def test_events_can_be_late(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "delay", "seconds": 1.5})
    client.v1.checkout.sessions.expire(session.id)
    # An attempt is written down once it was answered.
    attempt = until(lambda: sandbox.control("GET", "/events")[0]["attempts"])[0]
    [event] = sandbox.control("GET", "/events")
    assert attempt["at"] - event["created"] >= 1.5


@pytest.mark.parametrize("concurrent", [False, True])
def test_one_event_is_delivered_as_often_as_asked(
    sandbox: Sandbox, receiver: Receiver, session: Any, concurrent: bool
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "drop"})
    sandbox.pay(session.id)
    path = f"/events/{completed(sandbox)['id']}/deliver"
    answers = sandbox.control("POST", path, {"copies": 6, "concurrent": concurrent})
    assert [answer["status"] for answer in answers] == [200] * 6
    assert len(receiver.of(session.id)) == 6


def test_an_old_or_forged_signature_is_recognised_by_stripes_library(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"mode": "drop"})
    sandbox.pay(session.id)
    path = f"/events/{completed(sandbox)['id']}/deliver"
    sandbox.control("POST", path, {"age_seconds": 290})
    sandbox.control("POST", path, {"age_seconds": 310})
    sandbox.control("POST", path, {"secret": "whsec_forger"})
    fresh, old, forged = receiver.of(session.id)
    assert client.construct_event(fresh.body, fresh.signature, SECRET).type == COMPLETED
    for each in (old, forged):
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(each.body, each.signature, SECRET)


def test_the_webhooks_address_and_secret_can_be_changed(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("PUT", "/webhooks", {"url": f"{receiver.url}?new", "secret": "whsec_new"})
    client.v1.checkout.sessions.expire(session.id)
    until(lambda: receiver.of(session.id))
    [told] = receiver.of(session.id)
    assert client.construct_event(told.body, told.signature, "whsec_new")
    shown = sandbox.control("GET", "/webhooks")
    assert shown["url"].endswith("?new")
    assert "whsec" not in str(shown)


def test_a_webhook_switch_that_makes_no_sense_is_refused(sandbox: Sandbox) -> None:
    for body in ({"mode": "lose"}, {"mode": "duplicate", "copies": 1}, {"url": "ftp://x"}):
        sandbox.control("PUT", "/webhooks", body, 400)
    sandbox.control("POST", "/webhooks/release", {"order": "random"}, 400)
    sandbox.control("POST", "/events/evt_nobody/deliver", {}, 404)
    assert sandbox.control("GET", "/webhooks")["mode"] == "deliver"
