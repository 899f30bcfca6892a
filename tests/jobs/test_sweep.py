"""The sweep and the jobs: what they find in the database is all they need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import update

from app.core import clock
from app.core.extensions import db
from app.core.lease import Lease, read_lease, take_lease
from app.core.transaction import transaction
from app.jobs import tasks
from app.jobs.sweep import PAYMENTS, sweep
from app.payments import service as payments
from app.payments.models import Payment
from dev.mail_catcher import MailCatcher
from dev.redis_server import RedisServer
from tests.databases import run_flask
from tests.payments.market import Market

SOLD = ("SOLD", "WON", "SUCCEEDED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


@pytest.fixture
def more_settings(mail_catcher: MailCatcher, redis_server: RedisServer) -> dict[str, Any]:
    """A mail server that takes everything, and a Redis for hints."""
    return {"mail_port": mail_catcher.smtp_port, "redis_url": redis_server.url}


@pytest.fixture(autouse=True)
def empty_redis(redis_server: RedisServer) -> None:
    """No hints are left from another test."""
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()


def scheduled(server: RedisServer) -> list[tuple[str, list[int]]]:
    """The jobs that wait for their moment."""
    with Redis.from_url(server.url) as redis:
        queue = Queue("payments", connection=redis, serializer=JSONSerializer)
        ids = queue.scheduled_job_registry.get_job_ids()
        jobs = [Job.fetch(each, connection=redis, serializer=JSONSerializer) for each in ids]
        return [(str(job.func_name), list(job.args)) for job in jobs]


def test_a_sweep_steps_aside_while_another_holds_the_lease(market: Market) -> None:
    won = market.win()
    market.pay(won)
    with market.app.app_context():
        assert take_lease(PAYMENTS, "another", 60)
        report = sweep(parts=(PAYMENTS,))
    assert report.stepped_aside == [PAYMENTS]
    assert report.payments_asked == 0
    assert report.lines()[0] == f"{PAYMENTS}: another sweep is at work"
    assert market.standing(won) == RESERVED

    # A holder that died is followed once its time is over.
    with market.app.app_context(), transaction() as session:
        over = clock.now() - timedelta(seconds=1)
        session.execute(update(Lease).where(Lease.name == PAYMENTS).values(held_until=over))
    assert market.sweep().payments_closed == 1
    assert market.standing(won) == SOLD


def test_the_mail_is_swept_while_payments_are_held_and_the_other_way_round(
    market: Market, mail_catcher: MailCatcher
) -> None:
    market.win()
    with market.app.app_context():
        take_lease(PAYMENTS, "another", 60)
        report = sweep()
        assert (report.stepped_aside, report.mails_sent) == ([PAYMENTS], 2)
    assert len(mail_catcher.store.all()) == 2


def test_a_sweep_gives_its_lease_back_and_notes_what_it_did(market: Market) -> None:
    market.win()
    for _ in range(2):
        assert market.sweep().stepped_aside == []
    with market.app.app_context():
        lease = read_lease(PAYMENTS)
        db.session.close()
    assert lease is not None
    assert lease.held_until <= clock.now()
    assert lease.finished_at is not None
    assert lease.report is not None
    assert "payments asked of Stripe: 1" in lease.report["lines"]


def test_sweeping_twice_changes_nothing_more(market: Market) -> None:
    paid, late, idle = market.win(), market.win(), market.win()
    market.pay(paid)
    market.pass_deadline(late["payment"]["id"])
    ended = market.make_artwork(market.seller, end_at=clock.now())
    with market.app.app_context():
        first = sweep()
    assert (first.payments_asked, first.payments_closed) == (3, 2)
    assert (first.artworks_ended, first.failures) == (1, 0)
    mails = first.mails_sent
    assert mails == 6 + 2 + 2 + 1
    with market.app.app_context():
        second = sweep()
    assert (second.payments_asked, second.payments_closed) == (1, 0)
    assert (second.artworks_ended, second.mails_sent, second.failures) == (0, 0, 0)
    assert market.standing(paid) == SOLD
    assert market.standing(late) == RELEASED
    assert market.standing(idle) == RESERVED
    assert market.artwork(ended).status.value == "EXPIRED"
    assert len(market.audits("artwork.expired")) == 1


def test_one_payment_that_cannot_be_settled_does_not_stop_the_others(market: Market) -> None:
    poisoned, good = market.win(), market.win()
    market.pay(good)
    with market.app.app_context(), transaction() as session:
        session.execute(
            update(Payment)
            .where(Payment.id == poisoned["payment"]["id"])
            .values(stripe_session_id=None, checkout_params=["no", "parameters"])
        )
    report = market.sweep()
    assert (report.failures, report.payments_closed) == (1, 1)
    assert market.standing(good) == SOLD
    assert market.standing(poisoned) == RESERVED


def test_past_their_time_have_a_line_of_their_own_and_the_longest_unasked_come_first(
    market: Market,
) -> None:
    first, second, late, later = (market.win()["payment"]["id"] for _ in range(4))
    market.settle(first)
    for payment_id in (late, later):
        market.pass_deadline(payment_id)
    market.change(Payment, late, asked_at=clock.now())
    with market.app.app_context():
        assert payments.open_payments() == ([later, late], [second, first])


def test_a_win_schedules_its_own_deadline(market: Market, redis_server: RedisServer) -> None:
    won = market.win()
    [(name, args)] = scheduled(redis_server)
    assert (name, args) == ("app.jobs.tasks.settle_payment", [won["payment"]["id"]])


def test_a_job_that_comes_early_schedules_itself_again_and_asks_nothing(
    market: Market, redis_server: RedisServer
) -> None:
    won = market.win()
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()
    with market.app.app_context():
        tasks.settle_payment(won["payment"]["id"])
    assert scheduled(redis_server) == [("app.jobs.tasks.settle_payment", [won["payment"]["id"]])]
    assert market.requests("expire") == market.requests("retrieve") == []
    assert market.standing(won) == RESERVED


def test_a_job_past_the_deadline_releases_and_running_it_again_is_harmless(
    market: Market,
) -> None:
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    with market.app.app_context():
        for _ in range(3):
            tasks.settle_payment(won["payment"]["id"])
        tasks.settle_payment(999)
    assert market.standing(won) == RELEASED
    assert len(market.requests("expire")) == 1


def test_the_command_does_one_pass_and_says_what_it_did(
    market: Market, mail_catcher: MailCatcher
) -> None:
    won = market.win()
    market.pay(won)
    settings = market.app.config["SETTINGS"]
    done = run_flask(
        "sweep",
        DATABASE_URL=settings.database_url,
        UPLOAD_DIR=str(settings.upload_dir),
        STRIPE_API_BASE=settings.stripe_api_base,
        MAIL_PORT=str(mail_catcher.smtp_port),
    )
    assert done.returncode == 0, done.stderr
    assert "payments finished: 1" in done.stdout
    assert "mails sent: 4" in done.stdout
    assert market.standing(won) == SOLD
