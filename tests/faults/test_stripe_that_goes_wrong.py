"""Stripe away, silent, or of two minds: the rows of the fault table about asking it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from app.artworks.models import Artwork
from app.core import clock
from app.notifications.states import EmailKind
from app.payments import service as payments
from app.payments.models import Attention, Payment
from tests.faults.shop import RELEASED, RESERVED, SOLD, Shop
from tests.faults.webhooks import COMPLETED, EXPIRED, tell
from tests.payments.market import at_once, variant
from tests.realtime.processes import ear
from tests.waiting import until

SLOW_CARD = "4000000000003720"


@pytest.mark.parametrize(
    "lie",
    [{"amount_total": 9_999}, {"currency": "eur"}, {"livemode": True}],
    ids=["amount", "currency", "livemode"],
)
def test_what_stripe_took_and_is_not_what_was_owed_waits_for_a_person(
    shop: Shop, lie: dict[str, Any]
) -> None:
    sale = shop.win()
    shop.sandbox.control("POST", f"/sessions/{sale.session_id}/tamper", lie)
    sale.pay()
    [flag] = until(sale.flags)
    sale.pass_deadline()
    # Two sweeps later: asked again, flagged once, neither sold nor released.
    for _ in range(2):
        asked = sale.payment.asked_at
        until(lambda asked=asked: sale.payment.asked_at != asked)
    assert sale.standing() == RESERVED
    assert [each.id for each in sale.flags()] == [flag.id]
    assert sale.bid(shop.buyer()).status == 409
    told = [mail for mail in sale.mails() if mail.kind == EmailKind.ATTENTION_NEEDED]
    assert [mail.recipient for mail in told] == [shop.admin.email]

    def listed() -> bool:
        alerts = shop.call(shop.admin, "GET", "/api/stats/platform").json["alerts"]
        return flag.detail in {alert["detail"] for alert in alerts}

    assert listed()
    with shop.app.app_context():
        payments.acknowledge_attention(flag.id, shop.admin.id)
    assert not listed()
    assert sale.standing() == RESERVED


@pytest.mark.parametrize(("outcome", "end"), [("succeed", SOLD), ("fail", None)])
def test_complete_but_unpaid_is_awaited_and_then_decides(
    shop: Shop, outcome: str, end: tuple[str, ...] | None
) -> None:
    sale = shop.win()
    sale.pay(SLOW_CARD)
    sale.becomes("PENDING_PAYMENT", "WON", "PROCESSING")
    sale.pass_deadline()
    until(lambda: sale.payment.asked_at and sale.payment.asked_at > sale.payment.deadline_at)
    assert sale.standing() == ("PENDING_PAYMENT", "WON", "PROCESSING")
    assert sale.audits("payment.move_refused") == []
    shop.sandbox.control("POST", f"/sessions/{sale.session_id}/settle", {"outcome": outcome})
    sale.becomes(*(end or ("ACTIVE", "RELEASED", "FAILED")))


def test_funds_that_do_not_come_for_a_day_are_put_before_a_person_once(shop: Shop) -> None:
    sale = shop.win()
    sale.pay(SLOW_CARD)
    sale.becomes("PENDING_PAYMENT", "WON", "PROCESSING")
    until(lambda: sale.payment.asked_at)
    assert sale.flags() == []
    a_day_ago = clock.now() - timedelta(hours=24, seconds=1)
    shop.change(Payment, Payment.id == sale.payment.id, updated_at=a_day_ago)
    [flag] = until(sale.flags)
    assert flag.kind == "funds_overdue"
    asked = sale.payment.asked_at
    until(lambda: sale.payment.asked_at != asked)
    assert len(sale.flags()) == 1
    shop.sandbox.control("POST", f"/sessions/{sale.session_id}/settle", {"outcome": "succeed"})
    sale.becomes(*SOLD)


def test_money_for_an_artwork_that_was_released_is_put_before_a_person(shop: Shop) -> None:
    """Stripe expires what can be expired, so this is a lie told with Stripe's own signature."""
    sale = shop.win()
    assert sale.give_up().status == 200
    sale.becomes(*RELEASED)
    paid = variant(sale.event(EXPIRED), kind=COMPLETED, status="complete", payment_status="paid")
    assert [tell(shop, paid), tell(shop, paid)] == [200, 200]
    [flag] = sale.flags()
    assert "released before" in flag.detail
    assert sale.standing() == RELEASED
    until(lambda: [mail for mail in sale.mails() if mail.kind == EmailKind.ATTENTION_NEEDED])


