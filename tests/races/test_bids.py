"""Races for an artwork: each first without its guard, then with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.core import clock
from app.core.extensions import db
from app.payments.models import Payment
from tests.payments.market import Market, at_once
from tests.races import naive
from tests.races.naive import Meeting

BOTH = pytest.mark.parametrize("guarded", [False, True], ids=["without-guard", "guarded"])


def statuses(market: Market) -> list[str]:
    return sorted(bid.status.value for bid in market.rows(Bid))


def test_two_winners_appear_without_the_guard(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [market.make_person("BUYER") for _ in range(2)]
    with naive.without_indexes(market.app, "uq_bids_won", "uq_payments_open"):
        artwork_id = market.make_artwork(market.seller)
        naive.bids_without_guard(monkeypatch)
        naive.looks_first(monkeypatch, Meeting(2))
        at_once(2, lambda number: market.bid(people[number], artwork_id, "100").status_code)
        assert statuses(market) == ["WON", "WON"]
        assert len(market.rows(Payment)) == 2
        assert len(market.sandbox.ledger()["sessions"]) == 2


def test_two_who_meet_after_looking_make_one_winner(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [market.make_person("BUYER") for _ in range(4)]
    naive.looks_first(monkeypatch, Meeting(4))
    for _ in range(3):
        before = len(market.rows(Bid))
        artwork_id = market.make_artwork(market.seller)
        said = at_once(4, lambda who, on=artwork_id: market.bid(people[who], on, "100").status_code)
        assert sorted(said) == [201, 409, 409, 409]
        assert len(market.rows(Bid)) == before + 1
        monkeypatch.undo()
        naive.looks_first(monkeypatch, Meeting(4))


def test_the_indexes_alone_stop_a_second_winner(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [market.make_person("BUYER") for _ in range(2)]
    artwork_id = market.make_artwork(market.seller)
    naive.bids_without_guard(monkeypatch)
    naive.looks_first(monkeypatch, Meeting(2))
    said = at_once(2, lambda number: market.bid(people[number], artwork_id, "100").status_code)
    assert said.count(201) == 1
    assert statuses(market) == ["WON"]


@BOTH
def test_a_double_click_on_confirm_is_one_bid(
    market: Market, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    artwork_id = market.make_artwork(market.seller)
    if not guarded:
        naive.bids_without_guard(monkeypatch)
    naive.looks_first(monkeypatch, Meeting(2))
    browser = market.buyer.browser
    fields = {"amount": "50.00", "confirm": "1", "csrf_token": browser.csrf_token()}
    cookies = browser.get_cookie("session")
    assert cookies is not None

    def click(_: int) -> Any:
        window = market.app.test_client()
        window.set_cookie("session", cookies.value)
        answer = window.post(f"/artworks/{artwork_id}/bids", data=fields)
        return answer.status_code, answer.location

    said = at_once(2, click)
    assert said == [(303, f"/artworks/{artwork_id}")] * 2
    assert len(market.rows(Bid)) == (1 if guarded else 2)


def test_a_double_click_on_a_winning_bid_leads_twice_to_the_same_page(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    browser = market.buyer.browser
    fields = {"amount": "150", "confirm": "1", "csrf_token": browser.csrf_token()}
    cookies = browser.get_cookie("session")
    assert cookies is not None

    def click(_: int) -> Any:
        window = market.app.test_client()
        window.set_cookie("session", cookies.value)
        return window.post(f"/artworks/{artwork_id}/bids", data=fields).location

    said = at_once(3, click)
    assert set(said) == {market.only_session()["url"]}
    assert statuses(market) == ["WON"]


@BOTH
def test_who_is_suspended_while_bidding_does_not_bid(
    market: Market, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    artwork_id = market.make_artwork(market.seller)

    def suspend() -> None:
        market.change(User, market.buyer.id, bidding_suspended_until=clock.now().replace(year=2099))

    if not guarded:
        naive.bids_without_guard(monkeypatch)
    naive.looks_first(monkeypatch, suspend)
    answer = market.bid(market.buyer, artwork_id, "100.00")
    assert statuses(market) == ([] if guarded else ["WON"])
    if guarded:
        assert (answer.status_code, answer.get_json()["code"]) == (403, "bidding_suspended")


def sign_out(market: Market) -> None:
    market.sign_out(market.buyer)


def suspend(market: Market) -> None:
    market.change(User, market.buyer.id, active=False)


def appoint(market: Market) -> None:
    market.change(User, market.buyer.id, role="ADMIN")


@BOTH
@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (sign_out, (401, None)),
        (suspend, (403, "account_suspended")),
        (appoint, (403, "forbidden")),
    ],
)
def test_who_may_not_bid_any_more_does_not_win(
    market: Market,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
    change: Callable[[Market], None],
    refused: tuple[int, str | None],
) -> None:
    artwork_id = market.make_artwork(market.seller)
    if not guarded:
        naive.takes_without_guard(monkeypatch)
    naive.changes_after_the_look(monkeypatch, lambda: change(market))
    answer = market.bid(market.buyer, artwork_id, "100.00")
    if not guarded:
        assert statuses(market) == ["WON"]
    else:
        assert (answer.status_code, answer.get_json().get("code")) == refused
        assert market.rows(Bid) == []
        assert market.artwork(artwork_id).status.value == "ACTIVE"


def test_a_withdrawal_that_looks_first_takes_the_artwork_from_its_winner(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    with market.app.app_context():
        assert naive.withdraws_naively(
            artwork_id,
            lambda: market.bid(market.buyer, artwork_id, "100").status_code,
        )
    assert market.artwork(artwork_id).status.value == "ARCHIVED"
    assert statuses(market) == ["WON"]


def test_a_new_minimum_after_a_look_ends_below_a_losing_bid(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    with market.app.app_context():
        assert naive.raises_naively(
            artwork_id, 7_000, lambda: market.bid(market.buyer, artwork_id, "80").status_code
        )
    assert statuses(market) == ["OUTBID"]
    assert market.artwork(artwork_id).highest_bid_cents == 8_000


@pytest.mark.parametrize("what", ["withdraw", "edit", "relist"])
def test_the_seller_and_a_winning_bid_at_once_agree_on_what_happened(
    market: Market, what: str
) -> None:
    seen = set()
    for number in range(6):
        status = "ARCHIVED" if what == "relist" else "ACTIVE"
        artwork_id = market.make_artwork(market.seller, 10_000, status=status)
        path, method, body = f"/artworks/{artwork_id}/{what}", "POST", {}
        if what == "edit":
            path, method, body = path.removesuffix("/edit"), "PATCH", {"secret_threshold": "200"}
        ways = [
            lambda m=method, p=path, b=body: market.call(market.seller, m, p, b),
            lambda on=artwork_id: market.bid(market.buyer, on, "150.00"),
        ]
        if number % 2:
            ways.reverse()
        start = threading.Barrier(2)

        def do(way: Any, start: threading.Barrier = start) -> Any:
            start.wait(5)
            return way()

        with ThreadPoolExecutor(2) as pool:
            acted, bid = list(pool.map(do, ways))[:: -1 if number % 2 else 1]
        artwork = market.artwork(artwork_id)
        won = [each for each in market.rows(Bid, Bid.artwork_id == artwork_id)
               if each.status.value == "WON"]  # fmt: skip
        assert (artwork.status.value == "PENDING_PAYMENT") == bool(won)
        said = (acted.status_code, bid.status_code, artwork.status.value)
        seen.add(said)
    allowed = {
        "withdraw": {(200, 409, "ARCHIVED"), (409, 201, "PENDING_PAYMENT")},
        "edit": {(200, 201, "ACTIVE"), (409, 201, "PENDING_PAYMENT")},
        "relist": {(200, 201, "PENDING_PAYMENT"), (200, 409, "ACTIVE")},
    }
    assert seen <= allowed[what]


def test_a_new_minimum_and_a_bid_at_once_leave_no_losing_bid_above_it(market: Market) -> None:
    for number in range(5):
        artwork_id = market.make_artwork(market.seller, 10_000)
        ways = [
            lambda on=artwork_id: market.call(
                market.seller, "PATCH", f"/artworks/{on}", {"secret_threshold": "70.00"}
            ),
            lambda on=artwork_id: market.bid(market.buyer, on, "80.00"),
        ]
        if number % 2:
            ways.reverse()
        at_once(2, lambda which, ways=ways: ways[which]())
        artwork = market.artwork(artwork_id)
        [bid] = market.rows(Bid, Bid.artwork_id == artwork_id)
        if bid.status.value == "OUTBID":
            with market.app.app_context():
                threshold = db.session.scalar(
                    select(Artwork.threshold_cents).where(Artwork.id == artwork_id)
                )
            assert threshold == 10_000
        else:
            assert artwork.status.value == "PENDING_PAYMENT"
