"""The product beside the real Stripe sandbox, and short words for what happens between them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import event, select, update
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from app.accounts.models import AccessToken
from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.core import clock
from app.core.audit import AuditLog
from app.core.extensions import db
from app.core.transaction import transaction
from app.jobs.sweep import PAYMENTS, SweepReport, sweep
from app.notifications.models import Email
from app.payments import service
from app.payments.models import Attention, Payment, StripeEvent
from tests import people
from tests.databases import REQUIRED
from tests.people import TestPerson
from tests.sandbox.sandbox_process import Sandbox

WEBHOOK = "/api/payments/webhook"
SECRET = REQUIRED["STRIPE_WEBHOOK_SECRET"]
T = TypeVar("T")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """The application behind a real socket; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def signed(body: bytes, secret: str = SECRET, age_seconds: int = 0) -> str:
    """Stripe's signature of these bytes, made so long ago (docs.stripe.com/webhooks/signature)."""
    moment = int(time.time()) - age_seconds
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def at_once(count: int, do: Callable[[int], T]) -> list[T]:
    """Do it so many times in threads that all start together; the answers in order."""
    start = threading.Barrier(count)

    def one(number: int) -> T:
        start.wait(10)
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@dataclass
class Market:
    """One application on its database, with its Stripe."""

    app: Flask
    sandbox: Sandbox
    make_person: Callable[..., TestPerson]
    make_artwork: Callable[..., int]
    seller: TestPerson
    buyer: TestPerson

    # What people do

    def call(
        self, person: TestPerson | None, method: str, path: str, body: Any = None, **more: Any
    ) -> TestResponse:
        """A request of a program under /api."""
        headers = person.bearer if person else {}
        sent = {"json": body} if body is not None else {}
        client = people.anonymous(self.app)
        return client.open(f"/api{path}", method=method, headers=headers, **sent, **more)

    def bid(self, person: TestPerson, artwork_id: int, amount: Any = "100.00") -> TestResponse:
        """An offer by the API."""
        return self.call(person, "POST", "/bids", {"artwork_id": artwork_id, "amount": amount})

    def win(self, person: TestPerson | None = None, amount: str = "100.00", **columns: Any) -> Any:
        """A new artwork of 100 dollars, won by this bid; the bid as the API tells it."""
        artwork_id = self.make_artwork(self.seller, 10_000, **columns)
        answer = self.bid(person or self.buyer, artwork_id, amount)
        assert answer.status_code == 201, answer.text
        assert answer.json is not None
        assert answer.json["is_winning"]
        return answer.json

    def give_up(self, payment_id: int, person: TestPerson | None = None) -> TestResponse:
        """The winner gives up."""
        return self.call(person or self.buyer, "POST", f"/payments/{payment_id}/cancel")

    def checkout(self, bid_id: int, person: TestPerson | None = None) -> TestResponse:
        """The winner asks where to pay."""
        return self.call(
            person or self.buyer, "POST", "/payments/checkout-session", {"bid_id": bid_id}
        )

    def read(self, payment_id: int, person: TestPerson | None = None) -> Any:
        """The payment by the API."""
        answer = self.call(person or self.buyer, "GET", f"/payments/{payment_id}")
        assert answer.status_code == 200, answer.text
        return answer.json

    # What the database holds

    def rows(self, model: Any, *conditions: Any) -> list[Any]:
        """The rows of a table, oldest first."""
        with self.app.app_context():
            return list(db.session.scalars(select(model).where(*conditions).order_by(model.id)))

    def payment(self, payment_id: int) -> Payment:
        """The payment's row."""
        [found] = self.rows(Payment, Payment.id == payment_id)
        assert isinstance(found, Payment)
        return found

    def artwork(self, artwork_id: int) -> Artwork:
        """The artwork's row."""
        [found] = self.rows(Artwork, Artwork.id == artwork_id)
        assert isinstance(found, Artwork)
        return found

    def standing(self, won: Any) -> tuple[str, str, str]:
        """How the artwork, the bid and the payment of a win stand."""
        payment = self.payment(won["payment"]["id"])
        [bid] = self.rows(Bid, Bid.id == won["id"])
        return (
            self.artwork(won["artwork_id"]).status.value,
            bid.status.value,
            payment.status.value,
        )

    def audits(self, action: str) -> list[AuditLog]:
        """The audit rows of one kind."""
        return self.rows(AuditLog, AuditLog.action == action)

    def mails(self, kind: str) -> list[Email]:
        """The mails owed of one kind."""
        return [mail for mail in self.rows(Email) if mail.kind.value == kind]

    def flags(self) -> list[Attention]:
        """What needs a person."""
        return self.rows(Attention)

    def stored(self) -> list[StripeEvent]:
        """The log of webhook events."""
        return self.rows(StripeEvent)

    def outcomes(self) -> list[tuple[str, str, int]]:
        """What became of each webhook event, and how often it came."""
        return [(event.type, event.outcome.value, event.attempts) for event in self.stored()]

    def sold_once(self, won: Any) -> bool:
        """Whether the artwork is sold, and everything about that was done one time."""
        assert self.standing(won)[0] == "SOLD", self.standing(won)
        return [
            len(rows)
            for rows in (
                self.audits("payment.succeeded"),
                self.audits("artwork.sold"),
                self.mails("payment_receipt"),
                self.mails("sale_completed"),
            )
        ] == [1, 1, 1, 1]

    def change(self, model: Any, row_id: int, **columns: Any) -> None:
        """Bring a row into a state that would take long to come about."""
        with self.app.app_context(), transaction() as session:
            session.execute(update(model).where(model.id == row_id).values(**columns))

    def sign_out(self, person: TestPerson) -> None:
        """All of a person's sign-ins are over, browsers and programs."""
        with self.app.app_context(), transaction() as session:
            session.execute(
                update(AccessToken)
                .where(AccessToken.user_id == person.id)
                .values(revoked_at=clock.now())
            )

    def pass_deadline(self, payment_id: int) -> None:
        """The time to pay is over, and began long before if it began at all."""
        over = clock.now() - timedelta(seconds=1)
        self.change(Payment, payment_id, deadline_at=over)
        if self.payment(payment_id).payable_at is not None:
            self.change(Payment, payment_id, payable_at=over - timedelta(minutes=10))

    # What the product does by itself

    def settle(self, payment_id: int) -> Payment:
        """Ask Stripe how the payment stands."""
        with self.app.app_context():
            return service.settle_payment(payment_id)

    def sweep(self) -> SweepReport:
        """One pass over payments and ended artworks."""
        with self.app.app_context():
            return sweep(parts=(PAYMENTS,))

    # Stripe

    def session_id(self, won: Any) -> str:
        """The Checkout Session of a win."""
        found = self.payment(won["payment"]["id"]).stripe_session_id
        assert found is not None
        return found

    def only_session(self) -> Any:
        """The one session that Stripe has."""
        [session] = self.sandbox.ledger()["sessions"]
        return session

    def requests(self, operation: str) -> list[Any]:
        """What reached Stripe of one kind."""
        found = self.sandbox.ledger()["requests"]
        return [request for request in found if request["operation"] == operation]

    def pay(self, won: Any, card: str = "4242424242424242") -> Any:
        """The buyer submits a card on Stripe's page."""
        return self.sandbox.pay(self.session_id(won), card)

    def event(self, kind: str, about: str | None = None) -> Any:
        """The newest event of that type, as Stripe made it."""
        found = [
            event
            for event in self.sandbox.control("GET", "/events")
            if event["type"] == kind and about in (None, event["data"]["object"]["id"])
        ]
        assert found, f"Stripe made no {kind}"
        return found[-1]

    def fail_all(self) -> None:
        """From now on Stripe answers 503 to everything."""
        self.sandbox.fault("*", "status", status=503, times=None)

    def come_back(self) -> None:
        """Stripe answers again."""
        self.sandbox.control("DELETE", "/faults", status=204)

    def deliver(self, event: Any, **how: Any) -> list[int | None]:
        """Stripe sends one of its events over a real socket; the statuses answered."""
        with listening(self.app) as address:
            sent = self.sandbox.control(
                "POST",
                f"/events/{event['id']}/deliver",
                {"url": address + WEBHOOK, "secret": SECRET, **how},
            )
        return [answer["status"] for answer in sent]

    def post_event(self, event: Any, signature: str | None = None) -> TestResponse:
        """An event of our own making, signed as Stripe would unless told otherwise."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = {"Stripe-Signature": signed(body) if signature is None else signature}
        return people.anonymous(self.app).post(
            WEBHOOK, data=body, headers=headers, content_type="application/json"
        )

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The statements that reach the database meanwhile."""
        said: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            said.append(" ".join(statement.split()))

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield said
        finally:
            event.remove(engine, "before_cursor_execute", note)


def variant(event: Any, number: int = 1, kind: str | None = None, **changes: Any) -> Any:
    """Another event about the same thing: an id of its own, and the thing changed."""
    copy = json.loads(json.dumps(event))
    copy["id"] = f"{event['id']}_variant{number}"
    copy["type"] = kind or event["type"]
    copy["data"]["object"].update(changes)
    return copy


def moment(text: str) -> datetime:
    """A moment of the API."""
    return datetime.fromisoformat(text)
