"""The list of payments, a payment's page, and asking Stripe from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.admin import queries
from app.core import clock
from app.payments.models import Payment
from tests.dashboards.test_own_pages import make_payment
from tests.payments.market import Market
from tests.people import Browser, TestPerson

COMPLETED = "checkout.session.completed"


def shown(admin: TestPerson, **asked: Any) -> str:
    """The list as the address asks for it."""
    return admin.browser.get("/admin/payments", query_string=asked).text


def ask(admin: TestPerson, payment_id: int) -> str:
    """Press the button; the page that follows."""
    answer = admin.browser.submit(f"/admin/payments/{payment_id}/ask")
    assert answer.status_code == 303
    return admin.browser.get(answer.location).text


def test_payments_are_found_by_state_number_artwork_address_and_stripes_id(
    app: Flask,
    admin: TestPerson,
    seller: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
) -> None:
    assert "No payments yet" in shown(admin)
    ada, bo = make_person(email="ada@paying.example"), make_person(email="bo@paying.example")
    ferry = make_artwork(seller, title="Night ferry", status="SOLD", sold_cents=12_345)
    first = make_payment(
        app, ferry, ada, seller, 12_345, "SUCCEEDED", stripe_payment_intent_id="pi_ferry"
    )
    second = make_payment(
        app, make_artwork(seller, title="100% Blue", status="PENDING_PAYMENT"), bo, seller, 9_900
    )
    for asked, found in (
        ({}, {first, second}),
        ({"status": "SUCCEEDED"}, {first}),
        ({"status": "PENDING"}, {second}),
        ({"q": "night FERRY"}, {first}),
        ({"q": "bo@paying"}, {second}),
        ({"q": "0%"}, {second}),
        ({"q": "pi_ferry"}, {first}),
        ({"q": f"#{second}"}, {second}),
        ({"q": "nothing is called this"}, set()),
        ({"q": "ferry", "status": "PENDING"}, set()),
        ({"page": "2"}, set()),
    ):
        page = shown(admin, **asked)
        links = {each for each in (first, second) if f'href="/admin/payments/{each}"' in page}
        assert links == found, asked
        assert found or "No payment matches" in page
    assert "$123.45" in shown(admin)


@pytest.mark.parametrize("query", ["status=NONSENSE", "page=0", "page=x", "q=" + "x" * 201])
def test_a_filter_that_makes_no_sense_is_said_and_narrows_nothing(
    admin: TestPerson, query: str
) -> None:
    answer = admin.browser.get(f"/admin/payments?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


def test_a_payments_page_tells_its_facts_and_its_story(market: Market, admin: TestPerson) -> None:
    won = market.win()
    market.pay(won)
    assert market.deliver(market.event(COMPLETED)) == [200]
    payment = market.payment(won["payment"]["id"])
    page = admin.browser.get(f"/admin/payments/{payment.id}").text
    for words in (
        market.buyer.email, market.seller.name, "$100.00", "Paid", "Test",
        payment.stripe_session_id, payment.stripe_payment_intent_id, payment.idempotency_key,
        "payment.session_created", "payment.succeeded", COMPLETED, "A sandbox stands in",
    ):  # fmt: skip
        assert str(words) in page
    assert page.index("payment.session_created") < page.index("payment.succeeded")
    assert "dashboard.stripe.com" not in page
    assert admin.browser.get("/admin/payments/999999").status_code == 404


def test_a_payments_page_is_no_one_elses(market: Market, client: Browser) -> None:
    won = market.win()
    path = f"/admin/payments/{won['payment']['id']}"
    assert client.get(path).status_code == 303
    for person in (market.buyer, market.seller):
        assert person.browser.get(path).status_code == 403
        assert person.browser.submit(f"{path}/ask").status_code == 403
    assert market.audits("payment.asked") == []


@pytest.mark.parametrize(
    ("columns", "address"),
    [
        ({"stripe_payment_intent_id": "pi_1"}, "https://dashboard.stripe.com/test/payments/pi_1"),
        (
            {"stripe_payment_intent_id": "pi_1", "livemode": True},
            "https://dashboard.stripe.com/payments/pi_1",
        ),
        (
            {"stripe_session_id": "cs_test_1"},
            "https://dashboard.stripe.com/test/search?query=cs_test_1",
        ),
        ({}, None),
    ],
)
def test_stripes_own_page_is_linked_unless_a_sandbox_stands_in(
    app: Flask, columns: dict[str, Any], address: str | None
) -> None:
    payment = Payment(**{"livemode": False} | columns)
    settings = app.config["SETTINGS"]
    with app.app_context():
        assert queries.stripe_address(payment) is None
        app.config["SETTINGS"] = settings.model_copy(update={"stripe_api_base": None})
        try:
            assert queries.stripe_address(payment) == address
        finally:
            app.config["SETTINGS"] = settings


def test_asking_stripe_finishes_a_sale_whose_webhook_was_lost(
    market: Market, admin: TestPerson
) -> None:
    won = market.win()
    payment_id = won["payment"]["id"]
    assert "Stripe agrees: this payment is still awaiting payment" in ask(admin, payment_id)
    market.pay(won)
    assert "Stripe had news: this payment is now paid" in ask(admin, payment_id)
    assert market.sold_once(won)
    assert "Stripe agrees: this payment is paid" in ask(admin, payment_id)
    assert {deed.user_id for deed in market.audits("payment.asked")} == {admin.id}


def test_asking_a_stripe_that_is_away_changes_nothing(market: Market, admin: TestPerson) -> None:
    won = market.win()
    before = market.standing(won)
    market.fail_all()
    assert "Stripe gave no answer" in ask(admin, won["payment"]["id"])
    assert market.standing(won) == before


def test_a_payment_that_stripe_never_heard_of_says_so(
    app: Flask, admin: TestPerson, buyer: TestPerson, seller: TestPerson,
    make_artwork: Callable[..., int],
) -> None:  # fmt: skip
    payment_id = make_payment(
        app, make_artwork(seller), buyer, seller, 500, "CANCELED", closed_at=clock.now()
    )
    assert "Stripe was never asked" in ask(admin, payment_id)
    assert admin.browser.submit("/admin/payments/999999/ask").status_code == 404
