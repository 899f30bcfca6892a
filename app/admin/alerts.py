"""What is alarming, in one place: for the pages, the API and Prometheus.

Read from the database alone; no page asks Stripe for them. Every threshold stands here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from app.config import Settings
from app.core import clock
from app.core.audit import AuditLog
from app.core.extensions import db
from app.core.lease import SWEEP_PAYMENTS, is_late, read_lease
from app.notifications.models import Email
from app.notifications.states import EmailStatus
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.service import recovering_since
from app.payments.states import CAPTURED, CONTRADICTIONS, OPEN, EventOutcome

# Money waits no longer than this past its deadline while Stripe answers.
OVERDUE = timedelta(seconds=60)
# So many declines within the hour, and so many times the usual number of an hour last week.
DECLINES_THAT_ALARM = 10
DECLINES_TIMES_USUAL = 3
_USUAL_DAYS = 7
# A webhook that comes later than this after its sale has not helped to make it.
WEBHOOK_PATIENCE = timedelta(minutes=2)
_SILENCE_SEEN = timedelta(hours=24)
# Stripe sends a webhook again for up to three days (docs.stripe.com/webhooks).
_RETRIED_FOR = timedelta(days=3)
# The first five tries of a mail lie within this.
MAIL_BACKLOG = timedelta(minutes=5)
_DEAD_MAIL_SHOWN = timedelta(days=7)
_ITEMS_SHOWN = 50
_HOUR = timedelta(hours=1)

COMPLETED = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


@dataclass(frozen=True)
class Finding:
    """Something that somebody should look at: what it is, what it means, what to do.

    `page` is the endpoint of the page that shows more.
    """

    title: str
    detail: str
    action: str
    since: datetime | None
    page: str


@dataclass(frozen=True)
class Alert(Finding):
    """A finding, with the code by which programs know it."""

    code: str


def open_alerts() -> list[Alert]:
    """What is wrong with how things run now, the gravest first; empty when all is well."""
    moment = clock.now()
    found = ((code, check(moment)) for code, check in _CHECKS.items())
    return [Alert(**vars(finding), code=code) for code, finding in found if finding is not None]


def everything_open() -> list[Alert]:
    """What waits for a person, then what is wrong with how things run."""
    waiting = db.session.scalars(
        select(Attention)
        .where(Attention.acknowledged_at.is_(None))
        .order_by(Attention.id)
        .limit(_ITEMS_SHOWN)
    )
    items = [
        Alert(
            code=item.kind,
            title=item.kind.replace("_", " ").capitalize(),
            detail=item.detail,
            action="Look into it, then acknowledge it under “Needs a person”.",
            since=item.created_at,
            page="admin.attentions",
        )
        for item in waiting
    ]
    return items + open_alerts()


def drifting_payments() -> int:
    """How many payments Stripe's word contradicts, as the sweep and webhooks have found."""
    return (
        db.session.scalar(
            select(func.count(Attention.payment_id.distinct())).where(
                Attention.kind.in_(CONTRADICTIONS), Attention.acknowledged_at.is_(None)
            )
        )
        or 0
    )


