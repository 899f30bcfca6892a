"""The product and its Stripe under one clock, in one process, with real HTTP between them.

A sequence of events costs milliseconds here, so that thousands can be played. Stripe's webhooks
leave only when the test posts them.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import Row, select, text
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.models import User
from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.config import read_settings
from app.core import clock
from app.core.audit import AuditLog
from app.core.extensions import db
from app.jobs import tasks
from app.jobs.sweep import PAYMENTS, SweepReport, sweep
from app.notifications.models import Email
from app.payments.models import Attention, Payment, StripeEvent
from sandbox import control, payments, webhooks
from sandbox.__main__ import QuietHandler
from sandbox.app import create_app as create_sandbox
from sandbox.clock import Clock
from sandbox.control_bodies import PayBody
from sandbox.store import Store
from sandbox.world import World
from tests import people
from tests.conftest import release
from tests.databases import REQUIRED
from tests.people import TestPerson

WEBHOOK = "/api/payments/webhook"
SECRET = REQUIRED["STRIPE_WEBHOOK_SECRET"]
# The description's numbers, made small enough to be met in a short sequence.
UNPAID_WINS = 2
WINDOW = timedelta(minutes=10)
_KEPT = ("users", "access_tokens", "alembic_version")
TELLING = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "charge.refunded",
)
Body = dict[str, Any]


class Hand:
    """The hand of the one clock: stands still, but for a microsecond at each look."""

    def __init__(self) -> None:
        self.set_right()

    def set_right(self) -> None:
        """Back to the real time."""
        self._moment = datetime.now(UTC)
        self._looks = itertools.count(1)

    def now(self) -> datetime:
        """The present moment."""
        return self._moment + timedelta(microseconds=next(self._looks))

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._moment += by


class _SandboxClock(Clock):
    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self._hand = hand

    def now(self) -> float:
        return self._hand.now().timestamp()


@dataclass(frozen=True)
class Scene:
    """Everything at one moment: the product's tables, and Stripe's objects."""

    now: datetime
    artworks: list[Row[Any]]
    bids: list[Row[Any]]
    payments: list[Row[Any]]
    audits: list[Row[Any]]
    mails: list[Row[Any]]
    flags: list[Row[Any]]
    users: list[Row[Any]]
    sessions: list[Body]
    intents: dict[str, Body]


def read_scene(app: Flask, now: datetime, sessions: list[Body], intents: list[Body]) -> Scene:
    """The database as it is, beside what Stripe has."""

    def rows(model: Any) -> list[Row[Any]]:
        table = model.__table__
        return list(db.session.execute(select(table).order_by(table.c.id)))

    with app.app_context():
        models = (Artwork, Bid, Payment, AuditLog, Email, Attention, User)
        found = [rows(model) for model in models]
    return Scene(now, *found, sessions, {intent["id"]: intent for intent in intents})


class Stage:
    """One product on one database with its Stripe, and what can happen to them."""

    def __init__(self, database_url: str, uploads: Any, hand: Hand, lives: int = 3) -> None:
        self.hand = hand
        self.world = World(Store(), "", "Guess The Worth", None, SECRET)
        self.world.clock = _SandboxClock(hand)
        self._server = make_server(
            "127.0.0.1", 0, create_sandbox(self.world), threaded=True, request_handler=QuietHandler
        )
        self.world.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._serving = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._serving.start()
        usual = {name.lower(): value for name, value in REQUIRED.items()}
        settings = read_settings(
            {},
            **usual,
            database_url=database_url,
            upload_dir=uploads,
            ratelimit_enabled=False,
            stripe_api_base=self.world.base_url,
            unpaid_win_limit=UNPAID_WINS,
        )
        self._apps = [create_app(settings) for _ in range(lives)]
        self._next_apps = itertools.cycle(self._apps)
        self.app: Flask = next(self._next_apps)
        self.seller, self.admin = self._person("SELLER"), self._person("ADMIN")
        self.buyers = [self._person("BUYER") for _ in range(3)]

    def _person(self, role: str) -> TestPerson:
        return people.make_person(self.app, role)

    def close(self) -> None:
        """Give everything back."""
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self.world.store.close()
        for app in self._apps:
            release(app)

    def begin(self) -> None:
        """Nothing has happened yet: the same people, no artwork, an empty Stripe."""
        self.hand.set_right()
        control.reset(self.world)
        with self.app.app_context(), db.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                if table.name not in _KEPT:
                    connection.execute(table.delete())
            connection.execute(text("UPDATE users SET bidding_suspended_until = NULL"))

    def list_artwork(self, threshold_cents: int, ends_in: timedelta | None) -> int:
        """An artwork of the seller's."""
        end_at = None if ends_in is None else self.hand.now() + ends_in
        return people.make_artwork(self.app, self.seller, threshold_cents, end_at=end_at)

    # What people do

    def call(self, person: TestPerson, method: str, path: str, body: Any = None) -> TestResponse:
        """A request of a program under /api."""
        sent = {"json": body} if body is not None else {}
        return self.app.test_client().open(
            f"/api{path}", method=method, headers=person.bearer, **sent
        )

    def bid(self, person: TestPerson, artwork_id: int, cents: int) -> TestResponse:
        """An offer."""
        amount = f"{cents // 100}.{cents % 100:02}"
        return self.call(person, "POST", "/bids", {"artwork_id": artwork_id, "amount": amount})

    def come_back_from_stripe(self, person: TestPerson, payment_id: int) -> TestResponse:
        """The page after Stripe's."""
        return self.app.test_client().get(f"/payments/{payment_id}/return", headers=person.bearer)

    # What Stripe does

    def pay(self, session_id: str, card: str, challenge: Any = None) -> Body:
        """Somebody submits a card on Stripe's page."""
        return control.pay(self.world, session_id, PayBody(card=card, challenge=challenge))

    def decide_funds(self, session_id: str, *, succeed: bool) -> None:
        """Funds that were to come later came, or will not."""
        payments.settle(self.world, session_id, succeed=succeed)

    def refund(self, charge_id: str, cents: int | None) -> None:
        """Somebody gives money back in Stripe's dashboard."""
        payments.refund(self.world, charge_id, cents)

    def break_stripe(
        self, operation: str, kind: str, times: int | None, status: int | None = None
    ) -> None:
        """From now on Stripe fails in this way, so many times or until it comes back."""
        self.world.faults.add(
            {"operation": operation, "kind": kind, "status": status, "code": None,
             "seconds": None, "times": times}
        )  # fmt: skip

    def mend_stripe(self) -> None:
        """Stripe answers again."""
        self.world.faults.remove(None)

    @property
    def calm(self) -> bool:
        """Whether Stripe answers everything."""
        return not self.world.faults.all()

    def events(self) -> list[Body]:
        """What Stripe would tell by webhook, as made, without what means nothing to the product
        and is only stored.
        """
        return [each for each in self.world.store.all_of("event") if each["type"] in TELLING]

    def deliver(self, event: Body) -> int:
        """One webhook arrives; what the product answers."""
        body = webhooks.payload(event)
        signature = webhooks.signature(body, SECRET, self.world.clock.stamp())
        answer = self.app.test_client().post(
            WEBHOOK, data=body, headers={"Stripe-Signature": signature},
            content_type="application/json",
        )  # fmt: skip
        return answer.status_code

    # What the product does by itself

    def sweep(self) -> SweepReport:
        """One pass over payments and ended artworks."""
        with self.app.app_context():
            return sweep(parts=(PAYMENTS,))

    def job(self, payment_id: int) -> None:
        """The worker's job at the deadline."""
        with self.app.app_context():
            tasks.settle_payment(payment_id)

    def restart(self) -> None:
        """Another process begins with what the database holds."""
        release(self.app)
        self.app = next(self._next_apps)

    # What there is to see

    def scene(self) -> Scene:
        """Everything as it is now."""
        store = self.world.store
        return read_scene(
            self.app,
            self.hand.now(),
            store.all_of("checkout.session"),
            store.all_of("payment_intent"),
        )

    def stored_events(self) -> list[int]:
        """The numbers in the log of webhook events."""
        with self.app.app_context():
            return list(db.session.scalars(select(StripeEvent.id).order_by(StripeEvent.id)))


@contextmanager
def on_stage(database_url: str, uploads: Any) -> Iterator[Stage]:
    """A stage, with the product's clock in its hand and no pauses in Stripe's library."""
    with pytest.MonkeyPatch.context() as patch:
        hand = Hand()
        # What each of some thousand requests says would be kept until the test ends.
        logging.disable(logging.WARNING)
        patch.setattr(clock, "now", hand.now)
        patch.setattr(stripe.RequestsClient, "_sleep_time_seconds", lambda *_, **__: 0)
        stage = Stage(database_url, uploads, hand)
        try:
            yield stage
        finally:
            stage.close()
            logging.disable(logging.NOTSET)
