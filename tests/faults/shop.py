"""Everything that a sale needs, as real processes: web, worker, Redis, Stripe, mail, database."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select, update

from app import create_app
from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.config import read_settings
from app.core import clock
from app.core.audit import AuditLog
from app.core.extensions import db
from app.core.lease import Lease, give_lease_back, take_lease
from app.core.transaction import transaction
from app.jobs.sweep import MAIL, PAYMENTS
from app.notifications.models import Email
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import OPEN
from dev.loopback import LOOPBACK, free_port
from dev.mail_catcher import MailCatcher
from dev.redis_server import start_redis
from tests import people
from tests.conftest import release
from tests.databases import REQUIRED, run_flask
from tests.faults.processes import Program
from tests.payments.market import SECRET, WEBHOOK
from tests.people import TestPerson
from tests.sandbox.sandbox_process import Sandbox
from tests.waiting import until

CARD = "4242424242424242"
SOLD = ("SOLD", "WON", "SUCCEEDED")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What came of a request; status 0 when the connection was lost instead."""

    status: int
    json: Any
    text: str


@dataclass(frozen=True)
class Surroundings:
    """Where Redis listens, and Stripe and the mail server; what runs web and worker somewhere."""

    redis: str = LOOPBACK
    others: str = LOOPBACK
    inside: Sequence[str] = ()


HERE = Surroundings()


