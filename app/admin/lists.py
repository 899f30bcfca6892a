"""The administrators' lists, newest first, each with its filters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from app.accounts.models import User
from app.accounts.states import Role
from app.artworks.models import Artwork
from app.core.audit import AuditLog
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import EventOutcome, PaymentStatus

_LONGEST_NUMBER = 18


@dataclass(frozen=True)
class PaymentRow:
    """One line of the list of payments."""

    id: int
    status: PaymentStatus
    amount_cents: int
    refunded_cents: int
    failure_reason: str | None
    deadline_at: datetime
    created_at: datetime
    paid_at: datetime | None
    artwork_id: int
    artwork_title: str
    buyer_id: int
    buyer_name: str
    buyer_email: str


def payments(
    page: int, per_page: int, status: PaymentStatus | None = None, q: str = ""
) -> Page[PaymentRow]:
    """Payments; `q` is a number, part of an artwork's title or buyer's address, or a Stripe id."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Payment.id, Payment.status, Payment.amount_cents, Payment.refunded_cents,
            Payment.failure_reason, Payment.deadline_at, Payment.created_at, Payment.paid_at,
            Artwork.id, Artwork.title, User.id, User.name, User.email,
        )
        .join(Artwork, Artwork.id == Payment.artwork_id)
        .join(User, User.id == Payment.buyer_id)
        .order_by(Payment.id.desc())
    )  # fmt: skip
    counted_by: Select[*tuple[Any, ...]] = select(Payment)
    if status is not None:
        has_status = Payment.status == status
        query, counted_by = query.where(has_status), counted_by.where(has_status)
    if q:
        ways = [
            Artwork.title.icontains(q, autoescape=True),
            User.email.icontains(q, autoescape=True),
            Payment.stripe_session_id == q,
            Payment.stripe_payment_intent_id == q,
        ]
        if number := _number(q):
            ways += [Payment.id == number, Payment.artwork_id == number]
        query = counted_by = query.where(or_(*ways))
    return paginate(query, page, per_page, counted_by).map(lambda row: PaymentRow(*row))


def _number(text: str) -> int | None:
    text = text.removeprefix("#")
    right = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if right else None


def users(
    page: int, per_page: int, q: str = "", role: Role | None = None, active: bool | None = None
) -> Page[User]:
    """Everybody who has an account; `q` is part of a name or an email address, or a number."""
    query = select(User).order_by(User.id.desc())
    if role is not None:
        query = query.where(User.role == role)
    if active is not None:
        query = query.where(User.active == active)
    if q:
        ways = [User.name.icontains(q, autoescape=True), User.email.icontains(q, autoescape=True)]
        if number := _number(q):
            ways.append(User.id == number)
        query = query.where(or_(*ways))
    return _rows(query, page, per_page)


def webhook_events(
    page: int, per_page: int, type: str = "", outcome: EventOutcome | None = None
) -> Page[StripeEvent]:
    """Every verified webhook event."""
    query = select(StripeEvent).order_by(StripeEvent.id.desc())
    if type:
        query = query.where(StripeEvent.type == type)
    if outcome is not None:
        query = query.where(StripeEvent.outcome == outcome)
    return _rows(query, page, per_page)


def event_types() -> list[str]:
    """Every type of event that has come so far."""
    # From each type to the next by the index: however many events, as many steps as types.
    types = select(func.min(StripeEvent.type).label("type")).cte("types", recursive=True)
    following = (
        select(func.min(StripeEvent.type))
        .where(StripeEvent.type > types.c.type)
        .correlate(types)
        .scalar_subquery()
    )
    types = types.union_all(select(following).where(types.c.type.is_not(None)))
    return list(db.session.scalars(select(types.c.type).where(types.c.type.is_not(None))))


def attentions(page: int, per_page: int, *, acknowledged: bool) -> Page[Attention]:
    """What needs a person, or what somebody has acknowledged."""
    seen = Attention.acknowledged_at
    which = seen.is_not(None) if acknowledged else seen.is_(None)
    return _rows(select(Attention).where(which).order_by(Attention.id.desc()), page, per_page)


def audit_logs(
    page: int,
    per_page: int,
    since: datetime | None = None,
    until: datetime | None = None,
    **columns: Any,
) -> Page[AuditLog]:
    """What was done, from `since` on and before `until`; `columns` hold the values asked for."""
    newest: list[ColumnElement[Any]] = [AuditLog.id.desc()]
    if since is not None or until is not None:
        newest.insert(0, AuditLog.created_at.desc())
    query = select(AuditLog).order_by(*newest)
    for name, value in columns.items():
        query = query.where(getattr(AuditLog, name) == value)
    if since is not None:
        query = query.where(AuditLog.created_at >= since)
    if until is not None:
        query = query.where(AuditLog.created_at < until)
    return _rows(query, page, per_page)


def _rows(query: Select[*tuple[Any, ...]], page: int, per_page: int) -> Page[Any]:
    return paginate(query, page, per_page).map(lambda row: row[0])


def webhook_event(event_id: int) -> StripeEvent:
    """One webhook event as it is now; raises NotFound."""
    event = db.session.get(StripeEvent, event_id, populate_existing=True)
    if event is None:
        raise NotFound
    return event
