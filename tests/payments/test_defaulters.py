"""Wins that were not paid: three in thirty days suspend bidding for seven."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.accounts.models import User
from app.core import clock
from app.payments.models import Payment
from tests.payments.market import Market
from tests.people import TestPerson


def suspended(market: Market) -> bool:
    [person] = market.rows(User, User.id == market.buyer.id)
    return person.bidding_suspended_until is not None


def lose_three(market: Market, end: str) -> list[Any]:
    lost = [market.win() for _ in range(3)]
    for won in lost:
        if end == "giving up":
            assert market.give_up(won["payment"]["id"]).status_code == 200
        else:
            market.pass_deadline(won["payment"]["id"])
            market.sweep()
    return lost


@pytest.mark.parametrize("end", ["giving up", "the deadline"])
def test_three_unpaid_wins_suspend_bidding_for_seven_days(market: Market, end: str) -> None:
    before = clock.now()
    lose_three(market, end)

    [person] = market.rows(User, User.id == market.buyer.id)
    left = person.bidding_suspended_until - before
    assert timedelta(days=7) <= left < timedelta(days=7, minutes=1)
    artwork_id = market.make_artwork(market.seller)
    refused = market.bid(market.buyer, artwork_id, "1.00")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "bidding_suspended")
    assert market.artwork(artwork_id).bid_count == 0
    [audit] = market.audits("user.bidding_suspended")
    assert (audit.resource_id, audit.details["unpaid_wins"]) == (market.buyer.id, 3)
    assert market.bid(market.make_person("BUYER"), artwork_id, "1.00").status_code == 201

    market.change(User, market.buyer.id, bidding_suspended_until=clock.now())
    assert market.bid(market.buyer, artwork_id, "2.00").status_code == 201


def test_two_unpaid_wins_do_not_suspend(market: Market) -> None:
    for _ in range(2):
        market.give_up(market.win()["payment"]["id"])
    assert not suspended(market)


def test_unpaid_wins_older_than_thirty_days_do_not_count(market: Market) -> None:
    old = market.win()
    market.give_up(old["payment"]["id"])
    market.change(Payment, old["payment"]["id"], closed_at=clock.now() - timedelta(days=31))
    for _ in range(2):
        market.give_up(market.win()["payment"]["id"])
    assert not suspended(market)


def test_wins_that_stripe_could_not_serve_in_time_do_not_count(market: Market) -> None:
    market.fail_all()
    lost = [market.win() for _ in range(3)]
    for won in lost:
        market.pass_deadline(won["payment"]["id"])
    market.come_back()
    market.sweep()
    assert [market.standing(won) for won in lost] == [("ACTIVE", "RELEASED", "CANCELED")] * 3
    assert not suspended(market)


def test_wins_that_stripe_refused_do_not_count(market: Market) -> None:
    market.sandbox.fault("create", "status", status=400, times=3)
    for _ in range(3):
        assert market.win()["payment"]["status"] == "FAILED"
    assert not suspended(market)


def test_paid_wins_do_not_count(market: Market) -> None:
    for _ in range(3):
        won = market.win()
        market.pay(won)
        market.settle(won["payment"]["id"])
        assert market.standing(won) == ("SOLD", "WON", "SUCCEEDED")
    assert not suspended(market)


def test_a_payment_in_hand_can_be_finished_while_bidding_is_suspended(market: Market) -> None:
    open_win = market.win()
    lose_three(market, "giving up")
    assert suspended(market)
    assert market.checkout(open_win["id"]).status_code == 200
    market.pay(open_win)
    market.sweep()
    assert market.standing(open_win) == ("SOLD", "WON", "SUCCEEDED")


def test_who_is_suspended_while_a_payment_is_due_stays_signed_in_for_that(market: Market) -> None:
    admin = market.make_person("ADMIN")
    won = market.win()

    def suspend(person: TestPerson) -> None:
        path = f"/admin/users/{person.id}"
        assert market.call(admin, "PATCH", path, {"active": False}).status_code == 200

    idle = market.make_person("BUYER")
    for person in (market.buyer, idle):
        suspend(person)
    assert market.call(idle, "GET", "/auth/me").status_code == 401
    assert idle.browser.get("/api/auth/me").status_code == 401
    assert market.checkout(won["id"]).status_code == 200
    assert market.bid(market.buyer, won["artwork_id"], "500").status_code == 403
    market.pay(won)
    market.settle(won["payment"]["id"])
    assert market.sold_once(won)
