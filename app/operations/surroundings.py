"""The checks of `flask doctor` that ask others: Redis, the worker, Stripe, the mail server."""

from typing import Any

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import func, select

from app.config import Settings
from app.core.clock import now
from app.core.extensions import db
from app.core.lease import SWEEP_MAIL, SWEEP_PAYMENTS, is_late, read_lease
from app.notifications import service as notifications
from app.operations.doctor import Finding, fail, ok, warn
from app.payments import queries as payment_queries
from app.payments import service as payments
from app.payments.models import Payment, StripeEvent
from app.payments.states import CAPTURED, EVENTS_ASKED_FOR

_SECRET_LENGTH = 24
_DRIFT_PAYMENTS = 10


def redis(settings: Settings) -> Finding:
    """Whether hints and live updates get through, and are not thrown away."""
    connection = current_app.extensions.get("hint_redis")
    if connection is None:
        if settings.web_concurrency > 1:
            return fail(
                "redis",
                f"not set, with {settings.web_concurrency} web processes: live "
                "updates reach only some of the pages",
                "set REDIS_URL",
            )
        return warn("redis", "not set: jobs wait for the sweep", "set REDIS_URL")
    try:
        memory: dict[str, Any] = connection.info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        bounded = int(memory.get("maxmemory", 0)) > 0
    except (RedisError, OSError) as away:
        return fail(
            "redis",
            f"does not answer ({type(away).__name__})",
            "start it, or correct REDIS_URL; until then the sweep does its work",
        )
    if bounded and policy != "noeviction":
        return warn(
            "redis",
            f"throws keys away when its memory is full ({policy})",
            "set maxmemory-policy noeviction",
        )
    return ok("redis", "answers; it may lose everything without harm")


def worker(settings: Settings) -> Finding:
    """Whether a worker lives: its sweeps of payments and of mail came to their end lately."""
    finished = []
    for name in (SWEEP_PAYMENTS, SWEEP_MAIL):
        lease = read_lease(name)
        if lease is None or lease.finished_at is None:
            return fail("worker", f"no {name} was ever finished", "start one: python worker.py")
        finished.append(lease.finished_at)
    said = f"last sweep {int((now() - min(finished)).total_seconds())} s ago"
    if any(is_late(each, settings.sweep_interval_seconds) for each in finished):
        return fail("worker", said, "start a worker (python worker.py), or read its log")
    return ok("worker", said)


def bidding(_settings: Settings) -> Finding:
    """Whether bids wait after a restore."""
    if payments.recovering():
        return warn(
            "bidding",
            "paused: a backup was restored and not yet reconciled with Stripe",
            "run: flask --app wsgi reconcile",
        )
    return ok("bidding", "open")


def stripe(settings: Settings) -> Finding:
    """Whether Stripe accepts the key, and whether it moves real money."""
    mode = "live: real cards are charged" if settings.live_payments else "test: no real money"
    try:
        payments.compare_clock()
    except payments.GatewayMisconfigured:
        return fail(
            "stripe",
            "does not accept STRIPE_SECRET_KEY",
            "copy the key again: Stripe dashboard, Developers, API keys",
        )
    except (payments.GatewayRefused, payments.GatewayUnavailable) as away:
        return fail(
            "stripe",
            f"gives no usable answer ({away})",
            "let this machine reach api.stripe.com; see status.stripe.com",
        )
    if settings.stripe_api_base:
        return warn(
            "stripe",
            f"a stand-in at {settings.stripe_api_base} ({mode})",
            "for real payments, unset STRIPE_API_BASE",
        )
    if settings.allow_live_payments and not settings.live_payments:
        return warn(
            "stripe",
            "ALLOW_LIVE_PAYMENTS is set, and the key is a test key",
            "set a live key, or unset ALLOW_LIVE_PAYMENTS",
        )
    return ok("stripe", f"accepts the key ({mode})")


def clock(_settings: Settings) -> Finding:
    """How far our clock is from Stripe's, as compared just now or by the worker."""
    skew = payment_queries.clock_skew()
    mend = "switch the machine's time synchronisation on: timedatectl set-ntp true"
    if skew is None:
        return warn("clock", "never compared with Stripe's", "see the finding about stripe")
    said = payment_queries.skew_text(skew)
    if abs(skew) > payment_queries.CLOCK_LIMIT_SECONDS:
        return fail("clock", said, mend)
    return (
        warn("clock", said, mend)
        if abs(skew) > payment_queries.CLOCK_WARN_SECONDS
        else ok("clock", said)
    )


def webhooks(settings: Settings) -> Finding:
    """Whether Stripe's news arrive."""
    where = f"Stripe dashboard, Developers, Webhooks: {settings.public_url}/api/payments/webhook"
    if len(settings.stripe_webhook_secret) < _SECRET_LENGTH:
        return warn("webhooks", "STRIPE_WEBHOOK_SECRET is too short for a real one", where)
    last = db.session.scalar(
        select(func.max(StripeEvent.received_at)).where(
            # Those of the other types may have come without a webhook.
            StripeEvent.type.not_in(EVENTS_ASKED_FOR)
        )
    )
    paid = db.session.scalar(
        select(func.max(Payment.paid_at)).where(
            # The demo's sales of the past never were at Stripe.
            Payment.status.in_(CAPTURED),
            Payment.stripe_session_id.is_not(None),
        )
    )
    if last is None and paid is not None:
        return fail("webhooks", "sales were made, and no event ever arrived", where)
    if last is None:
        return warn("webhooks", "no event arrived yet", f"make a test payment; {where}")
    if paid is not None and (paid - last).total_seconds() > 3600:
        return fail(
            "webhooks",
            f"the last event came {last:%Y-%m-%d %H:%M} UTC, before the last sale",
            where,
        )
    return ok("webhooks", f"the last event came {last:%Y-%m-%d %H:%M} UTC")


def mail(settings: Settings) -> Finding:
    """Whether the mail server lets us in; no mail is sent."""
    where = f"{settings.mail_server}:{settings.mail_port}"
    try:
        notifications.greet_mail_server()
    except notifications.MailPutOff as away:
        return fail(
            "mail",
            f"{where}: {away}",
            "correct MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS, MAIL_USERNAME, MAIL_PASSWORD",
        )
    if settings.mail_username and not settings.mail_use_tls:
        return warn("mail", f"{where}: the password travels in the clear", "set MAIL_USE_TLS=1")
    return ok("mail", f"{where} lets us in")


def drift(_settings: Settings) -> Finding:
    """Whether our newest payments and Stripe's sessions tell the same."""
    compared, wrong = payments.compare_newest(_DRIFT_PAYMENTS)
    if wrong:
        return fail(
            "drift",
            "; ".join(wrong)[:400],
            "run: flask --app wsgi sweep; then look at /admin, and at the dashboard",
        )
    return ok("drift", f"the newest {compared} payments agree with Stripe")


def alerts(_settings: Settings) -> Finding:
    """Whether something about money waits for a person."""
    waiting = payment_queries.attentions_waiting()
    if waiting:
        return warn("alerts", f"{waiting} wait for a person", "look at /admin")
    return ok("alerts", "none")
