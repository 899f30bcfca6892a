"""The platform in numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from app.bidding import service as bidding
from app.core.days import begin, day_of, last_days
from app.core.extensions import db
from app.core.figures import Rows, figure_of
from app.payments.models import Payment
from app.payments.states import CAPTURED, RELEASED, PaymentStatus

DAYS_SHOWN = 30
# Enough sales for steady percentiles; older ones say little of how things go now.
_SALES_MEASURED = 1_000


@dataclass(frozen=True)
class TimeToPay:
    """Seconds from the win to the payment; None while nothing was sold."""

    mean: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class RevenueDay:
    """What was taken on one day in UTC, less what was refunded of it since."""

    day: date
    revenue_cents: int


@dataclass(frozen=True)
class BidsDay:
    """How many bids were placed on one day in UTC, losing and winning."""

    day: date
    count: int


def payments_by_status() -> dict[PaymentStatus, int]:
    """How many payments are in each state."""
    found = {PaymentStatus(status): count for status, count in _payments_by_status()}
    return dict.fromkeys(PaymentStatus, 0) | found


@figure_of(Payment)
def _payments_by_status() -> Rows:
    rows = db.session.execute(select(Payment.status, func.count()).group_by(Payment.status))
    return [[status.value, int(count)] for status, count in rows]


def success_rate(counts: dict[PaymentStatus, int]) -> float | None:
    """The share of finished payments that were paid, from 0 to 1."""
    paid = sum(counts[status] for status in CAPTURED)
    finished = paid + sum(counts[status] for status in RELEASED)
    return round(paid / finished, 4) if finished else None


def time_to_pay() -> TimeToPay:
    """How long buyers take, over the latest sales."""
    rows = db.session.execute(
        select(Payment.created_at, Payment.paid_at)
        .where(Payment.paid_at.is_not(None))
        .order_by(Payment.paid_at.desc())
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
    """How many payments came to nothing, by the reason recorded, the commonest first."""
    return {str(reason): int(count) for reason, count in _failures_by_reason()}


@figure_of(Payment)
def _failures_by_reason() -> Rows:
    rows = db.session.execute(
        select(Payment.failure_reason, func.count())
        .where(Payment.status.in_(RELEASED))
        .group_by(Payment.failure_reason)
        .order_by(func.count().desc(), Payment.failure_reason)
    )
    return [[str(reason or "unknown"), int(count)] for reason, count in rows]


def revenue_by_day() -> list[RevenueDay]:
    """What was taken on each of the last 30 days, today last."""
    days = last_days(DAYS_SHOWN)
    day = day_of(Payment.paid_at)
    rows = db.session.execute(
        select(day, func.sum(Payment.amount_cents - Payment.refunded_cents))
        .where(Payment.status.in_(CAPTURED), Payment.paid_at >= begin(days[0]))
        .group_by(day)
    )
    taken = {str(day): int(cents) for day, cents in rows}
    return [RevenueDay(day, taken.get(str(day), 0)) for day in days]


def bids_by_day() -> list[BidsDay]:
    """How many bids were placed on each of the last 30 days, today last."""
    return [BidsDay(day, count) for day, count in bidding.bids_by_day(DAYS_SHOWN).items()]
