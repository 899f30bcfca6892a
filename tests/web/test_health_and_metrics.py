"""Whether it is alive, whether it can work, and its figures."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, insert, text

from app import create_app
from app.config import Settings
from app.core import clock
from app.core.audit import record_audit
from app.core.extensions import db
from app.core.lease import Lease
from app.core.transaction import transaction
from app.jobs.service import PAYMENTS as SWEEP
from app.notifications.models import Email
from app.payments.models import Attention, StripeEvent
from app.web import health
from dev.redis_server import RedisServer, start_redis
from tests.conftest import release
from tests.dashboards.test_own_pages import make_payment
from tests.people import Browser, TestPerson


@pytest.fixture
def settings_given(redis_server: RedisServer) -> dict[str, Any]:
    """With Redis."""
    return {"redis_url": redis_server.url}


def swept(app: Flask, finished_at: datetime) -> None:
    """A worker finished its sweep then."""
    with app.app_context(), transaction() as session:
        session.execute(
            insert(Lease).values(
                name=SWEEP, holder="a worker", held_until=finished_at, finished_at=finished_at
            )
        )


def checks(client: Browser) -> tuple[int, str, dict[str, str]]:
    """Status code, verdict, and each check's finding."""
    answer = client.get("/health/ready")
    body = answer.get_json()
    return (
        answer.status_code,
        body["status"],
        {name: check["status"] for name, check in body["checks"].items()},
    )


