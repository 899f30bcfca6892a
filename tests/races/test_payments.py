"""Races for the money: each first without its guard, then with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.jobs import tasks
from app.payments.models import Payment
from tests.payments.market import Market, at_once, listening
from tests.races import naive
from tests.races.naive import Meeting
from tests.waiting import until

COMPLETED = "checkout.session.completed"
DECLINED = "4000000000000002"
SOLD = ("SOLD", "WON", "SUCCEEDED")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


def ends_by(market: Market, won: Any, how: str) -> Callable[[], Any]:
    """How the payment's time ends."""
    payment_id = won["payment"]["id"]
    if how == "give up":
        return lambda: market.give_up(payment_id).status_code
    market.pass_deadline(payment_id)
    return lambda: market.settle(payment_id)


def captured(market: Market) -> int:
    """How often money was taken."""
    return sum(charge["captured"] for charge in market.sandbox.ledger()["charges"])


def held(market: Market, operation: str, when: str, do: Callable[[], Any]) -> threading.Thread:
    """Begin something, and hold it at that point of Stripe's."""
    market.sandbox.control(
        "POST", "/barriers", {"name": "held", "operation": operation, "when": when}, 201
    )
    thread = threading.Thread(target=do)
    thread.start()
    until(lambda: market.sandbox.control("GET", "/barriers")[0]["waiting"] == 1)
    return thread


def let_go(market: Market, thread: threading.Thread) -> None:
    """Let it go on, and wait until it is done."""
    market.sandbox.control("POST", "/barriers/held/release")
    thread.join(15)
    assert not thread.is_alive()


HOW = pytest.mark.parametrize("how", ["deadline", "give up"])


@HOW
def test_released_on_its_own_word_money_comes_for_an_artwork_that_is_free(
    market: Market, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    won = market.win()
    naive.releases_on_its_own_word(monkeypatch)
    ends_by(market, won, how)()
    market.pay(won)
    assert market.standing(won) == RELEASED
    assert captured(market) == 1
    another = market.bid(market.make_person("BUYER"), won["artwork_id"], "100").get_json()
    market.pay(another)
    assert captured(market) == 2, "two people paid for one artwork"


@HOW
@pytest.mark.parametrize("when", ["before", "after"])
def test_paid_while_the_end_is_on_its_way_to_stripe(market: Market, how: str, when: str) -> None:
    won = market.win()
    ending = held(market, "expire", when, ends_by(market, won, how))
    paid = market.pay(won)
    let_go(market, ending)
    market.sweep()
    # Before its effect the payment is first and wins; after it, nothing can be paid any more.
    assert paid["status"] == ("complete" if when == "before" else "expired")
    assert market.standing(won) == (SOLD if when == "before" else RELEASED)
    assert captured(market) == (1 if when == "before" else 0)


@HOW
@pytest.mark.parametrize("when", ["before", "after"])
def test_ended_while_the_payment_is_on_its_way(market: Market, how: str, when: str) -> None:
    won = market.win()
    end = ends_by(market, won, how)
    paying = held(market, "pay", when, lambda: market.pay(won))
    end()
    let_go(market, paying)
    market.sweep()
    assert market.standing(won) == (RELEASED if when == "before" else SOLD)
    assert captured(market) == (0 if when == "before" else 1)


@pytest.mark.parametrize("guarded", [False, True], ids=["without-guard", "guarded"])
def test_twenty_copies_of_one_decline_at_once_are_one(
    market: Market, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    won = market.win()
    market.pay(won, DECLINED)
    if not guarded:
        naive.remembers_events_naively(monkeypatch, Meeting(20))
    said = market.deliver(market.event("payment_intent.payment_failed"), copies=20, concurrent=True)
    assert said == [200] * 20
    told = len(market.audits("payment.declined"))
    assert told == 1 if guarded else told > 1


@pytest.mark.parametrize("guarded", [False, True], ids=["without-guard", "guarded"])
def test_webhooks_return_page_sweep_and_job_at_once_sell_once(
    market: Market, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    asked = Meeting(2)
    if not guarded:
        naive.sells_whenever_told(monkeypatch, asked)
    won = market.win()
    payment_id = won["payment"]["id"]
    market.pay(won)
    market.pass_deadline(payment_id)
    event = market.event(COMPLETED)

    def job() -> None:
        with market.app.app_context():
            tasks.settle_payment(payment_id)

    with listening(market.app) as address:
        where = {"url": f"{address}/api/payments/webhook", "secret": "whsec_product_tests"}

        def webhooks() -> Any:
            if not guarded:
                assert asked.met.wait(10), "two others know what Stripe says"
            return market.sandbox.control(
                "POST",
                f"/events/{event['id']}/deliver",
                {"copies": 20, "concurrent": True, **where},
            )

        ways: list[Callable[[], Any]] = [
            webhooks,
            lambda: market.buyer.browser.get(f"/payments/{payment_id}/return").status_code,
            lambda: market.sweep().failures,
            job,
        ]
        said = at_once(4, lambda number: ways[number]())
    if guarded:
        assert [answer["status"] for answer in said[0]] == [200] * 20
        assert said[1:] == [200, 0, None]
        assert market.sold_once(won)
    else:
        assert len(market.audits("payment.succeeded")) > 1
    assert captured(market) == 1


@pytest.mark.parametrize("guarded", [False, True], ids=["without-guard", "guarded"])
def test_ten_who_ask_where_to_pay_at_once_get_one_session(
    market: Market, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    market.fail_all()
    won = market.win()
    market.come_back()
    assert market.sandbox.ledger()["sessions"] == []
    if not guarded:
        naive.asks_under_fresh_keys(monkeypatch, Meeting(2))
    said = at_once(10, lambda _: market.checkout(won["id"]))
    payable = [s["id"] for s in market.sandbox.ledger()["sessions"] if s["status"] == "open"]
    if not guarded:
        assert len(payable) > 1, "more than one page on which the same artwork can be paid"
        return
    # A copy that Stripe still has in hand is answered 409: the page comes with the next question.
    told = {answer.get_json()["session_id"] for answer in said} - {None}
    assert [answer.status_code for answer in said] == [200] * 10
    assert told == set(payable)
    assert len(payable) == 1
    assert len(market.rows(Payment)) == 1
