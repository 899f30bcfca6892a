"""From a stranger's first page to a paid sale, and who sees what of it meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.shop import Shop
from tests.journeys.windows import Windows
from tests.waiting import until

MARK = "document.documentElement.dataset.stillTheSamePage"


def test_a_stranger_lists_and_another_bids_is_declined_and_pays(
    shop: Shop, windows: Windows, picture: Path
) -> None:
    seller = windows.open(shop)
    steps.register(seller, "ada@journeys.example", "Ada Seller", "SELLER")
    artwork_id = steps.list_artwork(seller, "Harbour at dawn", "120.00", picture)
    expect(seller.locator("main")).to_contain_text("$120.00")

    watcher = windows.open(shop)
    watcher.goto(f"/artworks/{artwork_id}")
    expect(watcher.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
    expect(watcher.get_by_alt_text("Boats in a harbour")).to_be_visible()
    assert watcher.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    watcher.evaluate(f"{MARK} = 'yes'")

    buyer = windows.open(shop)
    steps.register(buyer, "bob@journeys.example", "Bob Buyer", "BUYER")
    windows.expected_statuses.add(402)  # how the hosted page answers a declined card
    _bid_below_in_vain(buyer, artwork_id)
    _expect_bid(watcher, "$119.99")

    payment_id = steps.win(buyer, shop, artwork_id, "150.00")
    expect(buyer.locator("body")).to_contain_text("Harbour at dawn")
    expect(buyer.locator("body")).to_contain_text("$150.00")
    expect(steps.chip(watcher)).to_have_text("Reserved")
    expect(watcher.locator("main")).to_contain_text("somebody is paying for it right now")
    assert "150" not in watcher.locator("main").inner_text()
    _expect_sale_state(seller, artwork_id, "Reserved")

    steps.offer_card(buyer, steps.DECLINED)
    expect(buyer.get_by_role("alert")).to_contain_text("Your card was declined")
    assert shop.mail("bob@journeys.example", "payment_failed")
    steps.offer_card(buyer, steps.PAYS)
    buyer.wait_for_url(re.compile(rf"^{shop.url}/payments/{payment_id}/return"))
    expect(steps.heading(buyer)).to_have_text("Paid")
    expect(buyer.locator("main")).to_contain_text(f"GTW-{payment_id}")

    expect(steps.chip(watcher)).to_have_text("Sold")
    expect(watcher.locator("main")).to_contain_text("$150.00")
    assert watcher.evaluate(MARK) == "yes"
    _expect_sale_state(seller, artwork_id, "Sold")
    receipt = shop.mail("bob@journeys.example", "payment_receipt")
    assert "$150.00" in receipt["text"]
    assert "Harbour at dawn" in receipt["html"]
    assert "$150.00" in shop.mail("ada@journeys.example", "sale_completed")["text"]


def _bid_below_in_vain(buyer: Page, artwork_id: int) -> None:
    steps.bid(buyer, artwork_id, "119.99")
    expect(buyer.locator(".flashes")).to_contain_text("Not this time")
    assert not re.search(r"120|close|near|almost", buyer.locator("main").inner_text())


def _expect_bid(watcher: Page, amount: str) -> None:
    expect(watcher.locator("[data-live=price]")).to_have_text(amount)
    expect(watcher.locator("[data-live=bid-count]").first).to_have_text("1 bid")
    expect(watcher.locator("[data-live-region=bids]")).to_contain_text(amount)


def _expect_sale_state(seller: Page, artwork_id: int, state: str) -> None:
    """The seller's open page changes by itself, and says the same when it is opened anew."""
    expect(steps.chip(seller)).to_have_text(state)
    seller.goto(f"/seller/artworks/{artwork_id}")
    expect(steps.chip(seller)).to_have_text(state)


def test_what_was_typed_wrong_stays_while_others_bid(shop: Shop, windows: Windows) -> None:
    windows.expected_statuses.add(422)
    artwork_id = shop.artwork()
    page = windows.open(shop)
    steps.log_in(page, shop.account())
    page.goto(f"/artworks/{artwork_id}")
    page.fill("[name=amount]", "12.345")
    page.get_by_role("button", name="Bid", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
    shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "20"}, by=shop.account())
    expect(page.locator("[data-live=price]")).to_have_text("$20.00")
    expect(page.locator("[data-live-region=bids]")).to_contain_text("$20.00")
    expect(page.locator("[name=amount]")).to_have_value("12.345")
    expect(page.locator("#amount-error")).to_be_visible()


def test_every_mail_of_a_sale_arrives_once(shop: Shop, windows: Windows) -> None:
    seller, buyer = shop.account("SELLER"), shop.account()
    artwork_id = shop.artwork(seller=seller)
    page = windows.open(shop)
    steps.log_in(page, buyer)
    steps.win(page, shop, artwork_id)
    shop.mail(buyer.email, "payment_required")
    shop.mail(seller.email, "sale_pending")
    steps.offer_card(page, steps.PAYS)
    expect(steps.heading(page)).to_have_text("Paid")
    until(lambda: len(shop.mails(buyer.email)) == len(shop.mails(seller.email)) == 2, 20)
    assert shop.mails(buyer.email) == ["payment_required", "payment_receipt"]
    assert shop.mails(seller.email) == ["sale_pending", "sale_completed"]
