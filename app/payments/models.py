"""Tables of payments, of Stripe's events, and of what needs a person."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Identifier, Moment, one_of
from app.core.extensions import Model
from app.payments.states import EventOutcome, PaymentStatus
from app.payments.words import LONGEST_ID

_OPEN = text("status IN ('PENDING', 'PROCESSING')")
_WAITING = text("acknowledged_at IS NULL")
_CAPTURED = text("status IN ('SUCCEEDED', 'REFUNDED')")


class Payment(Model):
    """What one winning bid owes.

    `checkout_params` is the exact request of the present attempt: a repeat under the same
    idempotency key must be the same to the letter, whatever was deployed in between
    (docs.stripe.com/api/idempotent_requests).
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_cents BETWEEN 50 AND 99999999", name="amount_limits"),
        Index("uq_payments_open", "artwork_id", unique=True, postgresql_where=_OPEN,
              sqlite_where=_OPEN),
        Index("uq_payments_captured", "artwork_id", unique=True, postgresql_where=_CAPTURED,
              sqlite_where=_CAPTURED),
        Index("ix_payments_due", "deadline_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_payments_buyer_id", "buyer_id", "id"),
        Index("ix_payments_artwork_id", "artwork_id", "id"),
        Index("ix_payments_status", "status", "id"),
        Index("ix_payments_closed_at", "closed_at"),
        Index("ix_payments_paid_at", "paid_at"),
        Index("ix_payments_seller_id", "seller_id", "status"),
        # What a seller earned is summed up without a look at the payments.
        Index("ix_payments_earnings", "seller_id", "paid_at", "id", "status", "amount_cents",
              "refunded_cents"),
        # A number that Stripe has seen is never given again.
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    bid_id: Mapped[int] = mapped_column(Identifier, ForeignKey("bids.id"), unique=True)
    artwork_id: Mapped[int] = mapped_column(Identifier, ForeignKey("artworks.id"))
    buyer_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"))
    seller_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"))
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    livemode: Mapped[bool]
    status: Mapped[PaymentStatus] = mapped_column(one_of(PaymentStatus))
    deadline_at: Mapped[datetime] = mapped_column(Moment)
    give_up_at: Mapped[datetime | None] = mapped_column(Moment)
    attempt: Mapped[int] = mapped_column(default=1)
    server_errors: Mapped[int] = mapped_column(default=0)
    request_id: Mapped[str | None] = mapped_column(String(64))
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    checkout_params: Mapped[dict[str, Any]] = mapped_column(JSON)
    stripe_session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    checkout_url: Mapped[str | None] = mapped_column(Text)
    payable_at: Mapped[datetime | None] = mapped_column(Moment)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(String(255), index=True)
    stripe_charge_id: Mapped[str | None] = mapped_column(String(255))
    failure_reason: Mapped[str | None] = mapped_column(String(64))
    refunded_cents: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class StripeEvent(Model):
    """A verified webhook event, whole, and what became of it."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        Index("ix_stripe_events_type", "type", "id"),
        Index("ix_stripe_events_payment_id", "payment_id", "id"),
        Index("ix_stripe_events_outcome", "outcome", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    stripe_event_id: Mapped[str] = mapped_column(String(LONGEST_ID), unique=True)
    type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    outcome: Mapped[EventOutcome] = mapped_column(one_of(EventOutcome))
    attempts: Mapped[int] = mapped_column(default=1)
    last_error: Mapped[str | None] = mapped_column(String(500))
    payment_id: Mapped[int | None] = mapped_column(Identifier, ForeignKey("payments.id"))
    received_at: Mapped[datetime] = mapped_column(Moment)
    handled_at: Mapped[datetime | None] = mapped_column(Moment)


class Attention(Model):
    """Something about money that needs a person, raised once per `reference`."""

    __tablename__ = "attentions"
    __table_args__ = (
        Index("ix_attentions_waiting", "id", postgresql_where=_WAITING, sqlite_where=_WAITING),
        Index("ix_attentions_payment_id", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(300), unique=True)
    payment_id: Mapped[int | None] = mapped_column(Identifier, ForeignKey("payments.id"))
    detail: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(Moment)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_by: Mapped[int | None] = mapped_column(Identifier, ForeignKey("users.id"))
    note: Mapped[str | None] = mapped_column(String(1000))
