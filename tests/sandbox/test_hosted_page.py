"""The hosted page without JavaScript."""

from __future__ import annotations

import threading
from typing import Any

import html5lib
import pytest
import requests
import stripe

from tests.sandbox.sandbox_process import CANCEL_URL, Sandbox, session_params
from tests.waiting import until

GOOD = {
    "email": "buyer@example.com",
    "card_number": "4242 4242 4242 4242",
    "exp": "12/34",
    "cvc": "123",
    "name": "Ada Buyer",
}
BANNER = "Sandbox – no money moves"


def submit(sandbox: Sandbox, session: Any, **changes: str) -> requests.Response:
    return sandbox.http.post(
        session.url, data={**GOOD, **changes}, allow_redirects=False, timeout=10
    )


def test_the_page_shows_what_is_bought_and_says_that_it_is_a_sandbox(
    sandbox: Sandbox, session: Any
) -> None:
    page = sandbox.http.get(session.url, timeout=5)
    assert page.status_code == 200
    for text in (BANNER, "Harbour at dawn", "$150.00", "Guess The Worth", CANCEL_URL, 'id="pay"'):
        assert text in page.text
    for name in GOOD:
        assert f'name="{name}"' in page.text
        assert f'<label for="{name}">' in page.text


def test_paying_leads_to_the_success_page_with_the_session_id(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    answer = submit(sandbox, session)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:9/return?session={session.id}"
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert paid.payment_status == "paid"
    assert paid.customer_details is not None
    assert paid.customer_details.name == "Ada Buyer"


def test_a_decline_stays_on_the_page_and_the_buyer_can_try_again(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    refused = submit(sandbox, session, card_number="4000000000000002")
    assert refused.status_code == 200
    assert "Your card was declined." in refused.text
    assert 'value="Ada Buyer"' in refused.text
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert submit(sandbox, session).status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("email", "", "Enter your email address."),
        ("email", "nobody", "Enter an email address like"),
        ("card_number", "", "Enter a card number."),
        ("card_number", "4111 1111 1111 1111", "This is not a test card."),
        ("card_number", "<script>alert(1)</script>", "This is not a test card."),
        ("exp", "", "Enter the expiry date as MM/YY"),
        ("exp", "13/34", "Enter the expiry date as MM/YY"),
        ("exp", "01/20", "This expiry date is in the past."),
        ("cvc", "", "Enter the 3 digits"),
        ("cvc", "12a", "Enter the 3 digits"),
        ("name", "", "Enter the name on the card."),
    ],
)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    sandbox: Sandbox, session: Any, field: str, value: str, told: str
) -> None:
    page = submit(sandbox, session, **{field: value})
    assert page.status_code == 422
    assert told in page.text
    assert f'aria-describedby="{field}-error"' in page.text
    kept = {"email": "name", "name": "email"}.get(field, "name")
    assert f'value="{GOOD[kept]}"' in page.text
    assert "<script>alert" not in page.text
    assert sandbox.event_types() == []


def test_a_number_that_is_no_test_card_is_neither_kept_nor_shown(
    sandbox: Sandbox, session: Any
) -> None:
    page = submit(sandbox, session, card_number="4111111111111111")
    for shown in (page.text, str(sandbox.ledger())):
        # Not fewer of its digits: those a port may have.
        assert "411111" not in shown.replace(" ", "")


