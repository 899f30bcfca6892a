"""The journey in browsers that lack something: JavaScript, or a way through for websockets."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.shop import Shop
from tests.journeys.windows import Windows


def test_everything_from_listing_to_paid_works_without_javascript(
    shop: Shop, windows: Windows, picture: Path
) -> None:
    windows.expected_statuses |= {402, 422}
    seller = windows.open(shop, java_script_enabled=False)
    steps.register(seller, "plain-ada@journeys.example", "Plain Ada", "SELLER")
    artwork_id = steps.list_artwork(seller, "Plain harbour", "80", picture)

    buyer = windows.open(shop, java_script_enabled=False)
    steps.register(buyer, "plain-bob@journeys.example", "Plain Bob", "BUYER")
    buyer.goto("/?q=Plain+harbour")
    buyer.get_by_role("link", name="Plain harbour").click()
    buyer.fill("[name=amount]", "12.345")
    buyer.get_by_role("button", name="Bid", exact=True).click()
    expect(buyer.get_by_role("alert")).to_contain_text("There is a problem")
    expect(buyer.locator("[name=amount]")).to_have_value("12.345")
    steps.bid(buyer, artwork_id, "79.99")
    expect(buyer.locator(".flashes")).to_contain_text("Not this time")
    payment_id = steps.win(buyer, shop, artwork_id, "80")
    buyer.goto(f"/payments/{payment_id}")
    expect(buyer.locator(".countdown time")).to_be_visible()
    buyer.get_by_role("link", name="Pay $80.00").click()
    steps.offer_card(buyer, steps.DECLINED)
    expect(buyer.get_by_role("alert")).to_contain_text("Your card was declined")
    steps.offer_card(buyer, steps.PAYS)
    expect(steps.heading(buyer)).to_have_text("Paid")
    buyer.get_by_role("link", name="My payments").first.click()
    expect(buyer.locator("main")).to_contain_text("Plain harbour")
    seller.reload()
    expect(steps.chip(seller)).to_have_text("Sold")


def test_without_websockets_an_open_page_changes_all_the_same(shop: Shop, windows: Windows) -> None:
    artwork_id = shop.artwork()
    watcher = windows.open(shop, websocket=False)
    watcher.goto(f"/artworks/{artwork_id}")
    badge = watcher.locator("[data-live-badge]")
    expect(badge).to_have_attribute("data-state", "polling")
    expect(badge).to_contain_text("Not live")

    bidder = shop.account()
    shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "99.99"}, by=bidder)
    expect(watcher.locator("[data-live=price]")).to_have_text("$99.99")
    won = shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "100"}, by=bidder)
    expect(steps.chip(watcher)).to_have_text("Reserved")
    session_id = won["payment"]["checkout_url"].rsplit("/", 1)[1]
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": steps.PAYS})
    expect(steps.chip(watcher)).to_have_text("Sold")
