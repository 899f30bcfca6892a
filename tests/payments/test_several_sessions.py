"""Sessions at Stripe beside the one of a payment: of its earlier attempts, and of others' sales."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.payments import checkout
from tests.payments.market import Market

ELSEWHERE = "https://staging.example.com/payments/1/return"


@pytest.fixture
def unanswered(market: Market) -> Any:
    """A win whose session Stripe could not make yet; it is back now."""
    market.fail_all()
    won = market.win()
    market.come_back()
    return won


def _of_another_installation(market: Market, won: Any, amount_cents: int = 10_000) -> str:
    """A session on the same account for a sale with the very same numbers; its id."""
    params: Any = dict(market.payment(won["payment"]["id"]).checkout_params)
    params["success_url"] = ELSEWHERE
    params["line_items"][0]["price_data"]["unit_amount"] = amount_cents
    return str(market.sandbox.stripe().v1.checkout.sessions.create(params).id)


def _open_sessions(market: Market) -> list[str]:
    sessions = market.sandbox.ledger()["sessions"]
    return [each["id"] for each in sessions if each["status"] == "open"]


def test_to_close_an_earlier_attempts_session_leaves_the_win_alone(
    market: Market, unanswered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process is held up before its request, and another takes a new key meanwhile."""
    payment_id = unanswered["payment"]["id"]
    held, go_on = threading.Event(), threading.Event()

    def reached(point: str) -> None:
        if point == "checkout.before_create" and threading.current_thread() is late:
            held.set()
            assert go_on.wait(20)

    monkeypatch.setattr(checkout, "reached", reached)
    late = threading.Thread(target=market.settle, args=[payment_id])
    late.start()
    assert held.wait(10)
    # The second error under the first key, and then the first one under the next.
    market.sandbox.fault("create", "status", status=503, times=4)
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"] is None
    assert market.payment(payment_id).attempt == 2
    market.come_back()
    go_on.set()
    late.join(30)
    assert market.standing(unanswered) == ("PENDING_PAYMENT", "WON", "PENDING")
    assert _open_sessions(market) == []
    page = market.checkout(unanswered["id"]).get_json()
    assert page["checkout_url"]
    assert _open_sessions(market) == [page["session_id"]]
    assert market.mails("payment_released") == []
    assert market.flags() == []


def test_of_several_sessions_that_were_made_for_a_payment_one_stays_open(
    market: Market, unanswered: Any
) -> None:
    """Their answers were lost, and no key tells of them any more."""
    params: Any = market.payment(unanswered["payment"]["id"]).checkout_params
    made = [market.sandbox.stripe().v1.checkout.sessions.create(params).id for _ in range(3)]
    market.sandbox.fault("create", "status", status=500, times=2)
    page = market.checkout(unanswered["id"]).get_json()
    assert page["session_id"] in made
    assert _open_sessions(market) == [page["session_id"]]
    assert market.standing(unanswered) == ("PENDING_PAYMENT", "WON", "PENDING")


def test_an_expired_session_that_is_not_known_yet_is_found_by_its_key(
    market: Market, unanswered: Any
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"] is None
    session_id = market.only_session()["id"]
    market.sandbox.stripe().v1.checkout.sessions.expire(session_id)
    event = market.event("checkout.session.expired", session_id)
    assert market.deliver(event) == [200]
    assert market.standing(unanswered) == ("ACTIVE", "RELEASED", "CANCELED")
    assert len(market.sandbox.ledger()["sessions"]) == 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("end", ["completed", "expired"])
def test_another_installations_session_with_the_same_numbers_has_no_effect(
    market: Market, unanswered: Any, known: bool, end: str
) -> None:
    if known:
        assert market.checkout(unanswered["id"]).get_json()["checkout_url"]
    others = _of_another_installation(market, unanswered)
    if end == "completed":
        market.sandbox.pay(others)
    else:
        market.sandbox.stripe().v1.checkout.sessions.expire(others)
    kind = f"checkout.session.{end}"
    assert market.deliver(market.event(kind, others)) == [200]
    assert market.standing(unanswered) == ("PENDING_PAYMENT", "WON", "PENDING")
    assert market.outcomes()[-1] == (kind, "NO_EFFECT", 1)
    assert market.flags() == []
    page = market.checkout(unanswered["id"]).get_json()
    assert page["checkout_url"]
    assert page["session_id"] != others


def test_another_installations_page_is_offered_to_nobody(market: Market, unanswered: Any) -> None:
    others = _of_another_installation(market, unanswered, 7_700)
    market.sandbox.fault("create", "status", status=500, times=2)
    page = market.checkout(unanswered["id"]).get_json()
    assert page["checkout_url"]
    assert page["session_id"] != others
    market.sandbox.pay(page["session_id"])
    market.sweep()
    assert market.sold_once(unanswered)
    assert _open_sessions(market) == [others]