class Shop:
    """The whole product on one database."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        public_url: str | None = None,
        surroundings: Surroundings = HERE,
        **more: str,
    ) -> None:
        """Start it. `public_url`: where a proxy in front will be; `more`: other settings."""
        self.surroundings = surroundings
        self.redis = start_redis(address=surroundings.redis)
        self.mail = MailCatcher(smtp_address=surroundings.others).start()
        port = free_port()
        self.url = public_url or f"http://127.0.0.1:{port}"
        self.sandbox = Sandbox(
            "--host", surroundings.others,
            "--webhook-url", self.url + WEBHOOK, "--webhook-secret", SECRET,
        )  # fmt: skip
        self.lives_lost = 0
        # Message-IDs that came twice because a process died, or a claim was made to lapse.
        self.forgiven: set[str] = set()
        self._crash_points = folder / "crash-points"
        self._crash_points.mkdir(parents=True)
        self.settings = {
            "DATABASE_URL": database_url,
            "UPLOAD_DIR": str(folder / "uploads"),
            "PUBLIC_URL": self.url,
            "PORT": str(port),
            "WEB_CONCURRENCY": "2",
            "REDIS_URL": self.redis.url,
            "STRIPE_API_BASE": self.sandbox.url,
            "MAIL_SERVER": surroundings.others,
            "MAIL_PORT": str(self.mail.smtp_port),
            "SWEEP_INTERVAL_SECONDS": "1",
            "RATELIMIT_ENABLED": "0",
            "CRASH_POINTS": str(self._crash_points),
            **more,
        }
        self.web = Program("web", folder / "web.log", self.settings, surroundings.inside)
        self.worker = Program("worker", folder / "worker.log", self.settings, surroundings.inside)
        # For looking into the database and for waiting on it; it does none of the work.
        here = {name: value for name, value in self.settings.items() if name != "REDIS_URL"}
        self.app = create_app(read_settings(REQUIRED | here))
        self.admin = people.make_person(self.app, "ADMIN")
        self.seller = people.make_person(self.app, "SELLER")
        self.start()

    def start(self) -> None:
        """Have web and worker running."""
        stopped = [program for program in (self.web, self.worker) if not program.running]
        for program in stopped:
            program.start()
        for program in stopped:
            program.wait()

    def stop(self) -> None:
        """End everything."""
        for program in (self.worker, self.web):
            program.stop()
        release(self.app)
        self.sandbox.stop()
        self.mail.stop()
        self.redis.stop()

    def heal(self) -> None:
        """Undo what a test has broken."""
        for point in self._crash_points.iterdir():
            point.unlink()
        self.stripe_returns()
        for barrier in self.sandbox.control("GET", "/barriers"):
            self.sandbox.control("POST", f"/barriers/{barrier['name']}/release")
        self.webhooks("deliver")
        self.sandbox.control("POST", "/clock", {"offset_seconds": 0})
        self.mail.break_down("ok")
        if self.redis.process.poll() is not None:
            self.start_redis()
        self.start()

    def end_what_is_open(self) -> None:
        """No time is left for any payment: the next test's sweeps shall not ask about them all."""
        over = clock.now() - timedelta(seconds=1)
        self.change(Payment, Payment.status.in_(OPEN), deadline_at=over)

    # What people do

    def call(
        self, person: TestPerson | None, method: str, path: str, body: Any = None, **more: Any
    ) -> Answer:
        """A request of a program to the running web process."""
        headers = dict(person.bearer) if person else {}
        with requests.Session() as http:
            http.trust_env = False
            try:
                answer = http.request(
                    method, self.url + path, json=body, headers=headers, timeout=30, **more
                )
            except requests.ConnectionError:
                return Answer(0, None, "")
        parsed = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
        return Answer(answer.status_code, parsed, answer.text)

    def buyer(self, **columns: Any) -> TestPerson:
        """Somebody new."""
        return people.make_person(self.app, "BUYER", **columns)

    def artwork(self, **columns: Any) -> int:
        """A new artwork that 100 dollars win."""
        return people.make_artwork(
            self.app, self.seller, 10_000, title=f"Harbour {next(_numbers)}", **columns
        )

    def offer(self, amount: str = "100.00", **columns: Any) -> Sale:
        """A new buyer bids on a new artwork; whatever comes of it."""
        sale = Sale(self, self.artwork(**columns), self.buyer())
        sale.answer = sale.bid(sale.buyer, amount)
        return sale

    def win(self, amount: str = "100.00", **columns: Any) -> Sale:
        """A new buyer wins a new artwork, and has a page to pay it."""
        sale = self.offer(amount, **columns)
        assert sale.answer.status == 201, sale.answer.text
        assert sale.answer.json["payment"]["checkout_url"], sale.answer.text
        return sale

    # What the database holds

    def rows(self, model: Any, *conditions: Any) -> list[Any]:
        """The rows of a table, oldest first."""
        with self.app.app_context():
            return list(db.session.scalars(select(model).where(*conditions).order_by(model.id)))

    def change(self, model: Any, *conditions: Any, **columns: Any) -> None:
        """Bring rows into a state that would take long to come about."""
        with self.app.app_context(), transaction() as session:
            session.execute(update(model).where(*conditions).values(**columns))

    def events(self, kind: str, about: str) -> list[StripeEvent]:
        """The stored webhook events of this type about an object at Stripe."""
        return [
            event
            for event in self.rows(StripeEvent, StripeEvent.type == kind)
            if event.payload["data"]["object"]["id"] == about
        ]

    # What goes wrong

    def kill(self, *programs: Program) -> None:
        """SIGKILL web, worker or both."""
        for program in programs:
            self.lives_lost += 1
            program.kill()

    def crash_at(self, point: str) -> None:
        """The next process that reaches this point dies there."""
        self.lives_lost += 1
        (self._crash_points / point).touch()

    @property
    def armed(self) -> list[str]:
        """The points at which nobody has died yet."""
        return [point.name for point in self._crash_points.iterdir()]

    def webhooks(self, mode: str, **more: Any) -> None:
        """How Stripe sends its events from now on."""
        self.sandbox.control("PUT", "/webhooks", {"mode": mode, **more})

    def stripe_fails(self, operation: str = "*", kind: str = "status", **more: Any) -> None:
        """From now on Stripe fails in this way; with 503 to everything if nothing is said."""
        usual = {"status": 503, "times": None} if kind == "status" else {}
        self.sandbox.fault(operation, kind, **{**usual, **more})

    def stripe_returns(self) -> None:
        """Stripe answers again."""
        self.sandbox.control("DELETE", "/faults", status=204)

    def start_redis(self) -> None:
        """Redis comes back at the same address, empty."""
        self.redis.stop()
        password = self.redis.url.split("@")[0].rpartition(":")[2]
        self.redis = start_redis(
            password=password, port=self.redis.port, address=self.surroundings.redis
        )

    @contextmanager
    def no_sweep(self, *parts: str) -> Iterator[None]:
        """Nothing is swept meanwhile: what is seen is done by the requests and jobs alone."""
        held = parts or (PAYMENTS, MAIL)
        with self.app.app_context():
            for part in held:
                until(lambda part=part: take_lease(part, "a test", 120))
        try:
            yield
        finally:
            with self.app.app_context():
                for part in held:
                    give_lease_back(part, "a test", None)

    def lapse(self) -> None:
        """The time is over for which the dead held a lease or a mail, or a mail was put off."""
        over = clock.now() - timedelta(seconds=1)
        self.change(Lease, Lease.held_until > over, held_until=over)
        self.change(Email, Email.claimed_until > over, claimed_until=over)
        self.change(Email, Email.next_attempt_at > over, next_attempt_at=over)

    def sweep(self) -> subprocess.CompletedProcess[str]:
        """`flask sweep`, as typed."""
        return run_flask("sweep", **self.settings)


