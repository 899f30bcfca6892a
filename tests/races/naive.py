"""The same use cases as one would write them first: look, then act. And threads that meet between.

None of it is in the product. Each race is first shown with these, and then with the product's own.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Connection, event, select, update

from app.accounts.models import User
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.bidding import placing, rules, statements
from app.bidding import service as bidding
from app.core import clock
from app.core.extensions import db
from app.core.statements import Prepared
from app.core.transaction import for_writing
from app.core.upsert import insert_into
from app.payments import checkout, expiry, gateway, settlement, webhook
from app.payments.models import Payment, StripeEvent
from app.payments.states import EventOutcome, PaymentStatus
from tests.databases import empty

Between = Callable[[], Any]


class Meeting:
    """So many threads wait for each other here, one time; who comes later walks through.

    Not for ever: with a guard they cannot all come.
    """

    def __init__(self, count: int, seconds: float = 10) -> None:
        self.met = threading.Event()
        self._barrier = threading.Barrier(count, action=self.met.set)
        self._seconds = seconds

    def __call__(self) -> None:
        """Wait until all are here, or the time is over."""
        if self.met.is_set():
            return
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(self._seconds)


class MeetingOfProcesses:
    """As a meeting, but of threads in any process: each leaves a file in the same empty folder."""

    def __init__(self, folder: Path, count: int, seconds: float = 10) -> None:
        self._folder = folder
        self._count = count
        self._seconds = seconds

    def __call__(self) -> None:
        """Wait until all are here, or the time is over."""
        (self._folder / uuid4().hex).touch()
        ends_at = time.monotonic() + self._seconds
        while len(os.listdir(self._folder)) < self._count and time.monotonic() < ends_at:
            time.sleep(0.01)


@contextlib.contextmanager
def without_indexes(app: Flask, *names: str) -> Iterator[None]:
    """Without these uniqueness rules; the tables are empty afterwards."""
    found = [index for table in db.metadata.tables.values() for index in table.indexes
             if index.name in names]  # fmt: skip
    assert len(found) == len(names)
    with app.app_context():
        db.session.close()
        with _changing_tables() as connection:
            for index in found:
                index.drop(connection)
        try:
            yield
        finally:
            db.session.close()
            empty(db.engine)
            with _changing_tables() as connection:
                for index in found:
                    index.create(connection)


@contextlib.contextmanager
def _changing_tables() -> Iterator[Connection]:
    writing = db.engine.connect().execution_options(**for_writing(db.engine))
    with writing as connection, connection.begin():
        # A connection of the pool that was open before believes in what another has dropped since,
        # until it reads (sqlite.org/c3ref/prepare.html).
        connection.execute(select(Artwork.id).limit(1)).all()
        yield connection


def looks_first(patch: pytest.MonkeyPatch, between: Between) -> None:
    """Before a bid is placed, the artwork and the bidder are looked at; then there is a gap."""
    place = placing.place_bid

    def place_bid(bidder: Any, artwork_id: int, cents: int) -> Any:
        artwork = db.session.execute(
            select(Artwork.status, Artwork.highest_bid_cents).where(Artwork.id == artwork_id)
        ).one()
        suspended = db.session.scalar(
            select(User.bidding_suspended_until).where(User.id == bidder.id)
        )
        db.session.close()
        if artwork.status != ArtworkStatus.ACTIVE:
            raise rules.ArtworkNotActive(artwork.status.value)
        if suspended is not None:
            raise rules.BiddingSuspended("later")
        if artwork.highest_bid_cents is not None and artwork.highest_bid_cents >= cents:
            raise rules.BidTooLow(artwork.highest_bid_cents)
        between()
        return place(bidder, artwork_id, cents)

    patch.setattr(bidding, "place_bid", place_bid)


def bids_without_guard(patch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of a bid but the artwork's number."""
    takes_without_guard(patch)
    patch.setattr(placing, "check_bid", lambda *_: None)


def takes_without_guard(patch: pytest.MonkeyPatch) -> None:
    """The statements that take a bid ask for nothing but the artwork's number."""
    patch.setattr(statements, "_GUARD", [Artwork.id == statements._artwork_id])
    patch.setattr(statements, "TAKE_BID", Prepared(statements._take_bid))
    patch.setattr(statements, "TAKE_LOSING_BID", Prepared(statements._take_losing_bid))
    patch.setattr(statements, "LOSE_BID", Prepared(statements._lose_bid))


def changes_after_the_look(patch: pytest.MonkeyPatch, between: Between) -> None:
    """A bid that is about to win was looked at and not refused; then there is a gap."""
    check = placing.check_bid

    def check_bid(*offer: Any) -> None:
        check(*offer)
        between()

    patch.setattr(placing, "check_bid", check_bid)


