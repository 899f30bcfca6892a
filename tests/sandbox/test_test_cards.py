"""What each test card does to the session, the PaymentIntent, the charge and the events."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.sandbox_process import Sandbox, session_params


def test_a_good_card_pays(sandbox: Sandbox, client: stripe.StripeClient, session: Any) -> None:
    assert sandbox.pay(session.id) == {"status": "complete", "payment_status": "paid"}
    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "buyer@example.com"
    intent: Any = paid.payment_intent
    assert (intent.status, intent.amount, intent.amount_received) == ("succeeded", 15_000, 15_000)
    assert intent.metadata["payment_id"] == "7"
    charge = intent.latest_charge
    assert charge.metadata["payment_id"] == "7"
    assert (charge.paid, charge.captured, charge.status) == (True, True, "succeeded")
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.payment_method_details.card.brand == "visa"
    assert charge.payment_intent == intent.id
    assert sandbox.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "message"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
        (
            "4000000000009995",
            "card_declined",
            "insufficient_funds",
            "Your card has insufficient funds.",
        ),
        ("4000000000000069", "expired_card", None, "Your card has expired."),
        ("4000000000000127", "incorrect_cvc", None, "Your card's security code is incorrect."),
        (
            "4000000000000119",
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ],
)
def test_a_bad_card_is_declined_and_the_session_stays_open(
    sandbox: Sandbox,
    client: stripe.StripeClient,
    session: Any,
    card: str,
    code: str,
    decline_code: str | None,
    message: str,
) -> None:
    answer = sandbox.pay(session.id, card)
    assert (answer["status"], answer["payment_status"]) == ("open", "unpaid")
    assert answer["error"] == {"code": code, "decline_code": decline_code, "message": message}
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert found.status == "open"
    assert isinstance(found.payment_intent, str)
    intent: Any = client.v1.payment_intents.retrieve(found.payment_intent)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error["code"] == code
    assert intent.last_payment_error["message"] == message
    assert intent.last_payment_error.to_dict().get("decline_code") == decline_code
    assert intent.metadata["payment_id"] == "7"
    charge: Any = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
    assert sandbox.event_types() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


def test_after_a_decline_the_same_session_can_be_paid(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.pay(session.id, "4000000000000002")
    assert sandbox.pay(session.id)["payment_status"] == "paid"
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent: Any = paid.payment_intent
    assert intent.last_payment_error is None
    charges = client.v1.charges.list({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]
    assert sandbox.event_types().count("payment_intent.created") == 1


def test_a_session_is_paid_only_once(sandbox: Sandbox, session: Any) -> None:
    sandbox.pay(session.id)
    answer = sandbox.pay(session.id)
    assert answer["error"]["code"] == "session_complete"
    assert len(sandbox.ledger()["charges"]) == 1


def test_three_d_secure_waits_for_an_answer_and_then_pays(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    asked = sandbox.pay(session.id, "4000002500003155")
    assert (asked["status"], asked["error"]["code"]) == ("open", "requires_action")
    [intent] = sandbox.ledger()["payment_intents"]
    assert intent["status"] == "requires_action"
    assert sandbox.ledger()["charges"] == []
    done = sandbox.pay(session.id, "4000002500003155", challenge="complete")
    assert done == {"status": "complete", "payment_status": "paid"}


def test_failed_three_d_secure_leaves_the_session_open(sandbox: Sandbox, session: Any) -> None:
    answer = sandbox.pay(session.id, "4000002500003155", challenge="fail")
    assert answer["status"] == "open"
    assert answer["error"]["code"] == "payment_intent_authentication_failure"
    [intent] = sandbox.ledger()["payment_intents"]
    assert intent["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert sandbox.event_types()[-1] == "payment_intent.payment_failed"
    assert sandbox.pay(session.id)["payment_status"] == "paid"


@pytest.mark.parametrize(("outcome", "payment_status"), [("succeed", "paid"), ("fail", "unpaid")])
def test_funds_that_come_later_complete_the_session_unpaid(
    sandbox: Sandbox, session: Any, outcome: str, payment_status: str
) -> None:
    answer = sandbox.pay(session.id, "4000000000003720")
    assert answer == {"status": "complete", "payment_status": "unpaid"}
    assert sandbox.ledger()["payment_intents"][0]["status"] == "processing"
    settled = sandbox.control("POST", f"/sessions/{session.id}/settle", {"outcome": outcome})
    assert (settled["status"], settled["payment_status"]) == ("complete", payment_status)
    told = "succeeded" if outcome == "succeed" else "failed"
    assert sandbox.event_types()[-1] == f"checkout.session.async_payment_{told}"
    again = {"outcome": "succeed"}
    sandbox.control("POST", f"/sessions/{session.id}/settle", again, 409)


def test_a_number_that_is_no_test_card_is_refused(sandbox: Sandbox, session: Any) -> None:
    path = f"/sessions/{session.id}/pay"
    sandbox.control("POST", path, {"card": "4111111111111111"}, 409)
    assert sandbox.event_types() == []


def test_refunds_add_up_and_are_told(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.pay(session.id)
    [charge] = sandbox.ledger()["charges"]
    path = f"/charges/{charge['id']}/refund"
    sandbox.control("POST", path, {"amount": 5_000})
    part = client.v1.charges.retrieve(charge["id"])
    assert (part.amount_refunded, part.refunded) == (5_000, False)
    sandbox.control("POST", path, {"amount": 10_001}, 409)
    sandbox.control("POST", path)
    whole = client.v1.charges.retrieve(charge["id"])
    assert (whole.amount_refunded, whole.refunded) == (15_000, True)
    refunds = client.v1.refunds.list({"charge": charge["id"]})
    assert [refund.amount for refund in refunds.data] == [10_000, 5_000]
    events = client.v1.events.list({"type": "charge.refunded"})
    assert [event.data.object["amount_refunded"] for event in events.data] == [15_000, 5_000]


def test_a_dispute_marks_the_charge_and_is_told(sandbox: Sandbox, session: Any) -> None:
    sandbox.pay(session.id)
    [charge] = sandbox.ledger()["charges"]
    dispute = sandbox.control("POST", f"/charges/{charge['id']}/dispute")
    assert (dispute["amount"], dispute["charge"]) == (15_000, charge["id"])
    assert sandbox.ledger()["charges"][0]["disputed"] is True
    assert sandbox.event_types()[-1] == "charge.dispute.created"
    sandbox.control("POST", f"/charges/{charge['id']}/dispute", status=409)


def test_the_amount_of_the_session_is_the_amount_of_the_charge(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    for cents in (50, 12_345, 99_999_999):
        item = session_params()["line_items"][0]
        price = {**item["price_data"], "unit_amount": cents}
        params: Any = session_params(line_items=[{**item, "price_data": price}])
        sandbox.pay(client.v1.checkout.sessions.create(params).id)
        assert sandbox.ledger()["charges"][-1]["amount_captured"] == cents
