"""The administrators' API: their lists, what they may do, and that nobody else may."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus
from app.payments.models import Attention, StripeEvent
from app.payments.states import EventOutcome
from tests.people import PASSWORD, Browser, TestPerson

LISTS = ("users", "webhook-events", "emails", "audit-logs")


def get(person: TestPerson, path: str, **query: Any) -> Any:
    """The parsed answer of an API address."""
    answer = person.browser.get(path, headers=person.bearer, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def stored_event(app: Flask) -> int:
    """A webhook event of a session that is not ours."""
    thing = {"id": "cs_test_elsewhere", "object": "checkout.session", "metadata": {}}
    with app.app_context(), transaction() as session:
        stored = session.scalar(
            insert(StripeEvent)
            .values(
                stripe_event_id="evt_elsewhere",
                type="checkout.session.completed",
                payload={"id": "evt_elsewhere", "livemode": False, "data": {"object": thing}},
                outcome=EventOutcome.NO_EFFECT,
                received_at=clock.now(),
            )
            .returning(StripeEvent.id)
        )
    assert stored is not None
    return stored


@pytest.fixture
def dead_email(app: Flask) -> int:
    """A mail that was given up."""
    with app.app_context(), transaction() as session:
        made = session.scalar(
            insert(Email)
            .values(
                kind=EmailKind.PAYMENT_RELEASED,
                recipient="someone@example.com",
                subject="Released",
                facts={},
                occasion="test:1",
                message_id="<test-1@example.com>",
                status=EmailStatus.DEAD,
                attempts=3,
                next_attempt_at=clock.now(),
                last_error="550 no such mailbox",
                created_at=clock.now() - timedelta(hours=1),
            )
            .returning(Email.id)
        )
    assert made is not None
    return made


@pytest.mark.parametrize("name", LISTS)
def test_nobody_else_reads_the_administrators_lists(
    name: str, client: Browser, buyer: TestPerson, seller: TestPerson
) -> None:
    path = f"/api/admin/{name}"
    assert client.get(path).status_code == 401
    for person in (buyer, seller):
        assert person.browser.get(path, headers=person.bearer).status_code == 403


def test_everybody_is_listed_newest_first(admin: TestPerson, buyer: TestPerson) -> None:
    page = get(admin, "/api/admin/users", per_page=1)
    assert page["per_page"] == 1
    assert page["total"] >= 2
    newest = page["items"][0]
    assert newest["id"] == max(admin.id, buyer.id)
    assert set(newest) == {"id", "email", "name", "role", "active", "bidding_suspended_until"}


def test_an_account_is_suspended_and_let_in_again(
    client: Browser, admin: TestPerson, buyer: TestPerson
) -> None:
    path = f"/api/admin/users/{buyer.id}"
    answer = admin.browser.patch(path, json={"active": False}, headers=admin.bearer)
    assert answer.get_json()["active"] is False
    # Every sign-in has ended; a new one serves for little.
    gone = buyer.browser.get("/api/favourites", headers=buyer.bearer)
    assert gone.status_code == 401
    credentials = {"email": buyer.email, "password": PASSWORD}
    taken = client.post("/api/auth/token", json=credentials).get_json()
    bearer = {"Authorization": f"Bearer {taken['token']}"}
    refused = client.get("/api/favourites", headers=bearer)
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "account_suspended"

    admin.browser.patch(path, json={"active": True, "role": "SELLER"}, headers=admin.bearer)
    me = client.get("/api/auth/me", headers=bearer).get_json()
    assert me["role"] == "SELLER"


def test_administrators_cannot_lock_themselves_out(admin: TestPerson) -> None:
    answer = admin.browser.patch(
        f"/api/admin/users/{admin.id}", json={"role": "BUYER"}, headers=admin.bearer
    )
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "KING"}, "role"),
        ({"role": None}, "role"),
        ({"role": 7}, "role"),
        ({"active": "perhaps"}, "active"),
        ({"active": None}, "active"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_wrong_change_names_its_field(
    admin: TestPerson, buyer: TestPerson, body: dict[str, Any], field: str
) -> None:
    answer = admin.browser.patch(f"/api/admin/users/{buyer.id}", json=body, headers=admin.bearer)
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_the_event_log_is_listed_and_replayed(admin: TestPerson, stored_event: int) -> None:
    (event,) = get(admin, "/api/admin/webhook-events")["items"]
    assert set(event) == {"id", "stripe_event_id", "type", "outcome", "attempts", "received_at"}

    answer = admin.browser.post(
        f"/api/admin/webhook-events/{stored_event}/replay", headers=admin.bearer
    )
    assert answer.status_code == 200
    assert answer.get_json()["outcome"] == "NO_EFFECT"
    assert answer.get_json()["attempts"] == event["attempts"] + 1
    missing = admin.browser.post("/api/admin/webhook-events/999999/replay", headers=admin.bearer)
    assert missing.status_code == 404


def test_a_dead_mail_is_owed_again(app: Flask, admin: TestPerson, dead_email: int) -> None:
    (shown,) = get(admin, "/api/admin/emails")["items"]
    assert shown["status"] == "DEAD"
    assert shown["last_error"] == "550 no such mailbox"
    answer = admin.browser.post(f"/api/admin/emails/{dead_email}/send", headers=admin.bearer)
    assert answer.get_json()["status"] == "PENDING"
    with app.app_context():
        assert db.session.scalar(select(Email.status)) == EmailStatus.PENDING


def test_the_audit_log_is_filtered(admin: TestPerson, buyer: TestPerson) -> None:
    admin.browser.patch(
        f"/api/admin/users/{buyer.id}", json={"active": False}, headers=admin.bearer
    )
    page = get(admin, "/api/admin/audit-logs", resource_type="user", resource_id=buyer.id)
    (deed,) = page["items"]
    assert deed["user_id"] == admin.id
    assert deed["details"] == {"active": False}
    assert (
        get(admin, "/api/admin/audit-logs", action=deed["action"], user_id=buyer.id)["total"] == 0
    )
    wrong = admin.browser.get(
        "/api/admin/audit-logs", query_string={"resource_id": 2**70}, headers=admin.bearer
    )
    assert wrong.status_code == 422
    assert "resource_id" in wrong.get_json()["errors"]


def test_the_platforms_numbers_start_empty(admin: TestPerson) -> None:
    stats = get(admin, "/api/stats/platform")
    assert stats["payments"]["SUCCEEDED"] == 0
    assert stats["success_rate"] is None
    assert stats["seconds_to_pay"] == {"mean": None, "p50": None, "p95": None}
    assert stats["failures_by_reason"] == {}
    assert len(stats["revenue_by_day"]) == 30
    assert [alert["code"] for alert in stats["alerts"]] == ["sweep_late"]


def test_what_needs_a_person_is_an_alert(app: Flask, admin: TestPerson) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            insert(Attention).values(
                kind="dispute", reference="dispute:1", detail="A dispute", created_at=clock.now()
            )
        )
    alert = get(admin, "/api/stats/platform")["alerts"][0]
    assert alert["code"] == "dispute"
    assert set(alert) == {"code", "title", "detail", "action", "since"}


def test_favourites_are_kept_once_and_forgotten(
    buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    first, second = make_artwork(seller), make_artwork(seller)
    for artwork_id in (first, second, first):
        kept = buyer.browser.put(f"/api/favourites/{artwork_id}", headers=buyer.bearer)
        assert kept.status_code == 200
        assert "secret_threshold" not in kept.get_json()
    listed = get(buyer, "/api/favourites")
    assert [item["id"] for item in listed["items"]] == [second, first]
    for _ in range(2):
        gone = buyer.browser.delete(f"/api/favourites/{first}", headers=buyer.bearer)
        assert gone.status_code == 204
    assert get(buyer, "/api/favourites")["total"] == 1
    assert get(seller, "/api/favourites")["total"] == 0
    missing = buyer.browser.put("/api/favourites/999999", headers=buyer.bearer)
    assert missing.status_code == 404
    assert json.loads(missing.text)["status"] == 404
