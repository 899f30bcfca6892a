"""The journey in browsers that lack something: JavaScript, or a way through for websockets."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.shop import PASSWORD, Shop
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
    expect(buyer.get_by_text("Pay by")).to_be_hidden()
    buyer.get_by_role("link", name="Pay $80.00").click()
    steps.offer_card(buyer, steps.DECLINED)
    expect(buyer.get_by_role("alert")).to_contain_text("Your card was declined")
    steps.offer_card(buyer, steps.PAYS)
    expect(steps.heading(buyer)).to_have_text("Paid")
    buyer.get_by_role("link", name="My payments").first.click()
    expect(buyer.locator("main")).to_contain_text("Plain harbour")
    buyer.get_by_role("link", name="Receipt").click()
    expect(buyer.locator(".receipt")).to_contain_text(f"GTW-{payment_id}")
    expect(buyer.get_by_role("button", name="Print the receipt")).to_be_hidden()
    seller.reload()
    expect(steps.chip(seller)).to_have_text("Sold")


def test_a_buyers_other_ways_work_without_javascript(shop: Shop, windows: Windows) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    page = windows.open(shop, java_script_enabled=False)
    steps.log_in(page, buyer, f"/login?next=/artworks/{artwork_id}")
    heart = page.get_by_role("button", name="Favourite")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Favourites").click()
    expect(page.locator(".card")).to_contain_text(title)
    page.get_by_role("button", name="Favourite").click()
    page.goto("/me/favourites")
    expect(page.locator("main")).to_contain_text("No favourites yet")

    payment_id = steps.win(page, shop, artwork_id)
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(f"**/payments/{payment_id}")
    page.get_by_role("button", name="Give up").click()
    expect(steps.heading(page)).to_have_text("Released")
    page.get_by_role("link", name="See the artwork").click()
    expect(page.locator("main")).to_contain_text("You cannot bid on this again")
    page.get_by_role("link", name="My bids").click()
    expect(page.locator("main")).to_contain_text("Released")

    page.goto("/account")
    page.fill("[name=name]", "Plain Pat")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator(".site-account")).to_contain_text("Plain Pat")
    page.fill("[name=label]", "Stock list")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_label("Token for “Stock list”")).not_to_have_value("")
    page.goto("/account")
    page.get_by_role("button", name="Revoke Stock list").click()
    expect(page.locator("main")).not_to_contain_text("Stock list")
    page.fill("[name=current_password]", PASSWORD)
    page.fill("[name=password]", "quite another long one")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".flashes")).to_contain_text("Your password is changed")
    page.locator(".menu__summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator(".flashes")).to_contain_text("You are logged out")


def test_a_sellers_other_ways_work_without_javascript(
    shop: Shop, windows: Windows, picture: Path
) -> None:
    windows.expected_statuses.add(422)
    page = windows.open(shop, java_script_enabled=False)
    steps.log_in(page, shop.account("SELLER"))
    page.goto("/seller/artworks/new")
    page.fill("[name=title]", "Kept as typed")
    page.set_input_files("[name=image]", picture)
    page.get_by_role("button", name="List the artwork").click()
    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(page.locator("[name=title]")).to_have_value("Kept as typed")
    expect(page.get_by_alt_text("The picture that you sent")).to_be_visible()
    page.fill("[name=secret_threshold]", "75")
    page.get_by_role("button", name="List the artwork").click()
    expect(page.locator(".flashes")).to_contain_text("is listed and open for bids")
    page.get_by_role("link", name="Edit").click()
    page.fill("[name=title]", "Changed my mind")
    page.get_by_role("button", name="Save").click()
    expect(steps.heading(page)).to_have_text("Changed my mind")
    page.fill("[name=threshold]", "10")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#what-if")).to_contain_text("too few bids")
    for link, button, chip in (
        ("Withdraw", "Withdraw", "Withdrawn"),
        ("List again", "List it again", "Open"),
    ):
        page.get_by_role("link", name=link).click()
        page.get_by_role("button", name=button).click()
        expect(steps.chip(page)).to_have_text(chip)


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
