"""`python worker.py`, the real process: it sweeps, whatever becomes of Redis or its children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import create_app
from app.core.extensions import db
from app.core.lease import read_lease, take_lease
from app.jobs.sweep import MAIL, PAYMENTS
from dev.mail_catcher import MailCatcher
from dev.redis_server import start_redis
from tests import people
from tests.conftest import release
from tests.databases import ROOT, environment
from tests.payments.market import Market
from tests.waiting import until

SOLD = ("SOLD", "WON", "SUCCEEDED")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")
Start = Callable[..., Any]


class Worker:
    """A running worker."""

    def __init__(self, log: Path, **settings: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "worker.py"],
                cwd=ROOT,
                env=environment(**settings),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        until(lambda: self._said("worker ready") or self.process.poll() is not None, 30)
        assert self.process.poll() is None, log.read_text()

    def _said(self, words: str) -> bool:
        return words in self.log.read_text()

    def family(self) -> list[psutil.Process]:
        """The processes that it started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def children(self) -> set[int]:
        """The processes that it started itself."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status, once nothing of it is left."""
        family = self.family()
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        return status

    def kill(self) -> None:
        """End what is left of it, whatever happened in between."""
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            self.process.wait(10)
            for child in family:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


@pytest.fixture
def start(
    market: Market, stripe_sandbox: Any, mail_catcher: MailCatcher, tmp_path: Path
) -> Iterator[Start]:
    """Start a worker on the market's own database."""
    started: list[Worker] = []

    def begin(**more: str) -> Worker:
        worker = Worker(
            tmp_path / f"worker{len(started)}.log",
            DATABASE_URL=market.app.config["SETTINGS"].database_url,
            UPLOAD_DIR=str(tmp_path),
            STRIPE_API_BASE=stripe_sandbox.url,
            MAIL_PORT=str(mail_catcher.smtp_port),
            SWEEP_INTERVAL_SECONDS="1",
            **more,
        )
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        worker.kill()


def sells(market: Market) -> None:
    """The worker finds out by itself what was paid, and what was not."""
    paid, late = market.win(), market.win()
    market.pay(paid)
    market.pass_deadline(late["payment"]["id"])
    until(lambda: (market.standing(paid), market.standing(late)) == (SOLD, RELEASED))


def finished(market: Market, name: str) -> Any:
    """When the sweep of this name last came to its end."""
    with market.app.app_context():
        lease = read_lease(name)
        db.session.close()
    return lease.finished_at if lease else None


def test_without_redis_the_worker_sweeps_payments_and_mail_and_ends_when_asked(
    market: Market, start: Start, mail_catcher: MailCatcher
) -> None:
    worker = start()
    sells(market)
    until(lambda: len(mail_catcher.store.all()) >= 8)
    for name in (PAYMENTS, MAIL):
        until(lambda name=name: finished(market, name))
    assert worker.stop() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_worker_sweeps_on_while_redis_is_killed_and_works_on_jobs_when_it_is_back(
    market: Market, start: Start
) -> None:
    with start_redis() as redis:
        password = redis.url.split("@")[0].rpartition(":")[2]
        worker = start(REDIS_URL=redis.url)
        sells(market)
        os.kill(redis.pid, signal.SIGKILL)
        redis.process.wait(5)
        sells(market)
        with start_redis(password=password, port=redis.port):
            sells(market)
            assert worker.stop() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_children_that_are_killed_are_started_again_and_go_on(market: Market, start: Start) -> None:
    worker = start()
    before = until(lambda: (found := worker.children()) and len(found) == 2 and found)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(worker.children() - before) == 2 and not worker.children() & before)
    sells(market)
    assert worker.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_of_a_killed_worker_is_left_and_the_next_one_goes_on(
    market: Market, start: Start
) -> None:
    worker = start()
    family = until(lambda: (found := worker.family()) and len(found) >= 2 and found)
    worker.process.kill()
    worker.process.wait(5)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    with_another = start()
    # The dead one may have held the lease: it is followed after its time.
    paid = market.win()
    market.pay(paid)
    until(lambda: market.standing(paid) == SOLD, 40)
    assert with_another.stop() == 0


def test_two_workers_at_once_do_everything_once(market: Market, start: Start) -> None:
    workers = [start(), start()]
    sells(market)
    assert len(market.audits("artwork.sold")) == 1
    assert len(market.audits("artwork.freed")) == 1
    assert len(market.mails("payment_receipt")) == 1
    assert [worker.stop() for worker in workers] == [0, 0]


def test_a_payment_is_settled_at_its_deadline_before_any_sweep_and_without_redis(
    market: Market, start: Start
) -> None:
    settings = market.app.config["SETTINGS"].model_copy(update={"payment_window_seconds": 3})
    app = create_app(settings)
    with app.app_context():
        assert take_lease(PAYMENTS, "a test", 60)
    worker = start()
    won = replace(market, app=app).win()
    until(lambda: market.standing(won) == RELEASED, 20)
    assert market.read(won["payment"]["id"])["failure_reason"] == "deadline"
    assert len(market.requests("expire")) == 1
    assert worker.stop() == 0
    release(app)


def test_a_wrong_setting_is_named_and_ends_it_with_2() -> None:
    done = subprocess.run(
        [sys.executable, "worker.py"],
        cwd=ROOT,
        env=environment(PAYMENT_WINDOW_SECONDS="0", STRIPE_SECRET_KEY="pk_test_1"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "PAYMENT_WINDOW_SECONDS" in done.stderr
    assert "STRIPE_SECRET_KEY" in done.stderr


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_id_in_the_logs_shows_a_whole_sale(market: Market, start: Start) -> None:
    worker = start(LOG_FORMAT="json")
    artwork_id = market.make_artwork(market.seller)
    won = (
        people.anonymous(market.app)
        .post(
            "/api/bids",
            json={"artwork_id": artwork_id, "amount": "100"},
            headers=market.buyer.bearer | {"X-Request-ID": "the-bid-that-won"},
        )
        .get_json()
    )
    market.pay(won)
    until(lambda: market.standing(won) == SOLD)

    def said() -> list[str]:
        lines = [json.loads(line) for line in worker.log.read_text().splitlines() if "{" in line]
        return [line["event"] for line in lines if line.get("request_id") == "the-bid-that-won"]

    kinds = ("payment_required", "sale_pending", "payment_receipt", "sale_completed")
    until(lambda: all(any(f"({kind}) sent" in event for event in said()) for kind in kinds))
    assert f"payment {won['payment']['id']} is SUCCEEDED" in said()
    assert worker.stop() == 0
