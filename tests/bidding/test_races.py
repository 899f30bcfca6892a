"""Many bids at once: one wins. And what happens without the guard."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from app.bidding.models import Bid
from app.config import read_settings
from app.core import clock
from app.payments.models import Payment
from tests.payments.market import Market, at_once


def test_of_eight_bids_over_the_threshold_at_once_exactly_one_wins(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    people = [market.make_person("BUYER") for _ in range(8)]
    answers = at_once(8, lambda number: market.bid(people[number], artwork_id, f"{100 + number}"))

    won = [answer.get_json() for answer in answers if answer.status_code == 201]
    lost = [answer.get_json() for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 7)
    assert {(each["code"], each["artwork_status"]) for each in lost} == {
        ("artwork_not_active", "PENDING_PAYMENT")
    }
    assert [bid.status.value for bid in market.rows(Bid)] == ["WON"]
    [payment] = market.rows(Payment)
    assert (payment.bid_id, market.only_session()["id"]) == (
        won[0]["id"], payment.stripe_session_id,
    )  # fmt: skip


def test_losing_bids_at_once_are_counted_and_rise(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller, 1_000_000)
    people = [market.make_person("BUYER") for _ in range(8)]
    answers = at_once(8, lambda number: market.bid(people[number], artwork_id, f"{10 + number}"))
    accepted = [answer.get_json()["amount"] for answer in answers if answer.status_code == 201]
    refused = [answer.get_json()["code"] for answer in answers if answer.status_code != 201]
    amounts = [bid.amount_cents for bid in market.rows(Bid)]
    assert amounts == sorted(amounts)
    assert len(amounts) == len(accepted) == market.artwork(artwork_id).bid_count
    assert market.artwork(artwork_id).highest_bid_cents == 1_700 == amounts[-1]
    assert set(refused) <= {"bid_too_low"}


def test_the_same_bid_of_one_person_at_once_is_one_bid(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    answers = at_once(4, lambda _: market.bid(market.buyer, artwork_id, "50").status_code)
    assert sorted(answers) == [201, 409, 409, 409]
    assert len(market.rows(Bid)) == 1


@pytest.fixture
def bare(market: Market, new_database: Callable[[], str]) -> tuple[Engine, Market]:
    """The schema in a database of its own, spoken to without the product."""
    given = {
        **market.app.config["SETTINGS"].model_dump(),
        "database_url": new_database(),
    }
    engine = create_engine(read_settings({}, **given).database_url)
    moment = clock.now().replace(tzinfo=None)
    with engine.begin() as connection:
        for number in (1, 2, 3):
            connection.execute(
                text(
                    "INSERT INTO users (id, email, name, password_hash, role, active, created_at)"
                    " VALUES (:id, :email, 'A', 'x', 'BUYER', true, :moment)"
                ),
                {"id": number, "email": f"{number}@example.com", "moment": moment},
            )
        connection.execute(
            text(
                "INSERT INTO artworks (id, seller_id, title, artist_name, description, category,"
                " image_alt, threshold_cents, status, bid_count, created_at, updated_at)"
                " VALUES (1, 3, 'T', '', '', 'Other', '', 10000, 'ACTIVE', 0, :moment, :moment)"
            ),
            {"moment": moment},
        )
    return engine, market


def naive_bid(engine: Engine, bidder: int, both_have_read: threading.Barrier) -> bool:
    """A bid as one would write it first: read, decide, write."""
    with engine.begin() as connection:
        row = connection.execute(text("SELECT status, threshold_cents FROM artworks")).one()
    both_have_read.wait(10)
    if row.status != "ACTIVE" or row.threshold_cents > 10_000:
        return False
    with engine.begin() as connection:
        connection.execute(text("UPDATE artworks SET status = 'PENDING_PAYMENT'"))
        connection.execute(
            text(
                "INSERT INTO bids (artwork_id, bidder_id, amount_cents, status, created_at)"
                " VALUES (1, :bidder, 10000, 'WON', CURRENT_TIMESTAMP)"
            ),
            {"bidder": bidder},
        )
    return True


def test_without_the_guards_a_bid_that_reads_and_then_writes_has_two_winners(
    bare: tuple[Engine, Market],
) -> None:
    engine, _ = bare
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_bids_won"))
    barrier = threading.Barrier(2)
    assert at_once(2, lambda number: naive_bid(engine, number + 1, barrier)) == [True, True]
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM bids WHERE status = 'WON'")) == 2
    engine.dispose()


def test_the_database_itself_refuses_a_second_winner(bare: tuple[Engine, Market]) -> None:
    engine, _ = bare
    barrier = threading.Barrier(2)

    def bid(number: int) -> bool:
        try:
            return naive_bid(engine, number + 1, barrier)
        except IntegrityError:
            return False

    assert sorted(at_once(2, bid)) == [False, True]
    engine.dispose()
