"""Other ends of a payment: the winner gives up, the auction ends meanwhile, the buyer returns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.artworks.models import Artwork
from app.core import clock
from tests.payments.market import Market, at_once

SOLD = ("SOLD", "WON", "SUCCEEDED")
RESERVED = ("PENDING_PAYMENT", "WON", "PENDING")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


def test_giving_up_releases_at_once_and_the_page_can_no_longer_be_paid(market: Market) -> None:
    won = market.win()
    answer = market.give_up(won["payment"]["id"])
    assert answer.status_code == 200
    found = answer.get_json()
    assert (found["status"], found["failure_reason"]) == ("CANCELED", "buyer_gave_up")
    assert found["checkout_url"] is None
    assert market.standing(won) == RELEASED
    assert market.pay(won)["error"]["code"] == "session_expired"
    again = market.give_up(won["payment"]["id"])
    assert (again.status_code, again.get_json()["code"]) == (409, "payment_over")
    assert len(market.audits("payment.given_up")) == 1


@pytest.mark.parametrize("who", ["seller", "stranger", "admin", "nobody"])
def test_nobody_but_the_winner_gives_up(market: Market, who: str) -> None:
    won = market.win()
    person = {
        "seller": market.seller,
        "stranger": market.make_person("BUYER"),
        "admin": market.make_person("ADMIN"),
        "nobody": None,
    }[who]
    answer = market.call(person, "POST", f"/payments/{won['payment']['id']}/cancel")
    assert answer.status_code == (401 if who == "nobody" else 404)
    assert market.payment(won["payment"]["id"]).give_up_at is None
    assert market.only_session()["status"] == "open"


def test_giving_up_while_stripe_is_down_is_finished_by_the_sweep(market: Market) -> None:
    won = market.win()
    market.fail_all()
    answer = market.give_up(won["payment"]["id"])
    assert answer.status_code == 202
    assert answer.get_json()["status"] == "PENDING"
    assert answer.get_json()["checkout_url"] is None
    assert market.standing(won) == RESERVED

    market.come_back()
    market.sweep()
    assert market.standing(won) == RELEASED
    assert market.read(won["payment"]["id"])["failure_reason"] == "buyer_gave_up"


def test_giving_up_asks_a_slow_stripe_once_and_leaves_the_rest_to_the_sweep(
    market: Market,
) -> None:
    market.fail_all()
    won = market.win()
    assert market.payment(won["payment"]["id"]).stripe_session_id is None
    market.come_back()
    market.sandbox.control(
        "POST", "/faults", {"operation": "create", "kind": "delay", "seconds": 2.5}, 201
    )
    answer = market.give_up(won["payment"]["id"])
    assert answer.status_code == 202
    # An answer may take 13 seconds, and nginx waits for 20.
    assert market.requests("expire") == []
    market.sweep()
    assert market.standing(won) == RELEASED


def test_giving_up_what_was_already_paid_is_a_sale(market: Market) -> None:
    won = market.win()
    market.pay(won)
    answer = market.give_up(won["payment"]["id"])
    assert answer.get_json()["status"] == "SUCCEEDED"
    assert market.standing(won) == SOLD


def test_giving_up_on_the_page_leads_back_to_the_payment(market: Market) -> None:
    won = market.win()
    path = f"/payments/{won['payment']['id']}"
    answer = market.buyer.browser.submit(f"{path}/give-up")
    assert (answer.status_code, answer.location) == (303, path)
    assert market.standing(won) == RELEASED


def test_giving_up_and_paying_at_once_has_exactly_one_outcome(market: Market) -> None:
    for _ in range(5):
        won = market.win()
        session_id = market.session_id(won)
        payment_id = won["payment"]["id"]
        ways = [
            lambda session_id=session_id: market.sandbox.pay(session_id),
            lambda payment_id=payment_id: market.give_up(payment_id),
            lambda payment_id=payment_id: market.settle(payment_id),
        ]
        at_once(len(ways), lambda number, ways=ways: ways[number]())
        market.sweep()
        [session] = [each for each in market.sandbox.ledger()["sessions"]
                     if each["id"] == session_id]  # fmt: skip
        paid = session["payment_status"] == "paid"
        assert market.standing(won) == (SOLD if paid else RELEASED)


@pytest.mark.parametrize("paid", [True, False])
def test_an_end_date_that_passes_during_the_payment_hurts_only_what_is_not_paid(
    market: Market, paid: bool
) -> None:
    won = market.win(end_at=clock.now() + timedelta(hours=1))
    if paid:
        market.pay(won)
    market.change(Artwork, won["artwork_id"], end_at=clock.now() - timedelta(seconds=1))
    market.sweep()
    assert market.artwork(won["artwork_id"]).status in ("PENDING_PAYMENT", "SOLD")
    market.pass_deadline(won["payment"]["id"])
    market.sweep()
    assert market.standing(won) == (SOLD if paid else ("EXPIRED", "RELEASED", "CANCELED"))
    assert len(market.mails("artwork_expired")) == (0 if paid else 1)


def test_the_return_page_believes_stripe_and_not_its_address(market: Market) -> None:
    won = market.win()
    path = f"/payments/{won['payment']['id']}/return"
    page = market.buyer.browser.get(f"{path}?session_id=cs_test_paid&status=complete&paid=1")
    assert page.status_code == 200
    assert market.standing(won) == RESERVED
    market.pay(won)
    market.settle(won["payment"]["id"])
    assert market.standing(won) == SOLD
    assert market.buyer.browser.get(path).status_code == 200
    assert market.make_person("BUYER").browser.get(path).status_code == 404


def test_who_comes_back_unpaid_is_told_so_and_may_go_on(market: Market) -> None:
    won = market.win()
    path = f"/payments/{won['payment']['id']}/return"
    page = market.buyer.browser.get(path).text
    assert "Not paid, time left" in page
    assert "Checking your payment" not in page
    assert f"/payments/{won['payment']['id']}/pay" in page
    assert "Give up this win" in page


def test_what_stripe_said_just_before_the_buyer_paid_is_not_what_they_are_told(
    market: Market,
) -> None:
    won = market.win()
    path = f"/payments/{won['payment']['id']}/return"
    assert "Not paid, time left" in market.buyer.browser.get(path).text
    market.pay(won)
    assert "The artwork is yours" in market.buyer.browser.get(path).text


def test_checking_is_said_only_while_stripe_has_not_answered(market: Market) -> None:
    won = market.win()
    path = f"/payments/{won['payment']['id']}/return"
    market.fail_all()
    page = market.buyer.browser.get(path).text
    assert "Checking your payment" in page
    assert f"/payments/{won['payment']['id']}/pay" not in page
    market.come_back()
    market.settle(won["payment"]["id"])
    assert "Not paid, time left" in market.buyer.browser.get(path).text
