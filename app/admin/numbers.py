"""The platform in numbers, and what is alarming about them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from app.core import clock
from app.core.extensions import db
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import CAPTURED, OPEN, RELEASED, EventOutcome, PaymentStatus

DAYS_SHOWN = 30
# Enough sales for steady percentiles; older ones say little of how things go now.
_SALES_MEASURED = 5_000
_OVERDUE = timedelta(seconds=60)
_RECENT = timedelta(hours=1)
_DECLINES_THAT_ALARM = 10


@dataclass(frozen=True)
class TimeToPay:
    """Seconds from the win to the payment; None while nothing was sold."""

    mean: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class RevenueDay:
    """What was taken on one day in UTC."""

    day: date
    revenue_cents: int


@dataclass(frozen=True)
class Alert:
    """Something that somebody should look at."""

    code: str
    detail: str
    since: datetime | None


def payments_by_status() -> dict[PaymentStatus, int]:
    """How many payments are in each state."""
    rows = db.session.execute(select(Payment.status, func.count()).group_by(Payment.status))
    return dict.fromkeys(PaymentStatus, 0) | {status: int(count) for status, count in rows}


def success_rate(counts: dict[PaymentStatus, int]) -> float | None:
    """The share of finished payments that were paid, from 0 to 1."""
    paid = sum(counts[status] for status in CAPTURED)
    finished = paid + sum(counts[status] for status in RELEASED)
    return round(paid / finished, 4) if finished else None


def time_to_pay() -> TimeToPay:
    """How long buyers take, over the latest sales."""
    rows = db.session.execute(
        select(Payment.created_at, Payment.paid_at)
        .where(Payment.status.in_(CAPTURED), Payment.paid_at.is_not(None))
        .order_by(Payment.id.desc())
        .limit(_SALES_MEASURED)
    ).all()
    seconds = sorted((paid - made).total_seconds() for made, paid in rows if paid is not None)
    if not seconds:
        return TimeToPay(None, None, None)
    return TimeToPay(
        round(statistics.fmean(seconds), 1), _percentile(seconds, 50), _percentile(seconds, 95)
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


def failures_by_reason() -> dict[str, int]:
    """How many payments came to nothing, by the reason recorded."""
    rows = db.session.execute(
        select(Payment.failure_reason, func.count())
        .where(Payment.status.in_(RELEASED))
        .group_by(Payment.failure_reason)
    )
    return {str(reason or "unknown"): int(count) for reason, count in rows}


def revenue_by_day() -> list[RevenueDay]:
    """What was taken on each of the last 30 days, today last."""
    today = clock.now().date()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    since = clock.now() - timedelta(days=DAYS_SHOWN)
    taken: dict[date, int] = {}
    rows = db.session.execute(
        select(Payment.paid_at, Payment.amount_cents, Payment.refunded_cents).where(
            Payment.status.in_(CAPTURED), Payment.paid_at >= since
        )
    )
    for paid_at, amount, refunded in rows:
        if paid_at is not None:
            taken[paid_at.date()] = taken.get(paid_at.date(), 0) + amount - refunded
    shown = [first + timedelta(days=number) for number in range(DAYS_SHOWN)]
    return [RevenueDay(day, taken.get(day, 0)) for day in shown]


def alerts() -> list[Alert]:
    """What somebody should look at, the gravest first."""
    moment = clock.now()
    found = [
        Alert(item.kind, item.detail, item.created_at)
        for item in db.session.scalars(
            select(Attention)
            .where(Attention.acknowledged_at.is_(None))
            .order_by(Attention.id)
            .limit(50)
        )
    ]
    overdue = db.session.execute(
        select(func.count(), func.min(Payment.deadline_at)).where(
            Payment.status.in_(OPEN), Payment.deadline_at < moment - _OVERDUE
        )
    ).one()
    if overdue[0]:
        found.append(
            Alert("payments_overdue", f"{overdue[0]} payments are past their deadline.", overdue[1])
        )
    failing = db.session.scalar(
        select(func.count()).where(
            StripeEvent.outcome == EventOutcome.FAILED, StripeEvent.received_at > moment - _RECENT
        )
    )
    if failing:
        found.append(Alert("webhooks_failing", f"{failing} webhook events failed.", None))
    declined = db.session.scalar(
        select(func.count()).where(
            StripeEvent.type == "payment_intent.payment_failed",
            StripeEvent.received_at > moment - _RECENT,
        )
    )
    if (declined or 0) >= _DECLINES_THAT_ALARM:
        found.append(Alert("declines_spiking", f"{declined} declines in the last hour.", None))
    return found
