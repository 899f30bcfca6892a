"""What can come between the winning bid and the money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.shop import PASSWORD, Account, Shop
from tests.journeys.windows import Windows
from tests.waiting import until

RETURN = re.compile(r"/payments/\d+/return")


@pytest.fixture
def without_webhooks(shop: Shop) -> Iterator[None]:
    """Stripe's webhooks get lost."""
    shop.control("PUT", "/webhooks", {"mode": "drop"})
    yield
    shop.control("PUT", "/webhooks", {"mode": "deliver"})


def winner(shop: Shop, windows: Windows) -> tuple[Page, Account, int, int]:
    """Somebody on the hosted page of what they won: window, account, artwork, payment."""
    buyer, artwork_id = shop.account(), shop.artwork()
    page = windows.open(shop)
    steps.log_in(page, buyer)
    payment_id = steps.win(page, shop, artwork_id)
    return page, buyer, artwork_id, payment_id


def test_a_card_that_asks_for_3d_secure_fails_first_and_then_pays(
    shop: Shop, windows: Windows
) -> None:
    windows.expected_statuses.add(402)
    page, buyer, artwork_id, _payment_id = winner(shop, windows)
    steps.offer_card(page, steps.ASKS_FOR_3D_SECURE)
    expect(steps.heading(page)).to_have_text("Is this you?")
    page.click("#challenge-fail")
    expect(page.get_by_role("alert")).to_contain_text("unable to authenticate")
    assert shop.status_of(artwork_id) == "PENDING_PAYMENT"
    steps.offer_card(page, steps.ASKS_FOR_3D_SECURE)
    page.click("#challenge-complete")
    page.wait_for_url(RETURN)
    expect(steps.heading(page)).to_have_text("Paid")
    assert shop.status_of(artwork_id) == "SOLD"
    assert shop.mail(buyer.email, "payment_receipt")


def test_the_mails_link_leads_to_the_same_session_on_another_device(
    shop: Shop, windows: Windows
) -> None:
    page, buyer, artwork_id, payment_id = winner(shop, windows)
    session = urlsplit(page.url).path
    page.context.close()
    mail = shop.mail(buyer.email, "payment_required")
    (link,) = set(re.findall(rf"{shop.url}/payments/\d+\b", mail["text"]))
    assert f'href="{link}"' in mail["html"]

    elsewhere = windows.open(shop)
    elsewhere.goto(link)
    elsewhere.fill("[name=email]", buyer.email)
    elsewhere.fill("[name=password]", PASSWORD)
    elsewhere.get_by_role("button", name="Log in").click()
    elsewhere.wait_for_url(f"**/payments/{payment_id}")
    elsewhere.get_by_role("link", name="Pay $150.00").click()
    elsewhere.wait_for_url(steps.HOSTED)
    assert urlsplit(elsewhere.url).path == session
    steps.offer_card(elsewhere, steps.PAYS)
    expect(steps.heading(elsewhere)).to_have_text("Paid")
    assert shop.status_of(artwork_id) == "SOLD"


@pytest.mark.usefixtures("without_webhooks")
def test_the_return_page_says_paid_though_the_webhook_is_lost(shop: Shop, windows: Windows) -> None:
    page, buyer, artwork_id, _payment_id = winner(shop, windows)
    steps.offer_card(page, steps.PAYS)
    page.wait_for_url(RETURN)
    expect(steps.heading(page)).to_have_text("Paid")
    assert shop.status_of(artwork_id) == "SOLD"
    assert shop.mail(buyer.email, "payment_receipt")


@pytest.mark.usefixtures("without_webhooks")
def test_the_sweep_finishes_the_sale_when_webhook_and_buyer_are_lost(
    shop: Shop, windows: Windows
) -> None:
    page, buyer, artwork_id, _payment_id = winner(shop, windows)
    watcher = windows.open(shop)
    watcher.goto(f"/artworks/{artwork_id}")
    expect(steps.chip(watcher)).to_have_text("Reserved")
    session_id = page.url.rsplit("/", 1)[1]
    page.context.close()
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": steps.PAYS})
    expect(steps.chip(watcher)).to_have_text("Sold")
    assert shop.mail(buyer.email, "payment_receipt")


def test_two_over_the_threshold_at_once_and_exactly_one_wins(shop: Shop, windows: Windows) -> None:
    windows.expected_statuses.add(409)
    artwork_id = shop.artwork()
    pages = [windows.open(shop) for _ in range(2)]
    for page, amount in zip(pages, ("150", "160"), strict=True):
        steps.log_in(page, shop.account())
        steps.ask_to_bid(page, artwork_id, amount)
    for page in pages:
        # Returns before the answer is there, as a click of the mouse does.
        page.evaluate("setTimeout(() => document.getElementById('confirm-form').requestSubmit())")
    reserved = [page.get_by_text("This artwork is reserved") for page in pages]

    def outcomes() -> list[str]:
        found = []
        for page, refusal in zip(pages, reserved, strict=True):
            if steps.HOSTED.search(page.url):
                found.append("won")
            elif refusal.count():
                found.append("told")
        return found if len(found) == len(pages) else []

    assert sorted(until(outcomes, seconds=20)) == ["told", "won"]
    titles = [
        session["metadata"]["artwork_id"] for session in shop.control("GET", "/ledger")["sessions"]
    ]
    assert titles.count(str(artwork_id)) == 1