@pytest.mark.parametrize("when", ["lost_before", "lost_after"])
def test_a_session_whose_creation_was_not_answered_is_found_by_the_same_key(
    shop: Shop, when: str
) -> None:
    # The library asks twice before it gives up: neither is answered.
    shop.stripe_fails("create", when, times=2)
    with shop.no_sweep():
        sale = shop.offer()
        assert (sale.answer.status, sale.answer.json["payment"]["checkout_url"]) == (201, None)
    until(lambda: sale.payment.stripe_session_id)
    [session] = sale.sessions()
    assert session["id"] == sale.session_id
    assert sale.payment.attempt == 1
    sale.pay()
    sale.becomes(*SOLD)


def test_past_the_deadline_a_session_that_was_never_answered_is_found_before_anything_is_released(
    shop: Shop,
) -> None:
    shop.stripe_fails("create", "lost_after", times=2)
    with shop.no_sweep():
        sale = shop.offer()
        sale.pass_deadline()
        [session] = sale.sessions()
        assert session["status"] == "open"
    sale.becomes(*RELEASED)
    assert [(each["id"], each["status"]) for each in sale.sessions()] == [
        (session["id"], "expired")
    ]


def test_a_stored_500_is_left_behind_with_a_new_attempt_and_a_new_key(shop: Shop) -> None:
    shop.stripe_fails("create", "stored_500")
    began = time.monotonic()
    sale = shop.offer()
    assert sale.answer.status == 201, sale.answer.text
    # Who would have to wait longer for it is told on their open page.
    assert sale.answer.json["payment"]["checkout_url"] or time.monotonic() - began > 2
    until(lambda: sale.payment.checkout_url)
    payment = sale.payment
    assert payment.attempt == 2
    keys = [each["key"] for each in shop.sandbox.ledger()["idempotency_keys"]]
    mine = [key for key in keys if key.startswith(f"payment-{payment.id}-")]
    assert len(mine) == 2
    assert payment.idempotency_key in mine
    assert len(sale.sessions()) == 1


def test_while_stripe_is_down_a_win_stands_and_its_open_page_is_told_when_it_can_be_paid(
    shop: Shop,
) -> None:
    shop.stripe_fails()
    buyer, other = shop.buyer(), shop.buyer()
    artwork_id = shop.artwork()
    with (
        ear(shop.url, {"token": buyer.token}) as winner,
        ear(shop.url, {"token": other.token}) as stranger,
    ):
        assert stranger.watch(artwork_id) == {"ok": True}
        body = {"artwork_id": artwork_id, "amount": "100.00"}
        answer = shop.call(buyer, "POST", "/api/bids", body)
        assert (answer.status, answer.json["payment"]["checkout_url"]) == (201, None)
        payment_id = answer.json["payment"]["id"]
        page = f"{shop.url}/payments/{payment_id}"
        assert winner.hears("payment_required")[0][1]["payment_id"] == payment_id
        assert shop.rows(Artwork, Artwork.id == artwork_id)[0].status.value == "PENDING_PAYMENT"
        shop.stripe_returns()
        [(_, told)] = winner.hears("payment_required")
        assert told["pay_url"] == f"{page}/pay"
        # Told after the session was recorded: whoever fetches the page now finds it.
        assert shop.rows(Payment, Payment.id == payment_id)[0].checkout_url is not None
        assert stranger.hears("artwork_status")
        time.sleep(0.3)
        assert stranger.heard == []


