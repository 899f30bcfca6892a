"""Checkout Sessions through Stripe's own library."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.sandbox_process import (
    CANCEL_URL,
    SUCCESS_URL,
    Sandbox,
    flat_params,
    session_params,
)
from tests.waiting import until

CREATE = "/v1/checkout/sessions"


def test_a_new_session_is_open_unpaid_and_has_a_page(client: stripe.StripeClient) -> None:
    params: Any = session_params(customer_email="buyer@example.com", submit_type="pay")
    session = client.v1.checkout.sessions.create(params)
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.payment_intent is None
    assert session.amount_total == session.amount_subtotal == 15_000
    assert session.currency == "usd"
    assert session.livemode is False
    assert session.client_reference_id == "7"
    assert session.metadata is not None
    assert session.metadata["payment_id"] == "7"
    assert session.customer_email == "buyer@example.com"
    assert session.ui_mode == "hosted_page"
    assert (session.success_url, session.cancel_url) == (SUCCESS_URL, CANCEL_URL)
    assert session.url is not None
    assert session.url.endswith(f"/c/pay/{session.id}")
    assert session.expires_at == session.created + 86_400


def test_a_session_is_found_again(client: stripe.StripeClient, session: Any) -> None:
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert found.to_dict() == session.to_dict()


def test_a_session_that_does_not_exist_is_resource_missing(client: stripe.StripeClient) -> None:
    for ask in (
        client.v1.checkout.sessions.retrieve,
        client.v1.checkout.sessions.expire,
        client.v1.checkout.sessions.line_items.list,
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            ask("cs_test_nobody")
        assert caught.value.http_status == 404
        assert caught.value.code == "resource_missing"


def test_the_line_items_are_what_was_sent(client: stripe.StripeClient, session: Any) -> None:
    lines = client.v1.checkout.sessions.line_items.list(session.id)
    assert [(line.description, line.amount_total) for line in lines.data] == [
        ("Harbour at dawn", 15_000)
    ]
    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert expanded.line_items is not None
    assert expanded.line_items.data[0].id == lines.data[0].id


def test_several_lines_add_up_and_are_paged(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    item = session_params()["line_items"][0]
    params: Any = session_params(line_items=[{**item, "quantity": 2}, item, item])
    session = client.v1.checkout.sessions.create(params)
    assert session.amount_total == 60_000
    first = client.v1.checkout.sessions.line_items.list(session.id, {"limit": 2})
    assert first.has_more
    rest = client.v1.checkout.sessions.line_items.list(
        session.id, {"starting_after": first.data[-1].id}
    )
    assert len(rest.data) == 1
    back = client.v1.checkout.sessions.line_items.list(
        session.id, {"ending_before": rest.data[0].id}
    )
    assert [line.id for line in back.data] == [line.id for line in first.data]


def test_sessions_are_listed_newest_first_and_filtered(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    params: Any = session_params()
    made = [client.v1.checkout.sessions.create(params).id for _ in range(5)]
    client.v1.checkout.sessions.expire(made[0])
    sandbox.pay(made[1])
    sessions = client.v1.checkout.sessions
    assert [found.id for found in sessions.list().data] == made[::-1]
    assert [found.id for found in sessions.list({"status": "expired"}).data] == [made[0]]
    paid = sessions.list({"status": "complete"}).data[0]
    assert paid.id == made[1]
    assert isinstance(paid.payment_intent, str)
    by_intent = sessions.list({"payment_intent": paid.payment_intent})
    assert [found.id for found in by_intent.data] == [made[1]]
    assert [found.id for found in sessions.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    before = sessions.list({"ending_before": made[2], "limit": 1})
    assert [found.id for found in before.data] == [made[3]]
    now = int(time.time())
    assert sessions.list({"created": {"gte": now + 60}}).data == []
    assert len(sessions.list({"created": {"gte": now - 60, "lt": now + 60}}).data) == 5


def test_an_unknown_cursor_is_refused(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.list({"starting_after": "cs_test_nobody"})
    assert caught.value.code == "resource_missing"


def test_expiring_an_open_session_ends_it(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    ended = client.v1.checkout.sessions.expire(session.id)
    assert (ended.status, ended.payment_status, ended.url) == ("expired", "unpaid", None)
    assert sandbox.event_types() == ["checkout.session.expired"]
    assert "expired" in sandbox.http.get(session.url, timeout=5).text


@pytest.mark.parametrize("end", ["expired", "complete"])
def test_a_session_that_is_over_cannot_be_expired(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any, end: str
) -> None:
    if end == "expired":
        client.v1.checkout.sessions.expire(session.id)
    else:
        sandbox.pay(session.id)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.expire(session.id)
    assert caught.value.http_status == 400
    assert caught.value.user_message == (
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        f"This Checkout Session has a status of `{end}`."
    )
    assert client.v1.checkout.sessions.retrieve(session.id).status == end


def test_a_session_expires_by_itself_when_its_time_comes(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    params: Any = session_params(expires_at=int(time.time()) + 1_900)
    session = client.v1.checkout.sessions.create(params)
    sandbox.control("POST", "/clock", {"offset_seconds": 1_890})
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.control("POST", "/clock", {"offset_seconds": 1_905})
    until(lambda: client.v1.checkout.sessions.retrieve(session.id).status == "expired")
    assert sandbox.event_types() == ["checkout.session.expired"]


def test_an_expired_session_cannot_be_paid(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    client.v1.checkout.sessions.expire(session.id)
    answer = sandbox.pay(session.id)
    assert answer["status"] == "expired"
    assert answer["error"]["code"] == "session_expired"
    assert sandbox.ledger()["charges"] == []


def test_a_session_that_was_declined_and_expires_cancels_its_payment_intent(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.pay(session.id, "4000000000000002")
    client.v1.checkout.sessions.expire(session.id)
    [intent] = sandbox.ledger()["payment_intents"]
    assert intent["status"] == "canceled"
    assert sandbox.event_types()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient, session: Any) -> None:
    for path in ("customer_details", "line_items.price", "data.payment_intent", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.list({"expand": ["payment_intent"]})


def test_a_create_whose_expansion_is_refused_makes_nothing(sandbox: Sandbox) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params(**{"expand[0]": "colour"}))
    assert answer.status_code == 400
    assert sandbox.ledger()["sessions"] == []
