"""Each alert: open when its matter is there, silent when it is not; the same figures everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.admin import alerts
from app.core import clock
from app.core.audit import AuditLog, record_audit
from app.core.transaction import transaction
from app.notifications.models import Email
from app.payments import service as payments
from app.payments.models import Attention, Payment, StripeEvent
from tests.admin.conftest import Add
from tests.dashboards.test_own_pages import make_payment
from tests.payments.market import Market
from tests.people import Browser, TestPerson

COMPLETED = "checkout.session.completed"


@pytest.fixture(autouse=True)
def _worker(swept: Callable[..., None]) -> None:
    swept()


@pytest.fixture
def codes(app: Flask) -> Callable[[], list[str]]:
    """The alerts open now."""

    def ask() -> list[str]:
        with app.app_context():
            return [alert.code for alert in alerts.open_alerts()]

    return ask


Codes = Callable[[], list[str]]


@pytest.fixture
def payment_id(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> int:
    """A payment that came to nothing."""
    return make_payment(app, make_artwork(seller), buyer, seller, 500, "CANCELED")


def ago(**time: float) -> Any:
    """A moment in the past."""
    return clock.now() - timedelta(**time)


def decline(app: Flask, count: int, **time: float) -> None:
    """So many declined cards, so long ago."""
    with app.app_context(), transaction() as session:
        for number in range(count):
            record_audit(session, "payment.declined", "payment", number, reason="card_declined")
        session.execute(
            update(AuditLog)
            .where(AuditLog.created_at > ago(seconds=30))
            .values(created_at=ago(**time))
        )


def test_all_is_well_at_first(codes: Codes) -> None:
    assert codes() == []


def test_every_alert_says_what_it_means_and_what_to_do_on_page_api_and_metrics(
    admin: TestPerson, client: Browser, add: Add, payment_id: int
) -> None:
    add(Email, status="DEAD")
    add(StripeEvent, outcome="FAILED")
    add(Attention, kind="session_unknown", payment_id=payment_id)
    stats = admin.browser.get("/api/stats/platform", headers=admin.bearer).get_json()
    told = {alert["code"]: alert for alert in stats["alerts"]}
    assert list(told) == ["session_unknown", "stripe_drift", "webhooks_failing", "mail_dead"]
    page = admin.browser.get("/admin").text
    figures = client.get("/metrics").text
    for code, alert in told.items():
        assert all(alert[part] for part in ("title", "detail", "action"))
        if code in alerts.CODES:
            assert alert["title"] in page
            assert f'gtw_alert{{code="{code}"}} 1.0' in figures
    assert 'gtw_alert{code="sweep_late"} 0.0' in figures


def test_declines_alarm_when_they_are_many_and_unusual(app: Flask, codes: Codes) -> None:
    decline(app, 9, minutes=5)
    assert codes() == []
    decline(app, 1, minutes=5)
    assert codes() == ["declines_spiking"]
    # Usual: the same number in each hour of the last week.
    decline(app, 4 * 24 * 7, days=3)
    assert codes() == []
    decline(app, 2, minutes=5)
    assert codes() == ["declines_spiking"]


def test_declines_of_two_hours_ago_alarm_no_more(app: Flask, codes: Codes) -> None:
    decline(app, 50, hours=2)
    assert codes() == []


def test_bids_that_wait_after_a_restore_alarm(app: Flask, codes: Codes) -> None:
    assert codes() == []
    with app.app_context():
        payments.begin_recovery(ago(hours=1), None)
    assert codes() == ["bids_paused"]
    with app.app_context():
        payments.finish_recovery()
    assert codes() == []


def test_sales_without_their_webhooks_alarm_until_one_comes(market: Market, codes: Codes) -> None:
    won = market.win()
    market.pay(won)
    market.sweep()
    assert market.standing(won)[0] == "SOLD"
    assert codes() == []
    market.change(Payment, won["payment"]["id"], paid_at=ago(minutes=3), closed_at=ago(minutes=3))
    assert codes() == ["webhooks_silent"]
    assert market.deliver(market.event(COMPLETED)) == [200]
    assert codes() == []


def test_a_sale_that_its_webhook_made_is_no_silence(market: Market, codes: Codes) -> None:
    won = market.win()
    market.pay(won)
    assert market.deliver(market.event(COMPLETED)) == [200]
    [event] = market.stored()
    market.change(StripeEvent, event.id, received_at=ago(minutes=3, seconds=1))
    market.change(Payment, won["payment"]["id"], paid_at=ago(minutes=3))
    assert codes() == []


def test_a_sale_of_the_demo_awaits_no_webhook(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int],
    codes: Codes,
) -> None:  # fmt: skip
    sold = make_artwork(seller, status="SOLD", sold_cents=5000)
    make_payment(app, sold, buyer, seller, 5000, "SUCCEEDED", paid_at=ago(hours=1))
    assert codes() == []


@pytest.mark.parametrize(
    ("model", "columns", "code"),
    [
        (StripeEvent, {"outcome": "FAILED"}, "webhooks_failing"),
        (StripeEvent, {"outcome": "FAILED", "received_at": 80}, None),
        (StripeEvent, {"outcome": "FLAGGED"}, None),
        (Email, {"status": "DEAD"}, "mail_dead"),
        (Email, {"status": "DEAD", "created_at": 24 * 8}, None),
        (Email, {"created_at": 0.2}, "mail_backlog"),
        (Email, {"created_at": 0.05}, None),
        (Email, {"status": "SENT", "created_at": 1}, None),
        (
            Attention,
            {
                "kind": "payment_disagrees",
            },
            "stripe_drift",
        ),
        (
            Attention,
            {
                "kind": "dispute",
            },
            None,
        ),
    ],
)
def test_webhooks_mails_and_drift(
    add: Add,
    codes: Codes,
    model: Any,
    columns: dict[str, Any],
    code: str | None,
    payment_id: int,
) -> None:
    aged = {
        name: ago(hours=value) if name in ("received_at", "created_at") else value
        for name, value in columns.items()
    }
    about = {} if model is Email else {"payment_id": payment_id}
    add(model, **aged | about)
    assert codes() == ([code] if code else [])


def test_drift_ends_when_somebody_acknowledges_it(
    admin: TestPerson, add: Add, codes: Codes, client: Browser, payment_id: int
) -> None:
    item = add(Attention, kind="session_unknown", payment_id=payment_id)
    assert codes() == ["stripe_drift"]
    admin.browser.submit(f"/admin/attention/{item}/acknowledge")
    assert codes() == []
    assert "gtw_stripe_drift 0.0" in client.get("/metrics").text


@pytest.mark.parametrize(("late", "found"), [(50, []), (70, ["payments_overdue"])])
def test_a_payment_past_its_deadline_alarms_after_a_minute(
    app: Flask, codes: Codes, buyer: TestPerson, seller: TestPerson,
    make_artwork: Callable[..., int], late: int, found: list[str],
) -> None:  # fmt: skip
    reserved = make_artwork(seller, status="PENDING_PAYMENT")
    make_payment(app, reserved, buyer, seller, 500, deadline_at=ago(seconds=late))
    assert codes() == found
