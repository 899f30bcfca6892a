"""What administrators read of one thing: its story, and the numbers around it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import current_app
from sqlalchemy import func, select

from app.accounts.models import AccessToken, User
from app.accounts.queries import is_live
from app.accounts.states import Role, TokenKind
from app.admin.alerts import CODES, drifting_payments, open_alerts
from app.admin.numbers import payments_by_status
from app.bidding.models import Bid
from app.config import Settings
from app.core import clock
from app.core.audit import AuditLog
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.figures import Rows, figure_of
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import CAPTURED, RELEASED

__all__ = ["CODES", "drifting_payments", "open_alerts", "payments_by_status"]

_STORY_ENTRIES = 200
_DASHBOARD = "https://dashboard.stripe.com"
_HIDDEN = "(hidden)"


@dataclass(frozen=True)
class StoryEntry:
    """Something that happened to a payment: an audited deed, or an event from Stripe."""

    at: datetime
    text: str
    details: dict[str, Any]
    user_id: int | None = None
    event_id: int | None = None


@dataclass(frozen=True)
class PersonNumbers:
    """What an account was used for."""

    bids: int
    paid: int
    paid_cents: int
    unpaid_wins: int
    sales: int
    browsers: int
    tokens: int


def payment_row(payment_id: int) -> Payment:
    """A payment with all its columns; raises NotFound."""
    payment = db.session.get(Payment, payment_id, populate_existing=True)
    if payment is None:
        raise NotFound
    return payment


def payment_story(payment_id: int) -> list[StoryEntry]:
    """What happened to a payment, oldest first: at most 200 deeds and 200 events."""
    deeds = db.session.scalars(
        select(AuditLog)
        .where(AuditLog.resource_type == "payment", AuditLog.resource_id == payment_id)
        .order_by(AuditLog.id.desc())
        .limit(_STORY_ENTRIES)
    )
    events = db.session.scalars(
        select(StripeEvent)
        .where(StripeEvent.payment_id == payment_id)
        .order_by(StripeEvent.id.desc())
        .limit(_STORY_ENTRIES)
    )
    story = [
        StoryEntry(deed.created_at, deed.action, deed.details, user_id=deed.user_id)
        for deed in deeds
    ]
    story += [
        StoryEntry(event.received_at, event.type, {"outcome": event.outcome}, event_id=event.id)
        for event in events
    ]
    return sorted(story, key=lambda entry: entry.at)


def attentions_of_payment(payment_id: int) -> Sequence[Attention]:
    """Everything about a payment that needed a person, newest first."""
    return db.session.scalars(
        select(Attention).where(Attention.payment_id == payment_id).order_by(Attention.id.desc())
    ).all()


def stripe_address(payment: Payment) -> str | None:
    """Where Stripe's dashboard shows a payment; None in the sandbox, or without a session."""
    if payment.stripe_payment_intent_id:
        return _dashboard(payment.livemode, f"payments/{quote(payment.stripe_payment_intent_id)}")
    if payment.stripe_session_id:
        # The dashboard has no page of a session that nobody paid; its search finds it.
        found = quote(payment.stripe_session_id, safe="")
        return _dashboard(payment.livemode, f"search?query={found}")
    return None


def event_address(event: StripeEvent) -> str | None:
    """Where Stripe's dashboard shows an event; None in the sandbox."""
    live = bool(event.payload.get("livemode"))
    return _dashboard(live, f"events/{quote(event.stripe_event_id, safe='')}")


def _dashboard(live: bool, path: str) -> str | None:
    settings: Settings = current_app.config["SETTINGS"]
    if settings.stripe_api_base:
        return None
    return f"{_DASHBOARD}/{'' if live else 'test/'}{path}"


def payload_text(payload: dict[str, Any]) -> str:
    """An event's payload to be read, without what would let its reader confirm a payment."""
    said = json.dumps(_without_secrets(payload), indent=2, ensure_ascii=False)
    # JSON may hold half a character, and no page can.
    return said.encode(errors="backslashreplace").decode()


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _HIDDEN if name.endswith("secret") and each else _without_secrets(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return value


def person_row(user_id: int) -> User:
    """An account with all its columns; raises NotFound."""
    person = db.session.get(User, user_id, populate_existing=True)
    if person is None:
        raise NotFound
    return person


def person_numbers(user_id: int) -> PersonNumbers:
    """What an account was used for."""
    bids = _count(Bid.bidder_id == user_id)
    paid, cents = db.session.execute(
        select(func.count(), func.sum(Payment.amount_cents - Payment.refunded_cents)).where(
            Payment.buyer_id == user_id, Payment.status.in_(CAPTURED)
        )
    ).one()
    signed_in = {
        kind: _count(
            AccessToken.user_id == user_id,
            AccessToken.kind == kind,
            is_live(clock.now()),
        )
        for kind in TokenKind
    }
    return PersonNumbers(
        bids=bids,
        paid=int(paid),
        paid_cents=int(cents or 0),
        unpaid_wins=_count(Payment.buyer_id == user_id, Payment.status.in_(RELEASED)),
        sales=_count(Payment.seller_id == user_id, Payment.status.in_(CAPTURED)),
        browsers=signed_in[TokenKind.BROWSER],
        tokens=signed_in[TokenKind.API],
    )


def _count(*conditions: Any) -> int:
    return db.session.scalar(select(func.count()).where(*conditions)) or 0


def person_deeds(user_id: int, limit: int = 20) -> Sequence[AuditLog]:
    """What somebody did last, newest first."""
    return db.session.scalars(
        select(AuditLog)
        .where(AuditLog.user_id == user_id)
        .order_by(AuditLog.id.desc())
        .limit(limit)
    ).all()


def changes_of_person(user_id: int, limit: int = 20) -> Sequence[AuditLog]:
    """What was done to an account last, newest first."""
    return db.session.scalars(
        select(AuditLog)
        .where(AuditLog.resource_type == "user", AuditLog.resource_id == user_id)
        .order_by(AuditLog.id.desc())
        .limit(limit)
    ).all()


def people_counts() -> dict[Role, int]:
    """How many people have each role."""
    return dict.fromkeys(Role, 0) | {Role(role): count for role, count in _people_by_role()}


@figure_of(User)
def _people_by_role() -> Rows:
    rows = db.session.execute(select(User.role, func.count()).group_by(User.role))
    return [[role.value, int(count)] for role, count in rows]
