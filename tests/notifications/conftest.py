"""The application with a real mail server, and one event of each kind that mails are owed for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from app.accounts.models import PasswordReset
from app.core import clock, events
from app.core.extensions import db
from app.core.transaction import transaction
from app.notifications.models import Email
from dev.mail_catcher import MailCatcher
from tests.people import TestPerson

DEADLINE = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
PAID = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


@pytest.fixture
def settings_given(mail_catcher: MailCatcher) -> dict[str, Any]:
    return {
        "mail_port": mail_catcher.smtp_port,
        "public_url": "https://bids.example.com",
        "mail_default_sender": "Guess The Worth <no-reply@example.com>",
    }


@dataclass(frozen=True)
class Outbox:
    """The outbox of the application at hand."""

    app: Flask
    buyer: TestPerson
    seller: TestPerson
    admin: TestPerson

    def happen(self, *facts: events.Event) -> None:
        """State facts in one transaction, as a service does."""
        with self.app.app_context(), transaction() as session:
            for fact in facts:
                events.record(session, fact)

    def rows(self) -> list[Email]:
        """Every mail, in the order in which it was owed."""
        with self.app.app_context():
            return list(db.session.scalars(select(Email).order_by(Email.id)).all())

    def row(self) -> Email:
        """The only mail."""
        [row] = self.rows()
        return row

    def make_due(self) -> None:
        """Let the time to the next try pass."""
        with self.app.app_context(), transaction() as session:
            session.execute(update(Email).values(next_attempt_at=clock.now()))

    def reserved(self, title: str = "Harbour at dawn", payment_id: int = 12) -> events.Event:
        return events.ArtworkReserved(
            artwork_id=7,
            artwork_title=title,
            bid_id=31,
            payment_id=payment_id,
            buyer_id=self.buyer.id,
            seller_id=self.seller.id,
            amount_cents=125_000,
            deadline_at=DEADLINE,
        )

    def declined(
        self, occurrence: str = "evt_1", reason: str = "insufficient_funds"
    ) -> events.Event:
        return events.PaymentDeclined(
            payment_id=12,
            artwork_id=7,
            artwork_title="Harbour at dawn",
            buyer_id=self.buyer.id,
            amount_cents=125_000,
            reason=reason,
            deadline_at=DEADLINE,
            occurrence=occurrence,
        )

    def released(self, reason: str = "deadline", status: str = "ACTIVE") -> events.Event:
        return events.PaymentReleased(
            payment_id=12,
            bid_id=31,
            artwork_id=7,
            artwork_title="Harbour at dawn",
            artwork_status=status,
            buyer_id=self.buyer.id,
            seller_id=self.seller.id,
            amount_cents=125_000,
            reason=reason,
        )

    def sold(self) -> events.Event:
        return events.SaleCompleted(
            payment_id=12,
            artwork_id=7,
            artwork_title="Harbour at dawn",
            buyer_id=self.buyer.id,
            seller_id=self.seller.id,
            amount_cents=125_000,
            paid_at=PAID,
        )

    def expired(self) -> events.Event:
        return events.ArtworkExpired(7, "Harbour at dawn", self.seller.id)

    def attention(self) -> events.Event:
        return events.AttentionRaised(3, "amount_differs", 12, "Stripe says 1,249.00 USD")

    def reset_requested(self) -> events.Event:
        """A reset's row and its event."""
        moment = clock.now()
        with self.app.app_context(), transaction() as session:
            reset_id = session.scalar(
                insert(PasswordReset)
                .values(user_id=self.buyer.id, digest="0" * 64, created_at=moment,
                        expires_at=moment)
                .returning(PasswordReset.id)
            )  # fmt: skip
        assert reset_id is not None
        return events.PasswordResetRequested(
            reset_id, self.buyer.id, self.buyer.email, self.buyer.name
        )

    def everything(self) -> list[events.Event]:
        """One event for each kind of mail."""
        return [
            self.reserved(),
            self.declined(),
            self.released(),
            self.sold(),
            self.expired(),
            self.reset_requested(),
            self.attention(),
        ]


@pytest.fixture
def outbox(app: Flask, make_person: Callable[..., TestPerson]) -> Outbox:
    """An empty outbox and the people who get mail."""
    return Outbox(
        app,
        make_person("BUYER", "Ada Buyer"),
        make_person("SELLER", "Sam Seller"),
        make_person("ADMIN", "Ann Admin"),
    )
