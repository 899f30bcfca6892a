"""Webhooks lost, late, repeated, out of order, forged: the rows of the fault table about them."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from typing import Any

import pytest

from dev.loopback import free_port
from tests.databases import ROOT, environment
from tests.faults.processes import PROGRAMS
from tests.faults.shop import RELEASED, RESERVED, SOLD, Shop
from tests.faults.webhooks import COMPLETED, EXPIRED, post, tell
from tests.payments.market import WEBHOOK, signed, variant
from tests.sandbox.sandbox_process import session_params
from tests.waiting import until


def counted(shop: Shop, metric: str) -> float:
    """A figure that the web process publishes."""
    found = re.search(rf"^{metric} (\S+)$", shop.call(None, "GET", "/metrics").text, re.M)
    return float(found[1]) if found else 0.0


def test_a_sale_whose_webhooks_are_all_lost_is_finished_by_the_sweep(shop: Shop) -> None:
    shop.webhooks("drop")
    sale = shop.win()
    sale.pay()
    sale.becomes(*SOLD)
    assert shop.events(COMPLETED, sale.session_id) == []


def test_a_webhook_after_the_deadline_finds_the_sale_that_stripe_would_not_expire(
    shop: Shop,
) -> None:
    shop.webhooks("hold")
    sale = shop.win()
    with shop.no_sweep():
        sale.pay()
        sale.pass_deadline()
    sale.becomes(*SOLD)
    requests_made = shop.sandbox.ledger()["requests"]
    assert ("expire", 400) in {(each["operation"], each["status"]) for each in requests_made}
    assert sale.deliver(COMPLETED) == [200]
    assert sale.standing() == SOLD


@pytest.mark.parametrize("at_once", [False, True], ids=["in-turn", "at-once"])
def test_the_same_event_time_after_time_has_one_effect_and_every_answer_is_200(
    shop: Shop, at_once: bool
) -> None:
    shop.webhooks("drop")
    sale = shop.win()
    with shop.no_sweep():
        sale.pay()
        assert sale.deliver(COMPLETED, copies=12, concurrent=at_once) == [200] * 12
        assert sale.standing() == SOLD
    [event] = shop.events(COMPLETED, sale.session_id)
    assert (event.outcome.value, event.attempts) == ("APPLIED", 12)


@pytest.mark.parametrize("order", [(COMPLETED, EXPIRED), (EXPIRED, COMPLETED)])
def test_expired_and_completed_in_any_order_come_to_what_stripe_says_now(
    shop: Shop, order: tuple[str, str]
) -> None:
    shop.webhooks("drop")
    sale = shop.win()
    with shop.no_sweep():
        sale.pay()
        said = sale.event(COMPLETED)
        events = {COMPLETED: said, EXPIRED: variant(said, kind=EXPIRED, status="expired")}
        assert [tell(shop, events[kind]) for kind in order] == [200, 200]
        assert sale.standing() == SOLD


def test_an_expired_event_releases_what_stripe_has_expired(shop: Shop) -> None:
    sale = shop.win()
    with shop.no_sweep():
        shop.sandbox.stripe().v1.checkout.sessions.expire(sale.session_id)
        sale.becomes(*RELEASED)


@pytest.mark.parametrize("how", ["forged", "unsigned", "tampered", "old"])
def test_what_is_not_stripes_fresh_word_is_refused_counted_and_not_stored(
    shop: Shop, how: str
) -> None:
    shop.webhooks("drop")
    sale = shop.win()
    with shop.no_sweep():
        sale.pay()
        body = json.dumps(sale.event(COMPLETED)).encode()
        signature = {
            "forged": signed(body, secret="whsec_of_somebody_else"),
            "unsigned": "",
            "tampered": signed(body.replace(b"complete", b"completf", 1)),
            "old": signed(body, age_seconds=301),
        }[how]
        before = counted(shop, "gtw_webhooks_refused_total")
        assert post(shop, body, signature) == 400
        assert counted(shop, "gtw_webhooks_refused_total") == before + 1
        assert sale.standing() == RESERVED
        assert shop.events(COMPLETED, sale.session_id) == []


@pytest.mark.parametrize("program", ["web", "worker"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_a_webhook_secret_nothing_starts(program: str, database: str) -> None:
    settings = environment(STRIPE_WEBHOOK_SECRET="", PORT=str(free_port()))
    done = subprocess.run(
        PROGRAMS[program], env=settings, cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode != 0
    assert "STRIPE_WEBHOOK_SECRET" in done.stderr


def test_should_the_secret_be_empty_all_the_same_nothing_is_believed(shop: Shop) -> None:
    """A process that started before the secret was lost: a request may be signed with nothing."""
    sale = shop.win()
    app = shop.app
    kept = app.config["SETTINGS"]
    app.config["SETTINGS"] = kept.model_copy(update={"stripe_webhook_secret": ""})
    try:
        body = json.dumps({"id": "evt_1", "type": COMPLETED, "data": {"object": {}}}).encode()
        answer = app.test_client().post(
            WEBHOOK, data=body, headers={"Stripe-Signature": signed(body, secret="")}
        )
    finally:
        app.config["SETTINGS"] = kept
    assert answer.status_code == 503
    assert sale.standing() == RESERVED


def test_an_event_about_somebody_elses_session_is_stored_and_changes_nothing(shop: Shop) -> None:
    sale = shop.win()
    foreign = shop.sandbox.stripe().v1.checkout.sessions.create(session_params())
    shop.sandbox.pay(foreign.id)
    [event] = until(lambda: shop.events(COMPLETED, foreign.id))
    until(lambda: shop.events(COMPLETED, foreign.id)[0].outcome.value == "NO_EFFECT")
    assert event.payment_id is None
    assert sale.standing() == RESERVED


def test_an_event_that_comes_before_the_session_is_recorded_is_matched_and_verified(
    shop: Shop,
) -> None:
    shop.sandbox.control(
        "POST", "/barriers", {"name": "b", "operation": "create", "when": "after"}, 201
    )
    offers: list[Any] = []
    with shop.no_sweep():
        bidding = threading.Thread(target=lambda: offers.append(shop.offer()))
        bidding.start()
        until(lambda: shop.sandbox.control("GET", "/barriers")[0]["waiting"])
        session = shop.sandbox.ledger()["sessions"][-1]
        shop.sandbox.pay(session["id"])
        [event] = until(lambda: shop.events(COMPLETED, session["id"]))
        until(lambda: shop.events(COMPLETED, session["id"])[0].outcome.value == "APPLIED")
        shop.sandbox.control("POST", "/barriers/b/release")
        bidding.join()
        [sale] = offers
        assert sale.answer.status == 201
        assert sale.standing() == SOLD
        assert sale.session_id == session["id"]
        assert event.payment_id == sale.payment.id


def test_a_webhook_in_whose_midst_the_process_ends_has_no_effect_and_is_sent_again(
    shop: Shop,
) -> None:
    shop.webhooks("drop")
    sale = shop.win()
    with shop.no_sweep():
        sale.pay()
        shop.crash_at("webhook.before_commit")
        assert sale.deliver(COMPLETED) == [None]
        assert sale.standing() == RESERVED
        assert shop.events(COMPLETED, sale.session_id) == []
        assert sale.deliver(COMPLETED) == [200]
        assert sale.standing() == SOLD
