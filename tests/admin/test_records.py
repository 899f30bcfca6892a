"""The log of webhook events, and the audit log."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.audit import record_audit
from app.core.transaction import transaction
from app.payments.models import StripeEvent
from tests.admin.conftest import Add
from tests.payments.market import Market
from tests.people import Browser, TestPerson

COMPLETED = "checkout.session.completed"


def test_events_are_filtered_by_type_and_outcome(admin: TestPerson, add: Add) -> None:
    assert "Stripe has sent nothing yet" in admin.browser.get("/admin/webhook-events").text
    ids = {
        add(StripeEvent, type="charge.refunded", outcome="APPLIED"): "evt_a",
        add(StripeEvent, type="charge.refunded", outcome="FAILED"): "evt_b",
        add(StripeEvent, type=COMPLETED, outcome="APPLIED"): "evt_c",
    }
    a, b, c = ids
    for asked, found in (
        ({}, {a, b, c}),
        ({"type": "charge.refunded"}, {a, b}),
        ({"outcome": "APPLIED"}, {a, c}),
        ({"type": "charge.refunded", "outcome": "FAILED"}, {b}),
        ({"type": COMPLETED, "outcome": "FAILED"}, set()),
    ):
        page = admin.browser.get("/admin/webhook-events", query_string=asked).text
        assert {each for each in ids if f'href="/admin/webhook-events/{each}"' in page} == found
        assert found or "No event matches" in page
    wrong = admin.browser.get("/admin/webhook-events?type=never.seen")
    assert wrong.status_code == 422


def test_an_events_page_shows_all_that_stripe_sent_but_what_would_confirm_a_payment(
    admin: TestPerson, add: Add
) -> None:
    thing = {"id": "pi_1", "client_secret": "pi_1_secret_XYZ", "charges": [{"paid": True}]}
    event = add(
        StripeEvent, type="payment_intent.payment_failed", outcome="FAILED",
        last_error="OperationalError",
        payload={"id": "evt_1", "note": "<script>", "half": "\ud800", "data": {"object": thing}},
    )  # fmt: skip
    page = admin.browser.get(f"/admin/webhook-events/{event}").text
    for words in ("OperationalError", "&lt;script&gt;", "&#34;paid&#34;: true", "(hidden)",
                  "\\ud800"):  # fmt: skip
        assert words in page
    assert "secret_XYZ" not in page
    assert admin.browser.get("/admin/webhook-events/999999").status_code == 404


def test_replaying_an_event_makes_up_for_what_failed(market: Market, admin: TestPerson) -> None:
    won = market.win()
    market.pay(won)
    event = market.event(COMPLETED)
    assert market.deliver(event) == [200]
    [stored] = market.stored()
    market.change(StripeEvent, stored.id, outcome="FAILED")
    answer = admin.browser.submit(f"/admin/webhook-events/{stored.id}/replay")
    assert answer.status_code == 303
    assert "Handled again: no effect" in admin.browser.get(answer.location).text
    assert market.sold_once(won)
    assert [deed.user_id for deed in market.audits("webhook.replayed")] == [admin.id]


def test_replaying_while_stripe_is_away_says_so(market: Market, admin: TestPerson) -> None:
    won = market.win()
    market.give_up(won["payment"]["id"])
    assert market.deliver(market.event("checkout.session.expired")) == [200]
    [stored] = market.stored()
    market.change(type(market.payment(1)), won["payment"]["id"], status="PENDING", closed_at=None)
    market.fail_all()
    answer = admin.browser.submit(f"/admin/webhook-events/{stored.id}/replay")
    assert "Stripe gave no answer" in admin.browser.get(answer.location).text
    api = admin.browser.post(f"/api/admin/webhook-events/{stored.id}/replay", headers=admin.bearer)
    assert api.status_code == 503
    assert admin.browser.submit("/admin/webhook-events/999999/replay").status_code == 404


@pytest.fixture
def deeds(app: Flask, admin: TestPerson, seller: TestPerson) -> None:
    """Three deeds of today."""
    with app.app_context(), transaction() as session:
        record_audit(session, "artwork.edited", "artwork", 7, seller.id, field="<title>")
        record_audit(session, "payment.declined", "payment", 7, reason="card_declined")
        record_audit(session, "user.changed", "user", 8, admin.id, active=False)


def test_the_audit_log_is_filtered_by_everything_it_holds(
    deeds: None, admin: TestPerson, seller: TestPerson
) -> None:
    actions = {"artwork.edited", "payment.declined", "user.changed"}
    for asked, found in (
        ({}, actions),
        ({"action": "payment.declined"}, {"payment.declined"}),
        ({"resource_type": "artwork"}, {"artwork.edited"}),
        ({"resource_id": "7"}, {"artwork.edited", "payment.declined"}),
        ({"user_id": str(seller.id)}, {"artwork.edited"}),
        ({"since": "2020-01-01", "until": "2099-12-31"}, actions),
        ({"since": "2099-01-01"}, set()),
        ({"until": "2020-01-01"}, set()),
    ):
        page = admin.browser.get("/admin/audit-logs", query_string=asked).text
        assert {each for each in actions if f">{each}</a>" in page} == found, asked
        assert found or "Nothing matches" in page
    page = admin.browser.get("/admin/audit-logs").text
    for words in ("&lt;title&gt;", seller.name, "the product", 'href="/admin/payments/7"'):
        assert words in page


@pytest.mark.parametrize(
    "query",
    ["resource_id=x", "user_id=0", "since=yesterday", "since=2026-02-02&until=2026-02-01",
     "resource_id=99999999999999999999"],
)  # fmt: skip
def test_filters_of_the_audit_log_that_make_no_sense_are_said(
    deeds: None, admin: TestPerson, query: str
) -> None:
    answer = admin.browser.get(f"/admin/audit-logs?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


def test_an_events_page_is_no_one_elses(
    client: Browser, buyer: TestPerson, add: Add
) -> None:  # fmt: skip
    path = f"/admin/webhook-events/{add(StripeEvent)}"
    assert client.get(path).status_code == 303
    assert buyer.browser.get(path).status_code == 403
    assert buyer.browser.submit(f"{path}/replay").status_code == 403