def test_the_email_that_the_shop_gave_cannot_be_changed(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    params: Any = session_params(customer_email="known@example.com")
    session = client.v1.checkout.sessions.create(params)
    assert session.url is not None
    assert "readonly" in sandbox.http.get(session.url, timeout=5).text
    submit(sandbox, session, email="other@example.com")
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "known@example.com"


def test_a_test_card_can_be_chosen_without_javascript(sandbox: Sandbox, session: Any) -> None:
    page = sandbox.http.get(f"{session.url}?card=4000000000009995", timeout=5)
    assert 'value="4000 0000 0000 9995"' in page.text
    assert 'value="12/34"' in page.text


def test_three_d_secure_asks_on_a_page_of_its_own(sandbox: Sandbox, session: Any) -> None:
    asked = submit(sandbox, session, card_number="4000002500003155")
    assert asked.status_code == 303
    challenge = sandbox.url + asked.headers["Location"]
    page = sandbox.http.get(challenge, timeout=5)
    assert BANNER in page.text
    failed = sandbox.http.post(
        challenge, data={"outcome": "fail"}, allow_redirects=False, timeout=5
    )
    assert failed.status_code == 200
    assert "unable to authenticate" in failed.text
    again = sandbox.http.get(challenge, allow_redirects=False, timeout=5)
    assert again.headers["Location"] == f"/c/pay/{session.id}"
    submit(sandbox, session, card_number="4000002500003155")
    done = sandbox.http.post(
        challenge, data={"outcome": "complete"}, allow_redirects=False, timeout=5
    )
    assert done.status_code == 303
    assert session.id in done.headers["Location"]


def test_a_challenge_left_open_dies_with_the_session(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    submit(sandbox, session, card_number="4000002500003155")
    client.v1.checkout.sessions.expire(session.id)
    answer = sandbox.http.post(f"{session.url}/challenge", data={"outcome": "complete"}, timeout=5)
    assert answer.status_code == 410
    assert sandbox.ledger()["charges"] == []


def test_a_page_opened_before_expiry_tells_the_truth_when_submitted_after(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.http.get(session.url, timeout=5)
    client.v1.checkout.sessions.expire(session.id)
    answer = submit(sandbox, session)
    assert answer.status_code == 410
    assert "This payment page has expired" in answer.text
    assert "was not made" in answer.text
    assert sandbox.ledger()["charges"] == []


def test_a_second_submit_of_a_paid_page_charges_nothing_more(
    sandbox: Sandbox, session: Any
) -> None:
    submit(sandbox, session)
    again = submit(sandbox, session)
    assert again.status_code == 200
    assert "This payment is complete" in again.text
    assert len(sandbox.ledger()["charges"]) == 1


def test_a_page_that_does_not_exist_is_a_404(sandbox: Sandbox) -> None:
    page = sandbox.http.get(f"{sandbox.url}/c/pay/cs_test_nobody", timeout=5)
    assert page.status_code == 404
    assert BANNER in page.text


def test_the_shops_texts_cannot_write_html(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    item = session_params()["line_items"][0]
    price = {**item["price_data"], "product_data": {"name": "<img src=x onerror=alert(1)>"}}
    params: Any = session_params(line_items=[{**item, "price_data": price}])
    session = client.v1.checkout.sessions.create(params)
    assert session.url is not None
    for address in (session.url, sandbox.url):
        page = sandbox.http.get(address, timeout=5)
        assert "<img" not in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_every_page_is_valid_html(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    pages = [
        sandbox.http.get(session.url, timeout=5),
        submit(sandbox, session, name=""),
        submit(sandbox, session, card_number="4000000000000002"),
        sandbox.http.get(sandbox.url, timeout=5),
        sandbox.http.get(f"{sandbox.url}/nowhere", timeout=5),
    ]
    submit(sandbox, session, card_number="4000002500003155")
    pages.append(sandbox.http.get(f"{session.url}/challenge", timeout=5))
    client.v1.checkout.sessions.expire(session.id)
    pages.append(sandbox.http.get(session.url, timeout=5))
    for page in pages:
        html5lib.HTMLParser(strict=True).parse(page.text)
        assert BANNER in page.text


@pytest.mark.parametrize("first", ["pay", "expire"])
def test_whichever_of_pay_and_expire_comes_first_wins(
    sandbox: Sandbox, session: Any, first: str
) -> None:
    """Both requests are inside the sandbox at once; the barrier decides who goes on first."""
    for name in ("pay", "expire"):
        gate = {"name": name, "operation": name, "when": "before"}
        sandbox.control("POST", "/barriers", gate, 201)
    answers: dict[str, int] = {}

    def pay() -> None:
        answers["pay"] = requests.post(
            session.url, data=GOOD, allow_redirects=False, timeout=20
        ).status_code

    def expire() -> None:
        answers["expire"] = requests.post(
            f"{sandbox.url}/v1/checkout/sessions/{session.id}/expire",
            headers={"Authorization": "Bearer sk_test_x"},
            timeout=20,
        ).status_code

    threads = {"pay": threading.Thread(target=pay), "expire": threading.Thread(target=expire)}
    for thread in threads.values():
        thread.start()
    until(lambda: [gate["waiting"] for gate in sandbox.control("GET", "/barriers")] == [1, 1])
    for name in (first, "expire" if first == "pay" else "pay"):
        sandbox.control("POST", f"/barriers/{name}/release")
        threads[name].join()
    [found] = sandbox.ledger()["sessions"]
    if first == "pay":
        assert answers == {"pay": 303, "expire": 400}
        assert (found["status"], found["payment_status"]) == ("complete", "paid")
    else:
        assert answers == {"expire": 200, "pay": 410}
        assert (found["status"], found["payment_status"]) == ("expired", "unpaid")
        assert sandbox.ledger()["charges"] == []


def test_pay_and_expire_let_loose_together_have_exactly_one_winner(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    params: Any = session_params()
    for _ in range(10):
        session = client.v1.checkout.sessions.create(params)
        start = threading.Barrier(2)
        answers: dict[str, int] = {}

        def pay(url: str | None = session.url, start: threading.Barrier = start) -> None:
            start.wait()
            answer = requests.post(str(url), data=GOOD, allow_redirects=False, timeout=20)
            answers["pay"] = answer.status_code  # noqa: B023

        def expire(name: str = session.id, start: threading.Barrier = start) -> None:
            start.wait()
            answer = requests.post(
                f"{sandbox.url}/v1/checkout/sessions/{name}/expire",
                headers={"Authorization": "Bearer sk_test_x"},
                timeout=20,
            )
            answers["expire"] = answer.status_code  # noqa: B023

        threads = [threading.Thread(target=pay), threading.Thread(target=expire)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers in ({"pay": 303, "expire": 400}, {"pay": 410, "expire": 200})
    ledger = sandbox.ledger()
    complete = [each for each in ledger["sessions"] if each["status"] == "complete"]
    assert len(ledger["charges"]) == len(complete)
