"""How long a list is: counted at once while it is short, now and then when it is long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, insert, select

from app.artworks.models import Artwork, Favourite
from app.core import clock, paging, remembered
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.core.transaction import transaction
from tests.people import TestPerson

LIMIT = 5


@pytest.fixture(autouse=True)
def _soon_long(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNTED_AT_ONCE", LIMIT)
    # Another test's lists had other lengths.
    app.extensions.pop("totals", None)


@pytest.fixture
def keep(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> Callable[[int], None]:
    def add(number: int) -> None:
        ids = [make_artwork(seller) for _ in range(number)]
        with app.app_context(), transaction() as session:
            for artwork_id in ids:
                session.execute(
                    insert(Favourite).values(
                        user_id=buyer.id, artwork_id=artwork_id, created_at=clock.now()
                    )
                )

    return add


def kept(buyer: TestPerson, page: int = 1) -> Page[Any]:
    query = (
        select(Artwork.title)
        .join(Favourite, Favourite.artwork_id == Artwork.id)
        .where(Favourite.user_id == buyer.id)
        .order_by(Favourite.created_at.desc())
    )
    return paginate(query, page, 2)


def test_a_short_list_is_counted_each_time(
    app: Flask, buyer: TestPerson, keep: Callable[[int], None]
) -> None:
    for number in range(LIMIT + 1):
        with app.app_context():
            assert kept(buyer).total == number
        keep(1)
    with app.app_context():
        assert len(kept(buyer, 3).items) == 2


def test_a_long_list_is_counted_once_a_minute(
    app: Flask, buyer: TestPerson, keep: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(LIMIT + 1)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 1
    keep(1)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 1
        later = time.monotonic() + 61
        monkeypatch.setattr(remembered.time, "monotonic", lambda: later)
        assert kept(buyer).total == LIMIT + 2


def test_who_goes_on_to_the_end_of_a_long_list_finds_every_row(
    app: Flask, buyer: TestPerson, keep: Callable[[int], None]
) -> None:
    keep(LIMIT + 3)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 3
    keep(1)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 3
        assert kept(buyer, 4).total == LIMIT + 4
        assert (len(kept(buyer, 5).items), kept(buyer, 5).total) == (1, LIMIT + 4)


def test_a_long_list_that_becomes_shorter_has_no_page_without_rows(
    app: Flask, buyer: TestPerson, keep: Callable[[int], None]
) -> None:
    keep(LIMIT + 5)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 5
        with transaction() as session:
            oldest = select(Favourite.artwork_id).order_by(Favourite.created_at).limit(3)
            session.execute(delete(Favourite).where(Favourite.artwork_id.in_(oldest)))
        assert (kept(buyer, 5).items, kept(buyer, 5).total) == ([], LIMIT + 2)
        assert kept(buyer).total == LIMIT + 2
        assert (len(kept(buyer, 4).items), kept(buyer, 4).total) == (1, LIMIT + 2)


def test_two_lists_are_not_taken_for_each_other(
    app: Flask, buyer: TestPerson, admin: TestPerson, keep: Callable[[int], None]
) -> None:
    keep(LIMIT + 2)
    with app.app_context():
        assert kept(buyer).total == LIMIT + 2
        assert kept(admin).total == 0


def test_no_more_rows_are_counted_than_need_be(
    app: Flask, buyer: TestPerson, keep: Callable[[int], None]
) -> None:
    keep(LIMIT + 3)
    with app.app_context():
        kept(buyer)
        counted = []

        def note(_c: Any, _u: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
            counted.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        kept(buyer)
        event.remove(db.engine, "before_cursor_execute", note)
    counts = [statement for statement in counted if "count(*)" in statement]
    assert len(counts) == 1
    assert "LIMIT" in counts[0]
