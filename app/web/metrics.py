"""Figures for Prometheus, read from the database when they are asked for.

They are the same whichever web process answers, and a restart loses none.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.admin import queries as admin
from app.artworks.models import Artwork
from app.core import clock
from app.core.access import Who, access
from app.core.audit import AuditLog
from app.core.counters import counted, counted_under
from app.core.errors import NotSignedIn
from app.core.extensions import db
from app.core.figures import Rows, figure_of
from app.core.lease import read_lease
from app.jobs import service as sweeps
from app.notifications import queries as mails
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import CAPTURED, OPEN

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@access(Who.ANYONE)
def scrape() -> Response:
    """Every figure; with METRICS_TOKEN set, only to who sends it as a bearer token."""
    token = current_app.config["SETTINGS"].metrics_token
    if token:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise NotSignedIn("Send METRICS_TOKEN as a bearer token.")
    registry = CollectorRegistry()
    registry.register(_Figures())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        moment = clock.now()
        yield from _payments(moment)
        yield from _worker(moment)
        yield from _events()
        yield _refused()
        yield from _mails(moment)
        yield from _people_needed()
        yield from _alerts()
        artworks = {str(status): count for status, count in _artworks_by_status()}
        yield _gauge("gtw_artworks", "Artworks by status.", "status", artworks)


def _by(*columns: Any) -> Rows:
    rows = db.session.execute(select(*columns, func.count()).group_by(*columns)).all()
    return [[*(str(value) for value in row[:-1]), int(row[-1])] for row in rows]


@figure_of(Artwork)
def _artworks_by_status() -> Rows:
    return _by(Artwork.status)


@figure_of(StripeEvent)
def _events_by_type() -> Rows:
    return _by(StripeEvent.type, StripeEvent.outcome)


@figure_of(Payment)
def _money() -> Rows:
    taken, returned = db.session.execute(
        select(func.sum(Payment.amount_cents), func.sum(Payment.refunded_cents)).where(
            Payment.status.in_(CAPTURED)
        )
    ).one()
    return [[int(taken or 0), int(returned or 0)]]


@figure_of(AuditLog)
def _declines_by_reason() -> Rows:
    reason = AuditLog.details["reason"].as_string()
    rows = db.session.execute(
        select(reason, func.count()).where(AuditLog.action == "payment.declined").group_by(reason)
    )
    return [[str(said or "unknown"), int(count)] for said, count in rows]


def _gauge(name: str, text: str, label: str, counts: Mapping[Any, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _age(since: datetime | None, moment: datetime) -> float:
    return 0.0 if since is None else max(0.0, (moment - since).total_seconds())


def _payments(moment: datetime) -> Iterator[Metric]:
    counts = {status.value: count for status, count in admin.payments_by_status().items()}
    yield _gauge("gtw_payments", "Payments by status.", "status", counts)
    oldest = db.session.scalar(select(func.min(Payment.created_at)).where(Payment.status.in_(OPEN)))
    yield GaugeMetricFamily(
        "gtw_oldest_open_payment_seconds", "Age of the oldest unfinished payment.",
        value=_age(oldest, moment),
    )  # fmt: skip
    taken, returned = _money()[0]
    yield CounterMetricFamily(
        "gtw_money_taken_cents", "Captured, before refunds, in US cents.", value=taken
    )
    yield CounterMetricFamily("gtw_money_refunded_cents", "Refunded, in US cents.", value=returned)
    family = CounterMetricFamily("gtw_declines", "Declined cards by reason.", labels=["reason"])
    for said, count in sorted(_declines_by_reason()):
        family.add_metric([said], count)
    yield family


def _worker(moment: datetime) -> Iterator[Metric]:
    lease = read_lease(sweeps.PAYMENTS)
    if lease is not None and lease.finished_at is not None:
        yield GaugeMetricFamily(
            "gtw_sweep_lag_seconds", "Since a sweep last finished.",
            value=_age(lease.finished_at, moment),
        )  # fmt: skip
    mail = read_lease(sweeps.MAIL)
    if mail is not None and mail.finished_at is not None:
        yield GaugeMetricFamily(
            "gtw_mail_sweep_lag_seconds", "Since a sweep of the outbox last finished.",
            value=_age(mail.finished_at, moment),
        )  # fmt: skip
    done = CounterMetricFamily(
        "gtw_sweep_done", "What the sweeps did, by kind; passes too.", labels=["kind"]
    )
    for kind, count in counted_under(sweeps.COUNTED).items():
        done.add_metric([kind], count)
    yield done


def _refused() -> Metric:
    """Webhook requests whose signature was not accepted."""
    metric = CounterMetricFamily(
        "gtw_webhooks_refused", "Webhook requests whose signature was not accepted."
    )
    metric.add_metric([], counted("webhooks_refused"))
    return metric


def _events() -> Iterator[Metric]:
    family = CounterMetricFamily(
        "gtw_webhook_events", "Webhook events by type and outcome.", labels=["type", "outcome"]
    )
    for *labels, count in sorted(_events_by_type()):
        family.add_metric(labels, count)
    yield family


def _mails(moment: datetime) -> Iterator[Metric]:
    counts = {status.value: count for status, count in mails.counts().items()}
    yield _gauge("gtw_emails", "E-mails by status.", "status", counts)
    yield GaugeMetricFamily(
        "gtw_oldest_unsent_email_seconds", "Age of the oldest e-mail still to be sent.",
        value=_age(mails.oldest_unsent_at(), moment),
    )  # fmt: skip


def _people_needed() -> Iterator[Metric]:
    counts = db.session.execute(
        select(Attention.kind, func.count())
        .where(Attention.acknowledged_at.is_(None))
        .group_by(Attention.kind)
    ).all()
    family = GaugeMetricFamily(
        "gtw_attention_needed", "What waits for a person, by kind.", labels=["kind"]
    )
    for kind, count in sorted((str(kind), int(count)) for kind, count in counts):
        family.add_metric([kind], count)
    yield family


def _alerts() -> Iterator[Metric]:
    open_now = {alert.code for alert in admin.open_alerts()}
    family = GaugeMetricFamily("gtw_alert", "1 while this alert is open.", labels=["code"])
    for code in admin.CODES:
        family.add_metric([code], code in open_now)
    yield family
    yield GaugeMetricFamily(
        "gtw_stripe_drift", "Payments that Stripe's word contradicts, not yet acknowledged.",
        value=admin.drifting_payments(),
    )  # fmt: skip