@dataclass(eq=False)
class Sale:
    """One artwork, and who is about to buy it."""

    shop: Shop
    artwork_id: int
    buyer: TestPerson
    answer: Answer = Answer(0, None, "")

    def bid(self, person: TestPerson, amount: str = "100.00") -> Answer:
        """An offer for this artwork."""
        body = {"artwork_id": self.artwork_id, "amount": amount}
        return self.shop.call(person, "POST", "/api/bids", body)

    @property
    def payment(self) -> Payment:
        """The newest payment for this artwork."""
        found: Payment = self.shop.rows(Payment, Payment.artwork_id == self.artwork_id)[-1]
        return found

    def payments(self) -> list[Payment]:
        """All payments for this artwork."""
        return self.shop.rows(Payment, Payment.artwork_id == self.artwork_id)

    @property
    def status(self) -> str:
        """How the artwork stands."""
        return str(self.shop.rows(Artwork, Artwork.id == self.artwork_id)[0].status.value)

    def standing(self) -> tuple[str, str, str]:
        """How the artwork, the latest winning bid and its payment stand."""
        payment = self.payment
        [bid] = self.shop.rows(Bid, Bid.id == payment.bid_id)
        return (self.status, bid.status.value, payment.status.value)

    def becomes(self, *standing: str, seconds: float = 20) -> None:
        """Wait until the artwork, the bid and the payment stand so."""
        try:
            until(lambda: self.standing() == standing, seconds)
        except AssertionError:
            raise AssertionError(f"{self.standing()} and not {standing}") from None

    def sessions(self) -> list[Any]:
        """Every Checkout Session that Stripe has for this artwork."""
        return [
            session
            for session in self.shop.sandbox.ledger()["sessions"]
            if session["metadata"].get("artwork_id") == str(self.artwork_id)
        ]

    @property
    def session_id(self) -> str:
        """The session of the newest payment."""
        found = self.payment.stripe_session_id
        assert found is not None
        return found

    def pay(self, card: str = CARD, **more: Any) -> Any:
        """The buyer submits a card on Stripe's page."""
        return self.shop.sandbox.pay(self.session_id, card, **more)

    def give_up(self) -> Answer:
        """The winner gives up."""
        path = f"/api/payments/{self.payment.id}/cancel"
        return self.shop.call(self.buyer, "POST", path)

    def pass_deadline(self) -> None:
        """The time to pay is over, was watched in vain, and began long before if it began."""
        payment, now = self.payment, clock.now()
        over = now - timedelta(seconds=1)
        began = over - timedelta(minutes=10) if payment.payable_at else None
        self.shop.change(
            Payment, Payment.id == payment.id, deadline_at=over, payable_at=began, asked_at=now
        )

    def event(self, kind: str) -> Any:
        """The newest event of that type about this sale, as Stripe made it."""
        found = [
            event
            for event in self.shop.sandbox.control("GET", "/events")
            if event["type"] == kind
            and event["data"]["object"]["metadata"].get("artwork_id") == str(self.artwork_id)
        ]
        assert found, f"Stripe made no {kind}"
        return found[-1]

    def deliver(self, kind: str, **how: Any) -> list[int | None]:
        """Stripe sends its event of that type now; the statuses answered."""
        path = f"/events/{self.event(kind)['id']}/deliver"
        return [sent["status"] for sent in self.shop.sandbox.control("POST", path, how)]

    def audits(self, action: str) -> list[AuditLog]:
        """The audit rows of one kind about the artwork or one of its payments."""
        ids = {"artwork": {self.artwork_id}, "payment": {each.id for each in self.payments()}}
        return [
            row
            for row in self.shop.rows(AuditLog, AuditLog.action == action)
            if int(row.resource_id or 0) in ids.get(row.resource_type, set())
        ]

    def flags(self) -> list[Attention]:
        """What needs a person."""
        ids = [payment.id for payment in self.payments()]
        return self.shop.rows(Attention, Attention.payment_id.in_(ids))

    def mails(self) -> list[Email]:
        """Every mail that this sale owes to somebody."""
        return [
            mail
            for mail in self.shop.rows(Email)
            if mail.facts.get("artwork_id") == self.artwork_id
            or mail.facts.get("payment_id") in {payment.id for payment in self.payments()}
        ]