def figures(client: Browser) -> dict[str, float]:
    """What /metrics says, by name with labels."""
    lines = client.get("/metrics").text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_alive_touches_nothing(
    app: Flask, buyer: TestPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        engine = db.engine

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(engine, "connect", never)
    answer = buyer.browser.get("/health")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok"}
    assert "Set-Cookie" not in answer.headers


def test_everything_is_well_while_a_worker_sweeps(app: Flask, client: Browser) -> None:
    swept(app, clock.now())
    assert checks(client) == (
        200,
        "ok",
        {"database": "ok", "schema": "ok", "redis": "ok", "worker": "ok", "clock": "ok"},
    )


def test_readiness_leaves_nothing_behind(app: Flask, client: Browser) -> None:
    checks(client)
    with app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM leases")) == 0


def test_however_often_it_is_asked_it_writes_once_in_a_while(
    settings: Settings, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_database().replace("postgresql:", "postgresql+psycopg:")
    other = create_app(settings.model_copy(update={"database_url": address}))
    other.test_client_class = Browser
    client: Any = other.test_client()
    written = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        written.extend([statement] * statement.startswith("INSERT"))

    with other.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    assert {checks(client)[2]["database"] for _ in range(5)} == {"ok"}
    assert len(written) == 1
    monkeypatch.setattr(health, "_TRIAL_SECONDS", 0)
    other.extensions["write_trial"].again_at = 0
    checks(client)
    checks(client)
    assert len(written) == 3
    release(other)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_while_no_file_can_grow_it_is_down(
    settings: Settings, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_TRIAL_SECONDS", 0)
    path = new_database().removeprefix("sqlite:///")
    other = create_app(settings.model_copy(update={"database_url": f"sqlite:///{path}"}))
    other.test_client_class = Browser
    client: Any = other.test_client()
    assert checks(client)[2]["database"] == "ok"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As on a full disk, for whatever would be written behind the end of what is there.
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(f"{path}-wal"), before[1]))
    try:
        status, verdict, found = checks(client)
        told = other.test_cli_runner().invoke(args=["doctor", "--json"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (status, verdict, found["database"]) == (503, "down", "down")
    [database] = [each for each in json.loads(told.output)["checks"] if each["check"] == "database"]
    assert (database["level"], database["said"]) == ("fail", "cannot be written (OperationalError)")
    assert checks(client)[2]["database"] == "ok"
    release(other)


def test_without_a_worker_it_is_degraded_not_down(app: Flask, client: Browser) -> None:
    status, verdict, found = checks(client)
    assert (status, verdict, found["worker"]) == (200, "degraded", "degraded")


@pytest.mark.parametrize(("late", "finding"), [(-5, "ok"), (5, "degraded")])
def test_a_worker_is_missed_after_three_intervals_and_ten_seconds(
    app: Flask, client: Browser, settings: Settings, late: int, finding: str
) -> None:
    patience = 3 * settings.sweep_interval_seconds + 10
    swept(app, clock.now() - timedelta(seconds=patience + late))
    assert checks(client)[2]["worker"] == finding


def test_redis_away_is_degraded_not_down(app: Flask, settings: Settings, client: Browser) -> None:
    swept(app, clock.now())
    with start_redis() as server:
        other = create_app(settings.model_copy(update={"redis_url": server.url}))
    other.test_client_class = Browser
    status, verdict, found = checks(other.test_client())  # type: ignore[arg-type]
    assert (status, verdict, found["redis"]) == (200, "degraded", "degraded")
    release(other)


def test_an_older_schema_is_down(app: Flask, client: Browser) -> None:
    with app.app_context(), transaction() as session:
        present = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        status, verdict, found = checks(client)
        assert (status, verdict, found["schema"]) == (503, "down", "down")
        assert "db upgrade" in client.get("/health/ready").text
    finally:
        with app.app_context(), transaction() as session:
            session.execute(
                text("UPDATE alembic_version SET version_num = :number"), {"number": present}
            )


def test_a_database_that_cannot_be_written_is_down(
    settings: Settings, new_database: Callable[[], str]
) -> None:
    address = new_database()
    if address.startswith("sqlite"):
        # SQLite's own way to open a file read-only: sqlite.org/uri.html
        address = f"sqlite:///file:{address.removeprefix('sqlite:///')}?mode=ro&uri=true"
    else:
        with psycopg.connect(address, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    other = create_app(
        settings.model_copy(
            update={"database_url": address.replace("postgresql:", "postgresql+psycopg:")}
        )
    )
    other.test_client_class = Browser
    status, verdict, found = checks(other.test_client())  # type: ignore[arg-type]
    assert (status, verdict, found["database"]) == (503, "down", "down")
    new = {"email": "somebody@example.com", "name": "Somebody", "password": "a longer password"}
    refused = other.test_client().post("/api/auth/register", json=new)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    release(other)


def test_figures_follow_what_happened(
    app: Flask,
    client: Browser,
    buyer: TestPerson,
    seller: TestPerson,
    make_artwork: Callable[..., int],
) -> None:
    sold = make_artwork(seller, status="SOLD", sold_cents=12_345)
    payment_id = make_payment(
        app, sold, buyer, seller, 12_345, "SUCCEEDED", paid_at=clock.now(), refunded_cents=345
    )
    reserved = make_artwork(seller, status="PENDING_PAYMENT")
    earlier = clock.now() - timedelta(seconds=100)
    make_payment(app, reserved, buyer, seller, 5000, created_at=earlier)
    moment = clock.now()
    with app.app_context(), transaction() as session:
        for reason in ("card_declined", "card_declined", "insufficient_funds"):
            record_audit(session, "payment.declined", "payment", payment_id, reason=reason)
        session.execute(
            insert(StripeEvent).values(
                stripe_event_id="evt_1", type="checkout.session.completed", payload={},
                outcome="APPLIED", attempts=1, received_at=moment,
            )
        )  # fmt: skip
        session.execute(
            insert(Email).values(
                kind="payment_receipt", recipient="a@example.com", subject="s", facts={},
                occasion="o", message_id="m", status="PENDING", attempts=0,
                next_attempt_at=moment, created_at=moment - timedelta(seconds=50),
            )
        )  # fmt: skip
        session.execute(
            insert(Attention).values(
                kind="payment_disagrees", reference="r", detail="d", created_at=moment
            )
        )
    swept(app, moment - timedelta(seconds=20))
    found = figures(client)
    assert found['gtw_payments{status="SUCCEEDED"}'] == 1
    assert found['gtw_payments{status="PENDING"}'] == 1
    assert found['gtw_payments{status="FAILED"}'] == 0
    assert 100 <= found["gtw_oldest_open_payment_seconds"] < 130
    assert found["gtw_money_taken_cents_total"] == 12_345
    assert found["gtw_money_refunded_cents_total"] == 345
    assert found['gtw_declines_total{reason="card_declined"}'] == 2
    assert found['gtw_declines_total{reason="insufficient_funds"}'] == 1
    name = 'gtw_webhook_events_total{outcome="APPLIED",type="checkout.session.completed"}'
    assert found[name] == 1
    assert found['gtw_emails{status="PENDING"}'] == 1
    assert 50 <= found["gtw_oldest_unsent_email_seconds"] < 80
    assert 20 <= found["gtw_sweep_lag_seconds"] < 50
    assert found['gtw_attention_needed{kind="payment_disagrees"}'] == 1
    assert found['gtw_artworks{status="SOLD"}'] == 1


def test_figures_on_an_empty_database_are_noughts(client: Browser) -> None:
    found = figures(client)
    assert found["gtw_oldest_open_payment_seconds"] == 0
    assert found["gtw_money_taken_cents_total"] == 0
    assert "gtw_sweep_lag_seconds" not in found


def test_figures_say_nothing_of_thresholds(
    app: Flask, client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    before = figures(client)
    artwork_id = make_artwork(seller, 31_337)
    low = figures(client)
    with app.app_context(), transaction() as session:
        session.execute(
            text("UPDATE artworks SET threshold_cents = 7654321 WHERE id = :id"),
            {"id": artwork_id},
        )
    high = figures(client)
    assert low == high
    assert before != low


def test_a_token_guards_the_figures(settings: Settings, app: Flask) -> None:
    guarded = create_app(settings.model_copy(update={"metrics_token": "let me in"}))
    client = guarded.test_client()
    for value in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "let me in"}):
        answer = client.get("/metrics", headers=value)
        assert answer.status_code == 401
        assert "gtw_" not in answer.text
    right = client.get("/metrics", headers={"Authorization": "Bearer let me in"})
    assert right.status_code == 200
    assert right.mimetype == "text/plain"
    release(guarded)