def test_a_session_made_while_the_winner_waits_for_it_is_told_once(shop: Shop) -> None:
    buyer, artwork_id = shop.buyer(), shop.artwork()
    with ear(shop.url, {"token": buyer.token}) as winner:
        body = {"artwork_id": artwork_id, "amount": "100.00"}
        assert shop.call(buyer, "POST", "/api/bids", body).json["payment"]["checkout_url"]
        winner.hears("payment_required")
        time.sleep(1.2)
        assert winner.heard == []


def test_stripe_down_for_the_whole_window_and_beyond_keeps_the_artwork_locked_and_then_frees_it(
    shop: Shop,
) -> None:
    sale, never = shop.win(), None
    shop.stripe_fails()
    never = shop.offer()
    for each in (sale, never):
        each.pass_deadline()
    for _ in range(2):
        asked = sale.payment.asked_at
        until(lambda asked=asked: sale.payment.asked_at != asked)
    assert sale.standing() == never.standing() == RESERVED
    assert sale.bid(shop.buyer()).status == 409
    shop.stripe_returns()
    sale.becomes(*RELEASED)
    never.becomes(*RELEASED)
    assert [each["status"] for each in never.sessions()] == ["expired"]


def test_an_expire_whose_answer_was_lost_is_asked_again_and_releases_once(shop: Shop) -> None:
    sale = shop.win()
    shop.stripe_fails("expire", "lost_after", times=3)
    sale.pass_deadline()
    sale.becomes(*RELEASED)
    assert len(sale.audits("artwork.freed")) == 1


@pytest.mark.parametrize("end", ["give-up", "deadline"])
def test_when_the_end_races_the_payment_there_is_exactly_one_outcome(shop: Shop, end: str) -> None:
    sale = shop.win()

    def act(number: int) -> None:
        if number == 0:
            sale.pay()
        elif end == "give-up":
            sale.give_up()
        else:
            sale.pass_deadline()

    at_once(2, act)
    until(lambda: sale.standing() in (SOLD, RELEASED))
    [session] = sale.sessions()
    assert (session["payment_status"] == "paid") == (sale.standing() == SOLD)


def test_a_payment_that_is_let_in_while_its_expire_waits_is_a_sale(shop: Shop) -> None:
    barrier = {"name": "b", "operation": "expire", "when": "before"}
    sale = shop.win()
    shop.sandbox.control("POST", "/barriers", barrier, 201)
    giving_up = threading.Thread(target=sale.give_up)
    giving_up.start()
    until(lambda: shop.sandbox.control("GET", "/barriers")[0]["waiting"])
    assert sale.pay()["payment_status"] == "paid"
    shop.sandbox.control("POST", "/barriers/b/release")
    giving_up.join()
    sale.becomes(*SOLD)


def test_a_dispute_is_flagged_mailed_once_and_kept_until_somebody_has_seen_it(shop: Shop) -> None:
    sale = shop.win()
    sale.pay()
    sale.becomes(*SOLD)
    until(lambda: sale.payment.stripe_payment_intent_id)
    intent = sale.payment.stripe_payment_intent_id
    charges = shop.sandbox.ledger()["charges"]
    [charge] = [each for each in charges if each["payment_intent"] == intent]
    shop.webhooks("duplicate", copies=3)
    shop.sandbox.control("POST", f"/charges/{charge['id']}/dispute")
    [flag] = until(sale.flags)
    assert flag.kind == "dispute"
    until(lambda: len([m for m in sale.mails() if m.kind == EmailKind.ATTENTION_NEEDED]) == 1)
    assert sale.standing() == SOLD
    open_ones = shop.rows(Attention, Attention.acknowledged_at.is_(None))
    assert flag.id in {each.id for each in open_ones}
