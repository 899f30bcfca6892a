"""Offers: who may make one, which one wins, and why the others are refused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from app.accounts.models import User
from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.core import clock, events
from app.core.extensions import db
from app.payments.models import Payment
from tests.databases import forget
from tests.payments.market import Market, moment
from tests.races import naive


def test_a_bid_below_the_threshold_is_recorded_and_is_the_highest(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    before = clock.now()
    answer = market.bid(market.buyer, artwork_id, "99.99")
    assert answer.status_code == 201
    bid = answer.get_json()
    assert before - timedelta(milliseconds=1) <= moment(bid.pop("created_at")) <= clock.now()
    assert bid == {
        "id": 1, "artwork_id": artwork_id, "amount": "99.99", "status": "OUTBID",
        "is_winning": False, "payment": None,
    }  # fmt: skip
    artwork = market.artwork(artwork_id)
    assert (artwork.highest_bid_cents, artwork.bid_count) == (9_999, 1)
    assert artwork.status.value == "ACTIVE"
    [noted] = market.audits("bid.placed")
    assert (noted.user_id, noted.resource_type, noted.resource_id, noted.details) == (
        market.buyer.id, "bid", 1, {"artwork_id": artwork_id},
    )  # fmt: skip
    assert noted.created_at >= before - timedelta(milliseconds=1)
    assert market.requests("create") == []


@pytest.mark.usefixtures("market")
def test_nobody_would_hear_of_a_losing_bid_inside_its_transaction() -> None:
    """It is written without a session, and on PostgreSQL in one statement."""
    assert events.BidOutbid not in events._in_transaction


def test_an_offer_whose_threshold_rose_as_it_was_about_to_win_loses(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    artwork_id = market.make_artwork(market.seller)

    def raise_threshold() -> None:
        db.session.execute(update(Artwork).values(threshold_cents=20_000))
        db.session.commit()

    naive.changes_after_the_look(monkeypatch, raise_threshold)
    answer = market.bid(market.buyer, artwork_id, "150")
    assert (answer.status_code, answer.get_json()["status"]) == (201, "OUTBID")
    artwork = market.artwork(artwork_id)
    assert (artwork.status.value, artwork.highest_bid_cents, artwork.bid_count) == (
        "ACTIVE", 15_000, 1,
    )  # fmt: skip
    assert len(market.audits("bid.placed")) == 1


@pytest.mark.parametrize(("amount", "wins"), [("99.99", False), ("100.00", True), ("100.01", True)])
def test_the_first_bid_at_or_above_the_threshold_wins(
    market: Market, amount: str, wins: bool
) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.make_person("BUYER"), artwork_id, "50")
    bid = market.bid(market.buyer, artwork_id, amount).get_json()
    assert bid["is_winning"] is wins
    assert (bid["payment"] is not None) is wins
    artwork = market.artwork(artwork_id)
    assert artwork.status.value == ("PENDING_PAYMENT" if wins else "ACTIVE")
    # The winning amount is no losing bid.
    assert (artwork.highest_bid_cents, artwork.bid_count) == ((5_000, 1) if wins else (9_999, 2))


def test_a_win_owes_a_mail_to_the_buyer_and_one_to_the_seller(market: Market) -> None:
    won = market.win()
    assert [mail.recipient for mail in market.mails("payment_required")] == [market.buyer.email]
    assert [mail.recipient for mail in market.mails("sale_pending")] == [market.seller.email]
    [audit] = market.audits("artwork.reserved")
    assert (audit.resource_id, audit.user_id) == (won["artwork_id"], market.buyer.id)


@pytest.mark.parametrize(("amount", "accepted"), [("50.00", False), ("49.99", False),
                                                  ("50.01", True), ("200", True)])  # fmt: skip
def test_a_bid_must_be_higher_than_the_highest_losing_one(
    market: Market, amount: str, accepted: bool
) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.buyer, artwork_id, "50.00")
    answer = market.bid(market.make_person("BUYER"), artwork_id, amount)
    if accepted:
        assert answer.status_code == 201
    else:
        assert answer.status_code == 409
        assert answer.content_type == "application/problem+json"
        problem = answer.get_json()
        assert (problem["code"], problem["current_highest_bid"]) == ("bid_too_low", "50.00")
        assert len(market.rows(Bid)) == 1


def test_a_threshold_lowered_to_below_the_highest_bid_cannot_be_met_by_less(
    market: Market,
) -> None:
    artwork_id = market.make_artwork(market.seller, 1_000, highest_bid_cents=2_000, bid_count=1)
    answer = market.bid(market.buyer, artwork_id, "15.00")
    assert answer.get_json()["code"] == "bid_too_low"
    assert market.bid(market.buyer, artwork_id, "20.01").get_json()["is_winning"]


@pytest.mark.parametrize("status", ["PENDING_PAYMENT", "SOLD", "EXPIRED", "ARCHIVED"])
def test_an_artwork_that_is_not_active_takes_no_bid(market: Market, status: str) -> None:
    sold = {"sold_cents": 10_000} if status == "SOLD" else {}
    artwork_id = market.make_artwork(market.seller, status=status, **sold)
    for amount in ("1.00", "500.00"):
        answer = market.bid(market.buyer, artwork_id, amount)
        assert answer.status_code == 409
        problem = answer.get_json()
        assert (problem["code"], problem["artwork_status"]) == ("artwork_not_active", status)
    assert market.rows(Bid) == []


def test_an_artwork_past_its_end_date_takes_no_bid_before_any_sweep(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller, end_at=clock.now())
    problem = market.bid(market.buyer, artwork_id, "500.00").get_json()
    assert (problem["code"], problem["artwork_status"]) == ("artwork_not_active", "EXPIRED")
    later = market.make_artwork(market.seller, end_at=clock.now() + timedelta(minutes=1))
    assert market.bid(market.buyer, later, "500.00").get_json()["is_winning"]


def test_sellers_do_not_bid_on_their_own_artwork_but_on_those_of_others(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    answer = market.bid(market.seller, artwork_id)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "own_artwork")
    other = market.make_artwork(market.make_person("SELLER"))
    assert market.bid(market.seller, other, "1.00").status_code == 201


def test_administrators_do_not_bid_and_learn_nothing_by_trying(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    answer = market.bid(market.make_person("ADMIN"), artwork_id)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    assert market.rows(Bid) == []


def test_a_suspended_account_does_not_bid(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.change(User, market.buyer.id, active=False)
    answer = market.bid(market.buyer, artwork_id)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_suspended")
    assert market.rows(Bid) == []


@pytest.mark.parametrize(("minutes", "status"), [(1, 403), (-1, 201)])
def test_who_is_suspended_from_bidding_bids_again_when_it_is_over(
    market: Market, minutes: int, status: int
) -> None:
    until = clock.now() + timedelta(minutes=minutes)
    person = market.make_person("BUYER", bidding_suspended_until=until)
    answer = market.bid(person, market.make_artwork(market.seller), "1.00")
    assert answer.status_code == status
    assert answer.get_json().get("code") == ("bidding_suspended" if status == 403 else None)


def test_who_is_suspended_from_bidding_is_told_until_when(market: Market) -> None:
    until = (clock.now() + timedelta(days=40)).replace(day=7, hour=9, minute=5)
    person = market.make_person("BUYER", bidding_suspended_until=until)
    answer = market.bid(person, market.make_artwork(market.seller), "1.00")
    assert f"until 7 {until:%B %Y}, 09:05 UTC" in answer.get_json()["detail"]


def test_who_is_not_signed_in_does_not_bid(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    answer = market.call(None, "POST", "/bids", {"artwork_id": artwork_id, "amount": "1"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_artwork_that_does_not_exist_is_not_found(market: Market) -> None:
    for artwork_id in (999, 2**62):
        assert market.bid(market.buyer, artwork_id).status_code == 404


def test_the_reserved_artwork_is_refused_to_its_own_winner_too(market: Market) -> None:
    won = market.win()
    problem = market.bid(market.buyer, won["artwork_id"], "500.00").get_json()
    assert problem["artwork_status"] == "PENDING_PAYMENT"
    assert "100" not in problem["detail"]


def test_a_released_amount_no_longer_counts_as_the_highest(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.make_person("BUYER"), artwork_id, "20.00")
    won = market.bid(market.buyer, artwork_id, "300.00").get_json()
    market.give_up(won["payment"]["id"])

    artwork = market.artwork(artwork_id)
    assert (artwork.status.value, artwork.highest_bid_cents, artwork.bid_count) == (
        "ACTIVE", 2_000, 1,
    )  # fmt: skip
    refused = market.bid(market.buyer, artwork_id, "400.00").get_json()
    assert refused["code"] == "already_defaulted"
    assert market.bid(market.make_person("BUYER"), artwork_id, "20.01").status_code == 201


def test_my_bids_are_the_callers_own_newest_first_with_what_they_owe(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    other = market.make_person("BUYER")
    lost = market.bid(market.buyer, artwork_id, "10").get_json()
    market.bid(other, artwork_id, "20")
    won = market.bid(market.buyer, artwork_id, "100").get_json()

    mine = market.call(market.buyer, "GET", "/bids/my-bids").get_json()
    assert mine == {"items": [won, lost], "page": 1, "per_page": 20, "total": 2}
    assert market.call(None, "GET", "/bids/my-bids").status_code == 401
    market.give_up(won["payment"]["id"])
    [released, _] = market.call(market.buyer, "GET", "/bids/my-bids").get_json()["items"]
    assert (released["status"], released["is_winning"]) == ("RELEASED", False)
    assert (released["payment"]["status"], released["payment"]["checkout_url"]) == (
        "CANCELED",
        None,
    )


def test_the_form_repeats_the_amount_and_then_leads_straight_to_stripe(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    path = f"/artworks/{artwork_id}/bids"
    asked = market.buyer.browser.submit(path, amount="$1,250.00")
    assert asked.status_code == 200
    assert market.rows(Bid) == []
    answer = market.buyer.browser.submit(path, amount="1250.00", confirm="1")
    assert answer.status_code == 303
    assert answer.location == market.only_session()["url"]
    # A double click is one bid, and leads to the same page.
    again = market.buyer.browser.submit(path, amount="1250.00", confirm="1")
    assert (again.status_code, again.location) == (303, answer.location)
    assert len(market.rows(Bid)) == 1


@pytest.mark.parametrize(
    "typed", ["12,5", "12,50", "1,25", "1,2500", ",500", "0,500", "1,250,00", "1.250,00"]
)
def test_a_comma_that_may_be_a_decimal_point_is_asked_about_not_guessed(
    market: Market, typed: str
) -> None:
    artwork_id = market.make_artwork(market.seller)
    asked = market.buyer.browser.submit(f"/artworks/{artwork_id}/bids", amount=typed)
    assert asked.status_code == 422
    assert "such as 150 or 150.00" in asked.text
    assert f'value="{typed}"' in asked.text


def test_nobody_is_asked_to_confirm_a_bid_that_would_be_refused(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    path = f"/artworks/{artwork_id}/bids"
    assert market.bid(market.make_person("BUYER"), artwork_id, "50.00").status_code == 201
    for amount in ("49.99", "50.00"):
        refused = market.buyer.browser.submit(path, amount=amount)
        assert refused.status_code == 409
        assert "Your bid must be higher than the highest bid, $50.00." in refused.text
    assert market.buyer.browser.submit(path, amount="50.01").status_code == 200
    assert market.seller.browser.submit(path, amount="60").status_code == 403
    market.bid(market.make_person("BUYER"), artwork_id, "100.00")
    refused = market.buyer.browser.submit(path, amount="200")
    assert refused.status_code == 409
    assert "reserved" in refused.text
    assert len(market.rows(Bid)) == 2


def test_the_address_of_a_refused_bid_leads_back_to_the_artwork(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    for person in (market.buyer, market.seller):
        answer = person.browser.get(f"/artworks/{artwork_id}/bids")
        assert (answer.status_code, answer.location) == (303, f"/artworks/{artwork_id}")


def test_the_question_keeps_apart_words_that_are_read_in_different_directions(
    market: Market,
) -> None:
    artwork_id = market.make_artwork(market.seller, title="שקיעה בנמל", artist_name="أحمد")
    asked = market.buyer.browser.submit(f"/artworks/{artwork_id}/bids", amount="12")
    assert '<bdi class="artwork-title">שקיעה בנמל</bdi> by <bdi>أحمد</bdi>.' in asked.text


def test_the_rules_of_bidding_stand_where_somebody_may_bid_yet(market: Market) -> None:
    over = clock.now() - timedelta(minutes=1)
    for there, columns in (
        (True, {"status": "ACTIVE"}),
        (True, {"status": "PENDING_PAYMENT"}),
        (False, {"status": "SOLD", "sold_cents": 12_000}),
        (False, {"status": "EXPIRED"}),
        (False, {"end_at": over}),
    ):
        artwork_id = market.make_artwork(market.seller)
        market.change(Artwork, artwork_id, **columns)
        page = market.buyer.browser.get(f"/artworks/{artwork_id}").text
        assert ("A win must be paid within" in page) == there, columns


def test_who_bought_an_artwork_is_led_from_it_to_the_receipt(market: Market) -> None:
    won = market.win()
    market.pay(won)
    market.sweep()
    page = f"/artworks/{won['artwork_id']}"
    receipt = f'href="/payments/{won["payment"]["id"]}"'
    assert receipt in market.buyer.browser.get(page).text
    assert receipt not in market.make_person("BUYER").browser.get(page).text
    assert "It is yours" in market.buyer.browser.get(page).text
    market.change(Payment, won["payment"]["id"], status="REFUNDED", refunded_cents=10_000)
    shown = market.buyer.browser.get(page).text
    assert "Your payment was refunded" in shown
    assert "It is yours" not in shown
    assert receipt in shown


def test_a_refused_bid_rolls_nothing_back(market: Market) -> None:
    # The driver forgets what it prepared on a connection whenever it rolls back, and most bids on
    # a hot artwork are refused.
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.buyer, artwork_id, "50.00")
    bidder = market.make_person("BUYER")
    forget(market.app)
    rolled_back: list[object] = []
    note = rolled_back.append
    with market.app.app_context():
        event.listen(db.engine, "rollback", note)
        try:
            answer = market.bid(bidder, artwork_id, "49.99")
        finally:
            event.remove(db.engine, "rollback", note)
    assert answer.status_code == 409
    assert rolled_back == []


def test_a_bid_that_is_known_to_come_too_late_waits_for_no_writer(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    other = market.make_person("BUYER")

    def asked(amount: str) -> tuple[list[str], dict[str, Any]]:
        with market.counting() as statements:
            answer = market.bid(other, artwork_id, amount)
        said = " ".join(statements)
        return re.findall(r"BEGIN|UPDATE|INSERT", said), answer.get_json()

    market.bid(market.buyer, artwork_id, "50.00")
    writes, refusal = asked("50.00")
    assert (writes, refusal["code"]) == ([], "bid_too_low")
    forget(market.app)
    writes, same_refusal = asked("50.00")
    assert "UPDATE" in writes
    assert same_refusal == refusal
    # It was told by the database as it refused.
    assert asked("49.99")[0] == []


def test_what_a_process_saw_bid_refuses_nobody(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.buyer, artwork_id, "50.00")
    with market.app.app_context():
        db.session.execute(update(Artwork).values(highest_bid_cents=1_000, bid_count=1))
        db.session.commit()
    assert market.bid(market.make_person("BUYER"), artwork_id, "20.00").status_code == 201
    assert market.artwork(artwork_id).highest_bid_cents == 2_000