def _count_and_first(
    moment: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> tuple[int, datetime | None]:
    """How many rows there are, and the earliest of their moments."""
    number, first = db.session.execute(
        select(func.count(), func.min(moment)).where(*conditions)
    ).one()
    return int(number), first


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _paused(_moment: datetime) -> Finding | None:
    since = recovering_since()
    if since is None:
        return None
    return Finding(
        "Bids are paused",
        "A backup was restored. Nobody can bid until Stripe has told of every sale since then.",
        "The sweep asks Stripe by itself. Should this last for minutes, run flask --app wsgi "
        "reconcile: it says what it waits for.",
        since,
        "admin.home",
    )


def _drift(_moment: datetime) -> Finding | None:
    number = drifting_payments()
    if not number:
        return None
    return Finding(
        "Stripe says otherwise",
        f"Stripe's word contradicts what is recorded here for {_count(number, 'payment')}.",
        "Open each one under “Needs a person”, compare it with Stripe's dashboard, and ask Stripe "
        "again from the payment's page. Refund by hand what should not have been charged.",
        db.session.scalar(
            select(func.min(Attention.created_at)).where(
                Attention.kind.in_(CONTRADICTIONS), Attention.acknowledged_at.is_(None)
            )
        ),
        "admin.attentions",
    )


def _sweep_late(moment: datetime) -> Finding | None:
    settings: Settings = current_app.config["SETTINGS"]
    lease = read_lease(SWEEP_PAYMENTS)
    finished = lease.finished_at if lease else None
    if finished and not is_late(finished, settings.sweep_interval_seconds):
        return None
    said = "No worker has finished a sweep yet." if finished is None else "The sweep is late."
    return Finding(
        "The worker is not sweeping",
        f"{said} Unpaid wins are not released, and a lost webhook is not made up for.",
        "Start the worker (python worker.py) and look into its log; flask --app wsgi sweep does "
        "one pass at once.",
        finished,
        "admin.home",
    )


def _overdue(moment: datetime) -> Finding | None:
    number, oldest = _count_and_first(
        Payment.deadline_at,
        Payment.status.in_(OPEN),
        Payment.deadline_at < moment - OVERDUE,
    )
    if not number:
        return None
    return Finding(
        "Payments are past their deadline",
        f"{_count(number, 'payment')} should have been finished more than a minute ago. The "
        "artwork stays reserved until Stripe says that its payment page is closed.",
        "Check that the worker runs and that Stripe can be reached (status.stripe.com), then ask "
        "Stripe from the payment's page.",
        oldest,
        "admin.payments_list",
    )


def _webhooks_failing(moment: datetime) -> Finding | None:
    number, oldest = _count_and_first(
        StripeEvent.received_at,
        StripeEvent.outcome == EventOutcome.FAILED,
        StripeEvent.received_at > moment - _RETRIED_FOR,
    )
    if not number:
        return None
    return Finding(
        "Webhooks fail",
        f"{_count(number, 'event')} of the last three days could not be handled. Stripe sends "
        "them again, and the sweep makes up for sales meanwhile.",
        "Read the error on the event's page; replay the event when its cause is mended.",
        oldest,
        "admin.events",
    )


def _last_came(type: str) -> datetime | None:
    newest = select(StripeEvent.received_at).where(StripeEvent.type == type)
    return db.session.scalar(newest.order_by(StripeEvent.id.desc()).limit(1))


def _webhooks_silent(moment: datetime) -> Finding | None:
    began = moment - _SILENCE_SEEN
    latest = max(filter(None, (_last_came(type) for type in COMPLETED)), default=began)
    told = exists().where(StripeEvent.payment_id == Payment.id, StripeEvent.type.in_(COMPLETED))
    number, first = _count_and_first(
        Payment.paid_at,
        Payment.status.in_(CAPTURED),
        Payment.stripe_session_id.is_not(None),
        Payment.paid_at > max(began, latest),
        Payment.paid_at < moment - WEBHOOK_PATIENCE,
        ~told,
    )
    if not number:
        return None
    return Finding(
        "Webhooks do not arrive",
        f"{_count(number, 'sale')} of the last day came to light only because the product asked "
        "Stripe by itself; the webhooks for them never came.",
        "In Stripe's dashboard, under Developers, Webhooks, check that the endpoint is on, that "
        "its address is PUBLIC_URL/api/payments/webhook, and that STRIPE_WEBHOOK_SECRET is its "
        "signing secret.",
        first,
        "admin.events",
    )


def _declines_spiking(moment: datetime) -> Finding | None:
    recent = _declines(AuditLog.created_at > moment - _HOUR)
    week = timedelta(days=_USUAL_DAYS)
    before = _declines(
        AuditLog.created_at > moment - _HOUR - week, AuditLog.created_at <= moment - _HOUR
    )
    usual = before // (week // _HOUR)
    if recent < DECLINES_THAT_ALARM or recent < DECLINES_TIMES_USUAL * usual:
        return None
    return Finding(
        "Declines are spiking",
        f"{_count(recent, 'card')} declined within the last hour. One buyer trying many cards "
        "looks like this, and so does trouble at a bank or at Stripe.",
        "See under Payments whose they are and why; suspend an account that tests stolen cards; "
        "look at status.stripe.com.",
        moment - _HOUR,
        "admin.numbers_page",
    )


def _declines(*when: ColumnElement[bool]) -> int:
    query = select(func.count()).where(AuditLog.action == "payment.declined", *when)
    return db.session.scalar(query) or 0


def _mail_backlog(moment: datetime) -> Finding | None:
    number, oldest = _count_and_first(
        Email.created_at,
        Email.status == EmailStatus.PENDING,
        Email.created_at < moment - MAIL_BACKLOG,
    )
    if not number:
        return None
    return Finding(
        "Emails wait",
        f"{_count(number, 'email')} waited for more than five minutes. They are tried again by "
        "themselves; sales do not wait for them.",
        "Read the last error in the outbox; check MAIL_SERVER and its log-in, and that the worker "
        "runs.",
        oldest,
        "admin.emails",
    )


def _mail_dead(moment: datetime) -> Finding | None:
    number, oldest = _count_and_first(
        Email.created_at,
        Email.status == EmailStatus.DEAD,
        Email.created_at > moment - _DEAD_MAIL_SHOWN,
    )
    if not number:
        return None
    return Finding(
        "Emails were given up",
        f"The mail server refused {_count(number, 'email')} of the last seven days for good.",
        "Read the reason in the outbox; if the address is right, mend the cause and send again.",
        oldest,
        "admin.emails",
    )


_CHECKS: dict[str, Callable[[datetime], Finding | None]] = {
    "bids_paused": _paused,
    "stripe_drift": _drift,
    "payments_overdue": _overdue,
    "sweep_late": _sweep_late,
    "webhooks_silent": _webhooks_silent,
    "webhooks_failing": _webhooks_failing,
    "declines_spiking": _declines_spiking,
    "mail_dead": _mail_dead,
    "mail_backlog": _mail_backlog,
}
# Every code that `open_alerts` can give, for figures that must be there when all is well.
CODES = tuple(_CHECKS)
