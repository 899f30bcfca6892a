"""Bids by day: the same numbers whether the worker has counted them or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, insert, select, update

from app.bidding.days import EVERYBODY, BidDay, bids_by_day, count_bids_by_day
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.counters import Counter
from app.core.extensions import db
from app.core.transaction import transaction
from app.jobs.sweep import FIGURES, sweep
from app.payments import service as payments
from tests.people import TestPerson

DAYS = 3


def bid(artwork_id: int, bidder: TestPerson, at: datetime, number: int | None = None) -> None:
    given = {} if number is None else {"id": number}
    with transaction() as session:
        session.execute(
            insert(Bid).values(artwork_id=artwork_id, bidder_id=bidder.id, amount_cents=100,
                               status=BidStatus.OUTBID, created_at=at, **given)
        )  # fmt: skip


def let_pass(seconds: int = 121) -> None:
    """The worker saw the newest bid so much longer ago."""
    with transaction() as session:
        session.execute(
            update(Counter)
            .where(Counter.name == "bids.newest_seen_at")
            .values(value=Counter.value - seconds)
        )


def counts(seller_id: int = EVERYBODY) -> list[int]:
    found = list(bids_by_day(DAYS, seller_id).values())
    db.session.remove()
    return found


def test_each_bid_is_counted_once_on_its_day(
    app: Flask,
    buyer: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
) -> None:
    one, other = make_person("SELLER"), make_person("SELLER")
    works = [make_artwork(one), make_artwork(other)]
    with app.app_context():
        noon = clock.now().replace(hour=12) - timedelta(days=1)
        for _ in range(3):
            bid(works[0], buyer, noon)
        bid(works[0], buyer, noon - timedelta(days=1))
        bid(works[0], buyer, noon - timedelta(days=9))
        bid(works[1], buyer, noon)
        bid(works[1], buyer, clock.now())
        before = [counts(), counts(one.id), counts(other.id)]
        assert before == [[1, 4, 1], [1, 3, 0], [0, 1, 1]]
        # The newest may have been overtaken by one that is not committed yet.
        assert count_bids_by_day() == 0
        let_pass()
        bid(works[1], buyer, noon - timedelta(days=9))
        assert count_bids_by_day(limit=4) == 4
        assert [counts(), counts(one.id), counts(other.id)] == before
        assert count_bids_by_day() == 3
        assert count_bids_by_day() == 0
        assert [counts(), counts(one.id), counts(other.id)] == before
        bid(works[1], buyer, noon)
        assert counts(other.id) == [0, 2, 1]
        kept = select(func.sum(BidDay.bids)).where(BidDay.seller_id == EVERYBODY)
        assert db.session.scalar(kept) == 7


def test_a_bid_that_becomes_visible_late_is_counted_though_its_host_clock_is_wrong(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    work = make_artwork(seller)
    with app.app_context():
        # Number 2 comes from a host that is an hour behind, and 1 is not committed yet.
        bid(work, buyer, clock.now() - timedelta(hours=1), number=2)
        assert count_bids_by_day() == 0
        bid(work, buyer, clock.now(), number=1)
        before = counts()
        assert sum(before) == 2
        let_pass()
        assert count_bids_by_day() == 2
        assert counts() == before


def test_a_database_clock_that_was_put_back_is_waited_for_anew(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    with app.app_context():
        bid(make_artwork(seller), buyer, clock.now())
        assert count_bids_by_day() == 0
        let_pass(seconds=-7200)
        assert count_bids_by_day() == 0
        let_pass()
        assert count_bids_by_day() == 1


def test_none_is_counted_while_a_recovery_brings_older_ones_back(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    rows = select(func.count()).select_from(BidDay)
    work = make_artwork(seller)
    with app.app_context():
        payments.begin_recovery(clock.now(), None)
        bid(work, buyer, clock.now() - timedelta(days=1))
        count_bids_by_day()
        let_pass()
        sweep(parts=(FIGURES,))
        assert db.session.scalar(rows) == 0
        payments.finish_recovery()
        sweep(parts=(FIGURES,))
        assert db.session.scalar(rows) == 2
