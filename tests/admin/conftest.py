"""The same market as the payments' tests, and rows that would take long to come about."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from app.core import clock
from app.core.lease import SWEEP_PAYMENTS, Lease
from app.core.transaction import transaction
from app.notifications.models import Email
from app.payments.models import Attention, StripeEvent
from tests.payments.conftest import market, more_settings, settings_given

__all__ = ["market", "more_settings", "settings_given"]

Add = Callable[..., int]
_numbers = itertools.count(1)


@pytest.fixture
def add(app: Flask) -> Add:
    """`add(Email, status="DEAD")`: a row with the rest made up; its id."""

    def make(model: Any, **columns: Any) -> int:
        number, moment = next(_numbers), clock.now()
        usual: dict[Any, dict[str, Any]] = {
            Email: {
                "kind": "payment_receipt", "recipient": f"person{number}@mails.example",
                "subject": f"Receipt {number}", "occasion": f"test:{number}",
                "message_id": f"<{number}@example.com>", "status": "PENDING", "attempts": 0,
                "next_attempt_at": moment + timedelta(hours=1), "created_at": moment,
                "facts": {"name": "Ada", "title": "Dawn", "artwork_id": 1, "payment_id": 7,
                          "amount": "$120.00", "paid_at": "2026-11-24T09:00:00.000Z"},
            },
            StripeEvent: {
                "stripe_event_id": f"evt_{number}", "type": "charge.refunded", "attempts": 1,
                "payload": {"id": f"evt_{number}", "livemode": False,
                            "data": {"object": {"id": "ch_1", "object": "charge"}}},
                "outcome": "NO_EFFECT", "received_at": moment,
            },
            Attention: {
                "kind": "dispute", "reference": f"test:{number}", "detail": f"A dispute {number}",
                "created_at": moment,
            },
        }  # fmt: skip
        with app.app_context(), transaction() as session:
            made = session.scalar(
                insert(model).values(**usual[model] | columns).returning(model.id)
            )
        assert made is not None
        return int(made)

    return make


@pytest.fixture
def swept(app: Flask) -> Callable[..., None]:
    """A worker finished its sweep just now, or so many seconds ago."""

    def finish(seconds_ago: float = 0) -> None:
        moment = clock.now() - timedelta(seconds=seconds_ago)
        with app.app_context(), transaction() as session:
            session.execute(
                insert(Lease).values(
                    name=SWEEP_PAYMENTS, holder="w", held_until=moment, finished_at=moment
                )
            )

    return finish
