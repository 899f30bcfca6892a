"""How many of the database's connections an answer takes, and when."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from app.core.extensions import db
from tests.people import Browser, TestPerson

KILOBYTE = 1024


@contextmanager
def checkouts(app: Flask) -> Iterator[list[str]]:
    """One entry for each time that somebody takes a connection."""
    with app.app_context():
        pool = db.engine.pool
    taken: list[str] = []

    def note(*_: Any) -> None:
        taken.append("taken")

    event.listen(pool, "checkout", note)
    try:
        yield taken
    finally:
        event.remove(pool, "checkout", note)


@pytest.fixture
def artwork_id(make_artwork: Callable[..., int], seller: TestPerson) -> int:
    return make_artwork(seller)


class Coming(io.BytesIO):
    """A body that notes how many connections are held as it is read."""

    def __init__(self, body: bytes, pool: Any) -> None:
        super().__init__(body)
        self.held: set[int] = set()
        self._pool = pool

    def read(self, size: int | None = -1) -> bytes:
        self.held.add(self._pool.checkedout())
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        self.held.add(self._pool.checkedout())
        return super().readinto(buffer)


def test_a_page_takes_one_connection(
    app: Flask, client: Browser, buyer: TestPerson, artwork_id: int
) -> None:
    with checkouts(app) as taken:
        answer = client.get(f"/api/artworks/{artwork_id}", headers=buyer.bearer)
    assert answer.status_code == 200
    assert len(taken) == 1


def test_a_losing_bid_takes_one_connection(
    app: Flask, client: Browser, buyer: TestPerson, artwork_id: int
) -> None:
    with checkouts(app) as taken:
        offer = {"artwork_id": artwork_id, "amount": "20"}
        answer = client.post("/api/bids", headers=buyer.bearer, json=offer)
    assert answer.status_code == 201
    assert len(taken) == 1


@pytest.mark.parametrize("padding", [0, 65 * KILOBYTE], ids=["short", "long"])
@pytest.mark.parametrize("said", [True, False], ids=["of known length", "of unknown length"])
def test_no_connection_is_held_while_a_body_comes(
    app: Flask, client: Browser, buyer: TestPerson, artwork_id: int, said: bool, padding: int
) -> None:
    offer = json.dumps({"artwork_id": artwork_id, "amount": "20"}).encode() + b" " * padding
    with app.app_context():
        coming = Coming(offer, db.engine.pool)
    length: Any = {"CONTENT_LENGTH": str(len(offer))} if said else {"wsgi.input_terminated": True}
    answer = client.open(
        "/api/bids",
        method="POST",
        headers=buyer.bearer,
        input_stream=coming,
        content_type="application/json",
        environ_overrides=length,
    )
    assert answer.status_code == 201
    assert coming.held == {0}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_was_read_leaves_no_transaction_open(app: Flask) -> None:
    with app.app_context():
        reader = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            state = "SELECT state FROM pg_stat_activity WHERE pid = :reader"
            assert other.scalar(text(state), {"reader": reader}) == "idle"
        db.session.remove()
