"""How many statements the pages take that everybody looks at: few, whatever there is to show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert

from app.artworks.models import Favourite
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from tests.people import Browser, TestPerson

BROWSE, ARTWORK, LIST = 4, 5, 4


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """The statements that the database was asked, without those that begin a transaction."""
    found: list[str] = []

    def note(_c: Any, _u: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def bid_often(app: Flask, artwork_id: int, bidders: list[TestPerson], number: int) -> None:
    """So many losing bids, each of somebody else in turn."""
    with app.app_context(), transaction() as session:
        session.execute(
            insert(Bid),
            [
                {"artwork_id": artwork_id, "bidder_id": bidders[n % len(bidders)].id,
                 "amount_cents": 1_000 + n, "status": BidStatus.OUTBID, "created_at": clock.now()}
                for n in range(number)
            ],
        )  # fmt: skip


def test_the_number_of_statements_is_small_and_does_not_grow(
    app: Flask,
    client: Browser,
    buyer: TestPerson,
    seller: TestPerson,
    admin: TestPerson,
    make_artwork: Callable[..., int],
    asked: list[str],
) -> None:
    limits = {"/": BROWSE, "/?q=still&sort=price": BROWSE, "/api/artworks?per_page=100": LIST}
    counts = []
    for artworks, bids in ((1, 1), (40, 60)):
        for number in range(artworks):
            artwork_id = make_artwork(
                seller,
                end_at=clock.now() + timedelta(days=1) if number % 2 else None,
                picture_key="a" * 32, picture_width=9, picture_height=9,
            )  # fmt: skip
        bid_often(app, artwork_id, [buyer, seller], bids)
        with app.app_context(), transaction() as session:
            session.execute(
                insert(Favourite).values(
                    user_id=buyer.id, artwork_id=artwork_id, created_at=clock.now()
                )
            )
        found = {}
        for who, browser in (
            ("nobody", client), ("buyer", buyer.browser), ("owner", seller.browser),
            ("admin", admin.browser),
        ):  # fmt: skip
            for path, limit in (limits | {f"/artworks/{artwork_id}": ARTWORK}).items():
                asked.clear()
                assert browser.get(path).status_code == 200
                assert len(asked) <= limit, (who, path, asked)
                found[who, path.rstrip("0123456789")] = len(asked)
        counts.append(found)
    assert counts[0] == counts[1]
    assert counts[0]["nobody", "/"] < counts[0]["buyer", "/"]
    assert counts[0]["buyer", "/artworks/"] > 1


def test_a_page_takes_one_connection_and_gives_it_back(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller)
    bid_often(app, artwork_id, [buyer], 2)
    held: list[Any] = []
    taken: list[int] = []

    def take(connection: Any, *_: Any) -> None:
        held.append(connection)
        taken.append(len(held))

    def give_back(connection: Any, *_: Any) -> None:
        held.remove(connection)

    with app.app_context():
        pool = db.engine.pool
    event.listen(pool, "checkout", take)
    event.listen(pool, "checkin", give_back)
    try:
        for path in ("/", f"/artworks/{artwork_id}", "/api/artworks"):
            taken.clear()
            assert buyer.browser.get(path).status_code == 200
            assert (path, taken, held) == (path, [1], [])
        # These ask the session as well: it waits for no connection while another one is held.
        for path in ("/me/bids", "/me/payments", "/me/favourites", "/account"):
            taken.clear()
            assert buyer.browser.get(path).status_code == 200
            assert (path, set(taken), held) == (path, {1}, [])
    finally:
        event.remove(pool, "checkout", take)
        event.remove(pool, "checkin", give_back)
