"""Three unpaid wins that are released at the same moment are three."""

from __future__ import annotations

import pytest

from app.accounts.models import User
from app.core import clock
from tests.payments.market import Market, at_once
from tests.races import naive
from tests.races.naive import Meeting

COUNTING = "count(*) AS count_1"


def three_released_at_once(market: Market) -> None:
    lost = [market.win()["payment"]["id"] for _ in range(3)]
    for payment_id in lost:
        market.pass_deadline(payment_id)
    at_once(3, lambda number: market.settle(lost[number]).status)
    assert len(market.audits("payment.canceled")) == 3


def suspended(market: Market) -> bool:
    [person] = market.rows(User, User.id == market.buyer.id)
    until = person.bidding_suspended_until
    return until is not None and until > clock.now()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_without_the_lock_on_the_bidder_each_release_counts_only_itself(market: Market) -> None:
    # On SQLite one transaction writes at a time, whatever it locks.
    with naive.meeting_at(market.app, COUNTING, Meeting(3), without=" FOR NO KEY UPDATE"):
        three_released_at_once(market)
    assert not suspended(market)


def test_three_releases_at_once_suspend_once(market: Market) -> None:
    with naive.meeting_at(market.app, COUNTING, Meeting(3, seconds=0.3)):
        three_released_at_once(market)
    assert suspended(market)
    [audit] = market.audits("user.bidding_suspended")
    assert audit.details["unpaid_wins"] == 3


def test_who_gives_up_three_times_at_once_is_suspended(market: Market) -> None:
    lost = [market.win()["payment"]["id"] for _ in range(3)]
    said = at_once(3, lambda number: market.give_up(lost[number]).status_code)
    assert said == [200] * 3
    assert suspended(market)
    assert len(market.audits("user.bidding_suspended")) == 1


def test_the_same_release_told_by_all_at_once_counts_once(market: Market) -> None:
    for _ in range(2):
        won = market.win()
        payment_id = won["payment"]["id"]
        market.pass_deadline(payment_id)
        at_once(5, lambda _, payment_id=payment_id: market.settle(payment_id).status)
    assert not suspended(market)