def releases_on_its_own_word(patch: pytest.MonkeyPatch) -> None:
    """At the deadline the artwork is free, whatever Stripe would say."""

    def ask(payment: Payment, *, patient: bool) -> gateway.CheckoutSession:
        return gateway.CheckoutSession(
            str(payment.stripe_session_id), "expired", "unpaid", None, payment.amount_cents,
            payment.currency, False, None, None, None, None, False,
        )  # fmt: skip

    patch.setattr(expiry, "_ask", ask)


def remembers_events_naively(patch: pytest.MonkeyPatch, between: Between) -> None:
    """Whether an event came before is looked up first, and its number need not be unique."""
    find = webhook.found_payment
    seen = threading.local()

    def look_and_find(event: Any) -> Any:
        seen.outcome = db.session.scalar(
            select(StripeEvent.outcome).where(StripeEvent.stripe_event_id.startswith(event.id))
        )
        db.session.close()
        between()
        return find(event)

    def store(session: Any, event: Any) -> tuple[int, EventOutcome]:
        row = session.execute(
            insert_into(session, StripeEvent)
            .values(
                stripe_event_id=f"{event.id}-{uuid4().hex}", type=event.type, payload={},
                outcome=EventOutcome.RECEIVED, attempts=1, received_at=clock.now(),
            )
            .returning(StripeEvent.id)
        ).one()  # fmt: skip
        return row.id, seen.outcome or EventOutcome.RECEIVED

    patch.setattr(webhook, "found_payment", look_and_find)
    patch.setattr(webhook, "_store", store)


def nobody() -> None:
    """Between looking and acting nothing happens."""


def sells_whenever_told(patch: pytest.MonkeyPatch, between: Between = nobody) -> None:
    """What Stripe says is acted upon as often as it is said; after asking there is a gap."""
    ask = expiry._ask

    def ask_and_wait(payment: Payment, *, patient: bool) -> gateway.CheckoutSession | None:
        word = ask(payment, patient=patient)
        between()
        return word

    patch.setattr(expiry, "_ask", ask_and_wait)
    patch.setattr(settlement, "CAPTURED", ())
    patch.setattr(settlement, "_allowed", lambda *_: True)
    patch.setattr(settlement, "move_payment", lambda *_: PaymentStatus.SUCCEEDED)
    patch.setattr(
        settlement.artwork_service,
        "sell_artwork",
        lambda session, artwork_id, cents: session.scalar(
            update(Artwork)
            .where(Artwork.id == artwork_id)
            .values(status=ArtworkStatus.SOLD, sold_cents=cents)
            .returning(Artwork.title)
        ),
    )


def asks_under_fresh_keys(patch: pytest.MonkeyPatch, between: Between = nobody) -> None:
    """Each request to Stripe has an idempotency key of its own, and no stray session is closed.

    Before it there is a gap.
    """
    create = gateway.Gateway.create_session

    def create_another(self: gateway.Gateway, params: Any, key: str) -> gateway.CheckoutSession:
        between()
        return create(self, params, f"{key}-{uuid4().hex}")

    patch.setattr(gateway.Gateway, "create_session", create_another)
    patch.setattr(checkout, "_close_stray", lambda *_, **__: None)


@contextlib.contextmanager
def meeting_at(app: Flask, words: str, meeting: Between, without: str = "") -> Iterator[None]:
    """Threads meet before a statement that holds these words; `without` is cut out of all."""

    def before(
        _connection: Any, _cursor: Any, statement: str, given: Any, *_: Any
    ) -> tuple[str, Any]:
        if words in statement:
            meeting()
        if without and "users" in statement:
            statement = statement.replace(without, "")
        return statement, given

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", before, retval=True)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)


def withdraws_naively(artwork_id: int, between: Between) -> bool:
    """A seller's withdrawal: look, then write."""
    with db.engine.begin() as connection:
        status = connection.scalar(select(Artwork.status).where(Artwork.id == artwork_id))
    between()
    if status != ArtworkStatus.ACTIVE:
        return False
    with db.engine.begin() as connection:
        connection.execute(
            update(Artwork).where(Artwork.id == artwork_id).values(status=ArtworkStatus.ARCHIVED)
        )
    return True


def raises_naively(artwork_id: int, cents: int, between: Between) -> bool:
    """A seller's new hidden minimum: look at the highest bid, then write."""
    with db.engine.begin() as connection:
        found = connection.execute(
            select(Artwork.status, Artwork.highest_bid_cents).where(Artwork.id == artwork_id)
        ).one()
    between()
    if found.status != ArtworkStatus.ACTIVE or (found.highest_bid_cents or 0) >= cents:
        return False
    with db.engine.begin() as connection:
        connection.execute(
            update(Artwork).where(Artwork.id == artwork_id).values(threshold_cents=cents)
        )
    return True
