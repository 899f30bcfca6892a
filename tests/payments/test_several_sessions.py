"""Sessions at Stripe beside the one of a payment: of its earlier attempts, and of others' sales."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.core import events
from app.core.events import CheckoutReady
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


class _Held:
    """A process that asks how a payment stands, and is held up at a point on its way."""

    def __init__(
        self, market: Market, monkeypatch: pytest.MonkeyPatch, payment_id: int, point: str
    ) -> None:
        self._there, self._go_on = threading.Event(), threading.Event()
        before = checkout.reached

        def reached(name: str) -> None:
            before(name)
            if name == point and threading.current_thread() is self._thread:
                self._there.set()
                assert self._go_on.wait(30)

        monkeypatch.setattr(checkout, "reached", reached)
        self._thread = threading.Thread(target=market.settle, args=[payment_id])
        self._thread.start()
        assert self._there.wait(15)

    def go_on(self) -> None:
        """Let it come to its end."""
        self._go_on.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def _assert_one_page(market: Market, won: Any) -> None:
    """The win stands, and there is one session to pay it by."""
    assert market.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")
    page = market.checkout(won["id"]).get_json()
    assert page["checkout_url"]
    assert _open_sessions(market) == [page["session_id"]]
    assert market.mails("payment_released") == []
    assert market.flags() == []


def test_a_session_of_an_earlier_attempt_that_comes_late_is_as_good_as_any(
    market: Market, unanswered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment_id = unanswered["payment"]["id"]
    late = _Held(market, monkeypatch, payment_id, "checkout.before_create")
    # The second error under the first key, and then the first one under the next.
    market.sandbox.fault("create", "status", status=503, times=4)
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"] is None
    assert market.payment(payment_id).attempt == 2
    market.come_back()
    late.go_on()
    _assert_one_page(market, unanswered)


def test_a_session_that_comes_later_than_another_is_closed_and_the_win_stands(
    market: Market, unanswered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = _Held(market, monkeypatch, unanswered["payment"]["id"], "checkout.before_create")
    market.sandbox.fault("create", "status", status=503, times=2)
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"]
    late.go_on()
    assert len(market.sandbox.ledger()["sessions"]) == 2
    _assert_one_page(market, unanswered)
    expired = market.event("checkout.session.expired")
    assert market.deliver(expired) == [200]
    _assert_one_page(market, unanswered)


def test_what_was_made_and_not_known_yet_is_closed_by_nobody_once_another_has_taken_it(
    market: Market, unanswered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is held up with the first of two in its hands, and the other is shown to the buyer."""
    payment_id = unanswered["payment"]["id"]
    params: Any = market.payment(payment_id).checkout_params
    market.sandbox.stripe().v1.checkout.sessions.create(params)
    market.sandbox.fault("create", "lost_after", times=2)
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"] is None
    market.sandbox.fault("create", "status", status=503, times=2)
    held = _Held(market, monkeypatch, payment_id, "checkout.created")
    assert market.checkout(unanswered["id"]).get_json()["checkout_url"]
    held.go_on()
    _assert_one_page(market, unanswered)


def test_of_several_sessions_that_were_made_for_a_payment_one_stays_open(
    market: Market, unanswered: Any
) -> None:
    """Their answers were lost, and no key tells of them any more."""
    params: Any = market.payment(unanswered["payment"]["id"]).checkout_params
    made = [market.sandbox.stripe().v1.checkout.sessions.create(params).id for _ in range(3)]
    market.sandbox.fault("create", "status", status=500, times=2)
    assert market.checkout(unanswered["id"]).get_json()["session_id"] in made
    _assert_one_page(market, unanswered)


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


def test_a_page_that_an_events_question_made_is_told_to_its_buyer(
    market: Market, unanswered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = market.sandbox.stripe().v1.checkout.sessions.create(
        market.payment(unanswered["payment"]["id"]).checkout_params  # type: ignore[arg-type]
    )
    market.sandbox.stripe().v1.checkout.sessions.expire(others.id)
    told: list[CheckoutReady] = []
    monkeypatch.setattr(
        events, "publish", lambda all_: told.extend(e for e in all_ if type(e) is CheckoutReady)
    )
    assert market.deliver(market.event("checkout.session.expired", others.id)) == [200]
    [ready] = told
    assert ready.payment_id == unanswered["payment"]["id"]
    _assert_one_page(market, unanswered)


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


@pytest.mark.parametrize("kind", ["payment_intent.payment_failed", "charge.refunded"])
def test_what_happens_to_another_installations_money_is_not_told_to_our_buyer(
    market: Market, unanswered: Any, kind: str
) -> None:
    others = _of_another_installation(market, unanswered)
    if kind == "charge.refunded":
        market.sandbox.pay(others)
        [charge] = market.sandbox.ledger()["charges"]
        market.sandbox.control("POST", f"/charges/{charge['id']}/refund", {"amount": 10_000})
    else:
        market.sandbox.pay(others, "4000000000000002")
    assert market.deliver(market.event(kind)) == [200]
    assert market.outcomes()[-1] == (kind, "NO_EFFECT", 1)
    assert market.payment(unanswered["payment"]["id"]).failure_reason is None
    assert market.mails("payment_failed") == []
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
