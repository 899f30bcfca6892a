"""From a winning bid to Stripe's page: what is asked, what is answered, and to whom."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app import create_app
from app.accounts.models import User
from app.artworks.models import Artwork
from app.core import clock
from app.payments.attention import acknowledge_attention
from app.payments.gateway import gateway
from app.payments.models import Payment
from tests.conftest import release
from tests.payments.market import Market, at_once, moment
from tests.slow_server import answering, dripping


def test_stripe_receives_what_the_contract_says_and_nothing_of_the_threshold(
    market: Market,
) -> None:
    artwork_id = market.make_artwork(market.seller, 43_219, title="Harbour at dawn")
    won = market.bid(market.buyer, artwork_id, "567.83").get_json()
    payment_id = won["payment"]["id"]

    session = market.only_session()
    names = {
        "payment_id": str(payment_id),
        "bid_id": str(won["id"]),
        "artwork_id": str(artwork_id),
        "buyer_id": str(market.buyer.id),
        "seller_id": str(market.seller.id),
    }
    assert session["mode"] == "payment"
    assert session["payment_method_types"] == ["card"]
    assert session["amount_total"] == 56_783
    assert session["currency"] == "usd"
    assert session["client_reference_id"] == str(payment_id)
    assert session["metadata"] == names
    assert session["customer_email"] == market.buyer.email
    assert session["success_url"] == f"http://localhost/payments/{payment_id}/return"
    assert session["cancel_url"] == f"http://localhost/payments/{payment_id}/back"
    assert session["expires_at"] >= time.time() + 30 * 60
    items = market.sandbox.raw("GET", f"/v1/checkout/sessions/{session['id']}/line_items").json()
    [item] = items["data"]
    assert (item["description"], item["quantity"]) == ("Harbour at dawn", 1)
    assert item["price"]["unit_amount"] == 56_783

    market.pay(won)
    ledger = market.sandbox.ledger()
    assert ledger["payment_intents"][0]["metadata"] == names
    sent = str(market.payment(payment_id).checkout_params) + str(ledger)
    # The ports and moments in it may happen to hold the same digits.
    assert not re.search(r"(?<![0-9.:])43219(?![0-9])|(?<![0-9])432\.19", sent)


@pytest.mark.parametrize("amount", ["100.00", "100.01", "123.45", "999999.99", "100.1", "101"])
def test_the_amount_charged_is_the_bid_to_the_cent(market: Market, amount: str) -> None:
    won = market.win(amount=amount)
    market.pay(won)
    market.deliver(market.event("checkout.session.completed"))

    [charge] = market.sandbox.ledger()["charges"]
    assert charge["amount_captured"] == Decimal(amount) * 100
    assert market.artwork(won["artwork_id"]).sold_cents == charge["amount_captured"]
    assert Decimal(market.read(won["payment"]["id"])["amount"]) == Decimal(amount)


def test_a_winner_is_told_where_to_pay_and_until_when(market: Market) -> None:
    before = clock.now()
    won = market.win()

    owed = won["payment"]
    assert owed["checkout_url"] == market.only_session()["url"]
    assert (owed["amount"], owed["currency"], owed["status"]) == ("100.00", "usd", "PENDING")
    left = moment(owed["expires_at"]) - before
    assert timedelta(seconds=599) < left < timedelta(seconds=630)


def test_asking_again_gives_the_same_session_every_time(market: Market) -> None:
    won = market.win()
    answers = [market.checkout(won["id"]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    session = market.only_session()
    for answer in answers:
        assert answer.json == {
            "payment_id": won["payment"]["id"],
            "session_id": session["id"],
            "checkout_url": session["url"],
            "amount": "100.00",
            "currency": "usd",
            "expires_at": won["payment"]["expires_at"],
        }
    assert len(market.requests("create")) == 1


@pytest.mark.parametrize("who", ["seller", "stranger", "admin", "nobody"])
def test_nobody_but_the_winner_gets_a_checkout_session(market: Market, who: str) -> None:
    won = market.win()
    person = {
        "seller": market.seller,
        "stranger": market.make_person("BUYER"),
        "admin": market.make_person("ADMIN"),
        "nobody": None,
    }[who]
    answer = market.call(person, "POST", "/payments/checkout-session", {"bid_id": won["id"]})
    assert answer.status_code == (401 if who == "nobody" else 404)
    assert "cs_test" not in answer.text


def test_a_losing_bid_has_no_checkout_session(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller, 10_000)
    lost = market.bid(market.buyer, artwork_id, "99.99").get_json()
    assert market.checkout(lost["id"]).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"bid_id": "1"}, {"bid_id": 0}, {"bid_id": 2**63}, {"bid_id": None}, {"bid_id": 1.5},
     {"bid_id": 1, "amount": "1"}, {"bid_id": [1]}, {"bid_id": True}],
)  # fmt: skip
def test_a_wrong_bid_id_is_named(market: Market, body: dict[str, Any]) -> None:
    answer = market.call(market.buyer, "POST", "/payments/checkout-session", body)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"amount" if "amount" in body else "bid_id"}


def test_a_payment_that_is_over_can_no_longer_be_paid(market: Market) -> None:
    won = market.win()
    assert market.give_up(won["payment"]["id"]).status_code == 200
    answer = market.checkout(won["id"])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payment_over")
    assert market.pay(won)["error"]["code"] == "session_expired"


def test_a_payment_past_its_deadline_gives_no_page_even_before_stripe_was_asked(
    market: Market,
) -> None:
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    answer = market.checkout(won["id"])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payment_over")
    assert market.read(won["payment"]["id"])["checkout_url"] is None


@pytest.mark.parametrize("path", ["/payments/{id}", "/payments/session/{session}",
                                  "/payments/artwork/{artwork}"])  # fmt: skip
def test_buyer_seller_and_administrators_read_a_payment_and_the_buyer_alone_its_page(
    market: Market, path: str
) -> None:
    won = market.win()
    address = path.format(
        id=won["payment"]["id"], session=market.session_id(won), artwork=won["artwork_id"]
    )
    admin, stranger = market.make_person("ADMIN"), market.make_person("SELLER")

    for person in (market.buyer, market.seller, admin):
        answer = market.call(person, "GET", address)
        assert answer.status_code == 200
        found = answer.get_json()
        assert set(found) == {
            "id", "bid_id", "artwork_id", "status", "amount", "currency", "failure_reason",
            "checkout_url", "expires_at", "stripe_session_id", "created_at", "updated_at",
        }  # fmt: skip
        assert found["id"] == won["payment"]["id"]
        assert (found["checkout_url"] is not None) == (person is market.buyer)
    assert market.call(stranger, "GET", address).status_code == 404
    assert market.call(None, "GET", address).status_code == 401


def test_a_payment_that_does_not_exist_is_not_found(market: Market) -> None:
    huge = "9" * 20
    for path in (
        "/payments/999",
        f"/payments/{huge}",
        "/payments/artwork/999",
        f"/payments/artwork/{huge}",
        "/payments/session/cs_test_nothing",
    ):
        assert market.call(market.buyer, "GET", path).status_code == 404, path


def test_an_earlier_buyer_gets_their_own_payment_of_an_artwork_that_another_bought(
    market: Market,
) -> None:
    first = market.win()
    market.give_up(first["payment"]["id"])
    other = market.make_person("BUYER")
    second = market.bid(other, first["artwork_id"], "200.00").get_json()
    market.pay(second)
    market.settle(second["payment"]["id"])

    path = f"/payments/artwork/{first['artwork_id']}"
    assert market.call(market.buyer, "GET", path).get_json()["id"] == first["payment"]["id"]
    for person in (other, market.seller):
        assert market.call(person, "GET", path).get_json()["id"] == second["payment"]["id"]


def test_my_payments_are_the_callers_own_newest_first(market: Market) -> None:
    mine = [market.win()["payment"]["id"] for _ in range(3)]
    market.win(market.make_person("BUYER"))

    listed = market.call(market.buyer, "GET", "/payments/my-payments?per_page=2").get_json()
    assert [payment["id"] for payment in listed["items"]] == [mine[2], mine[1]]
    assert (listed["page"], listed["per_page"], listed["total"]) == (1, 2, 3)
    assert all(payment["checkout_url"] for payment in listed["items"])
    assert market.call(market.seller, "GET", "/payments/my-payments").get_json()["items"] == []


@pytest.mark.parametrize("kind", ["lost_before", "lost_after"])
def test_a_create_whose_answer_was_lost_ends_in_one_session(market: Market, kind: str) -> None:
    market.sandbox.fault("create", kind, times=2)
    won = market.win()
    assert won["payment"]["checkout_url"] is None

    answer = market.checkout(won["id"]).get_json()
    assert answer["checkout_url"] == market.only_session()["url"]
    keys = {request["key"] for request in market.requests("create")}
    assert len(keys) == 1
    assert market.payment(won["payment"]["id"]).attempt == 1


def test_a_stored_500_is_left_behind_with_a_new_attempt_and_a_new_key(market: Market) -> None:
    market.sandbox.fault("create", "stored_500")
    won = market.win()
    answer = market.checkout(won["id"]).get_json()

    assert answer["checkout_url"] == market.only_session()["url"]
    payment = market.payment(won["payment"]["id"])
    assert payment.attempt == 2
    keys = [request["key"] for request in market.requests("create")]
    assert len(set(keys)) == 2
    assert keys[-1] == payment.idempotency_key
    assert len(market.audits("payment.attempt_renewed")) == 1


def test_a_session_whose_answer_was_lost_is_found_before_a_new_key_is_taken(
    market: Market,
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    made = market.only_session()
    market.sandbox.fault("create", "status", status=500, times=20)
    for _ in range(3):
        market.checkout(won["id"])

    assert market.checkout(won["id"]).get_json()["checkout_url"] == made["url"]
    assert market.payment(won["payment"]["id"]).attempt == 1
    assert market.only_session()["id"] == made["id"]


def test_no_new_key_is_taken_while_stripe_does_not_tell_which_sessions_it_made(
    market: Market,
) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    market.sandbox.fault("create", "status", status=500, times=20)
    listing = market.sandbox.fault("list", "status", status=503, times=None)
    for _ in range(3):
        assert market.checkout(won["id"]).get_json()["checkout_url"] is None
    assert market.payment(won["payment"]["id"]).attempt == 1

    market.sandbox.control("DELETE", f"/faults/{listing}", status=204)
    assert market.checkout(won["id"]).get_json()["checkout_url"] == market.only_session()["url"]
    assert market.payment(won["payment"]["id"]).attempt == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: time.sleep(30), id="silent"),
        pytest.param(dripping(0, 1.0), id="dripping"),
    ],
)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_win_is_answered_in_time_by_a_slow_stripe_and_is_prepared_later(
    market: Market, answer: Callable[[socket.socket], None]
) -> None:
    with answering(answer) as base:
        settings = market.app.config["SETTINGS"].model_copy(
            update={"stripe_api_base": base.rstrip("/")}
        )
        app = create_app(settings)
        started = time.monotonic()
        won = replace(market, app=app).win()
        took = time.monotonic() - started
        release(app)
    assert took < 15
    assert won["status"] == "WON"
    assert won["payment"]["checkout_url"] is None

    market.sweep()
    assert market.read(won["payment"]["id"])["checkout_url"] == market.only_session()["url"]


def test_while_stripe_is_down_the_win_stands_and_the_page_comes_later(market: Market) -> None:
    market.fail_all()
    won = market.win()
    assert won["is_winning"]
    assert won["payment"]["checkout_url"] is None
    answer = market.checkout(won["id"])
    assert answer.status_code == 200
    assert answer.get_json()["checkout_url"] is None
    assert market.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")

    market.come_back()
    market.sweep()
    owed = market.read(won["payment"]["id"])
    assert owed["checkout_url"] == market.only_session()["url"]
    market.pay(won)
    market.sweep()
    assert market.standing(won) == ("SOLD", "WON", "SUCCEEDED")


def test_a_key_that_stripe_does_not_accept_is_flagged_once_and_costs_no_win(
    market: Market,
) -> None:
    market.make_person("ADMIN")
    market.sandbox.fault("create", "status", status=401, times=None)
    won = market.win()
    market.checkout(won["id"])
    [flag] = market.flags()
    assert (flag.kind, flag.payment_id) == ("stripe_refuses_us", None)
    assert flag.detail.endswith("Check STRIPE_SECRET_KEY: 1 payment waits.")
    assert market.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")

    for _ in range(2):
        market.win()
    market.sweep()
    [flag] = market.flags()
    assert flag.detail.endswith(": 3 payments wait.")
    assert len(market.mails("attention_needed")) == 1


def test_an_acknowledged_key_is_flagged_again_once_stripe_had_accepted_it(market: Market) -> None:
    def refuse() -> None:
        market.sandbox.fault("*", "status", status=401, times=None)
        market.sweep()

    market.sandbox.fault("create", "status", status=401)
    won = market.win()
    [flag] = market.flags()
    admin = market.make_person("ADMIN")
    with market.app.app_context():
        acknowledge_attention(flag.id, admin.id)
    refuse()
    assert len(market.flags()) == 1

    market.come_back()
    market.sweep()
    assert market.read(won["payment"]["id"])["checkout_url"] == market.only_session()["url"]
    refuse()
    [_, again] = market.flags()
    assert (again.kind, again.acknowledged_at) == ("stripe_refuses_us", None)
    refuse()
    assert len(market.flags()) == 2


def test_a_key_that_was_used_for_another_request_is_flagged_for_its_payment(
    market: Market,
) -> None:
    market.fail_all()
    won = market.win()
    payment = market.payment(won["payment"]["id"])
    market.come_back()
    params = payment.checkout_params | {"submit_type": "book"}
    with market.app.app_context():
        gateway().create_session(params, payment.idempotency_key)
    market.sweep()
    [flag] = market.flags()
    assert (flag.kind, flag.payment_id) == ("stripe_refuses_us", payment.id)


def test_what_stripe_refuses_for_good_frees_the_artwork_and_is_flagged(market: Market) -> None:
    market.sandbox.fault("create", "status", status=400)
    won = market.win()
    assert won["payment"]["status"] == "FAILED"
    assert market.standing(won) == ("ACTIVE", "RELEASED", "FAILED")
    assert market.read(won["payment"]["id"])["failure_reason"] == "refused_by_stripe"
    assert [flag.kind for flag in market.flags()] == ["checkout_refused"]


def test_ten_who_ask_at_once_get_one_session(market: Market) -> None:
    market.sandbox.fault("create", "lost_before", times=2)
    won = market.win()
    urls = at_once(10, lambda _: market.checkout(won["id"]).get_json()["checkout_url"])
    assert set(urls) == {market.only_session()["url"]}
    assert len(market.audits("payment.session_created")) == 1


def test_a_suspended_account_can_still_finish_its_payment(market: Market) -> None:
    won = market.win()
    market.change(User, market.buyer.id, active=False)
    assert market.checkout(won["id"]).status_code == 200
    market.pay(won)
    market.settle(won["payment"]["id"])
    assert market.read(won["payment"]["id"])["status"] == "SUCCEEDED"


def test_a_repeat_under_the_same_key_is_the_same_request_to_the_letter(market: Market) -> None:
    market.sandbox.fault("create", "lost_after", times=2)
    won = market.win()
    before = market.payment(won["payment"]["id"]).checkout_params
    market.change(Artwork, won["artwork_id"], title="Renamed meanwhile")
    assert market.checkout(won["id"]).status_code == 200
    assert market.payment(won["payment"]["id"]).checkout_params == before
    assert market.rows(Payment)[0].stripe_session_id == market.only_session()["id"]


def test_a_seller_learns_who_the_buyer_is_once_they_have_paid(market: Market) -> None:
    won = market.win(market.make_person("BUYER", "Ada of the unpaid win"))
    page = f"/payments/{won['payment']['id']}"
    assert "Ada of the unpaid win" not in market.seller.browser.get(page).text
    market.pay(won)
    market.settle(won["payment"]["id"])
    assert "Ada of the unpaid win" in market.seller.browser.get(page).text
