"""Wins that are not paid: the time runs out, or the buyer gives up."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.shop import Shop
from tests.journeys.windows import Windows


def test_an_unpaid_artwork_is_open_again_after_the_window_and_everybody_is_told(
    hasty_shop: Shop, windows: Windows
) -> None:
    seller, buyer = hasty_shop.account("SELLER"), hasty_shop.account()
    artwork_id = hasty_shop.artwork(seller=seller)
    watcher = windows.open(hasty_shop)
    watcher.goto(f"/artworks/{artwork_id}")
    expect(watcher.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
    page = windows.open(hasty_shop)
    steps.log_in(page, buyer)
    payment_id = steps.win(page, hasty_shop, artwork_id)
    page.goto(f"/payments/{payment_id}")
    expect(steps.heading(page)).to_have_text("You won")
    expect(steps.chip(watcher)).to_have_text("Reserved")

    expect(steps.heading(page)).to_have_text("Released", timeout=40_000)
    expect(page.locator("main")).to_contain_text("You have not been charged")
    expect(steps.chip(watcher)).to_have_text("Open")
    told = hasty_shop.mail(buyer.email, "payment_released")["text"]
    assert "not" in told
    assert "charged" in told
    assert hasty_shop.mail(seller.email, "sale_released")

    other = windows.open(hasty_shop)
    steps.log_in(other, hasty_shop.account())
    steps.win(other, hasty_shop, artwork_id, "140")
    page.goto(f"/artworks/{artwork_id}")
    expect(page.locator("[name=amount]")).to_have_count(0)


def test_a_page_of_stripe_left_open_past_the_window_cannot_be_paid(
    hasty_shop: Shop, windows: Windows
) -> None:
    buyer, artwork_id = hasty_shop.account(), hasty_shop.artwork()
    page = windows.open(hasty_shop)
    steps.log_in(page, buyer)
    windows.expected_statuses |= {400, 402, 404, 409, 410}  # whatever Stripe says of it
    steps.win(page, hasty_shop, artwork_id)
    hasty_shop.mail(buyer.email, "payment_released")
    steps.offer_card(page, steps.PAYS)
    expect(page.locator("body")).to_contain_text("expired", ignore_case=True)
    assert hasty_shop.status_of(artwork_id) == "ACTIVE"


def test_giving_up_frees_the_artwork_at_once_and_for_others_only(
    shop: Shop, windows: Windows
) -> None:
    seller, buyer = shop.account("SELLER"), shop.account()
    artwork_id = shop.artwork(seller=seller)
    watcher = windows.open(shop)
    watcher.goto(f"/artworks/{artwork_id}")
    page = windows.open(shop)
    steps.log_in(page, buyer)
    steps.win(page, shop, artwork_id)
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(steps.PAYMENT)
    expect(page.get_by_role("link", name="Pay $150.00")).to_be_visible()
    expect(page.locator("main")).to_contain_text("counts as an unpaid win")
    expect(steps.chip(watcher)).to_have_text("Reserved")

    page.get_by_role("button", name="Give up").click()
    expect(steps.heading(page)).to_have_text("Released")
    expect(page.locator("main")).to_contain_text("You gave up this win")
    expect(steps.chip(watcher)).to_have_text("Open")
    assert shop.status_of(artwork_id) == "ACTIVE"
    shop.mail(buyer.email, "payment_released")
    shop.mail(seller.email, "sale_released")

    page.get_by_role("link", name="See the artwork").click()
    expect(page.locator("main")).to_contain_text("You cannot bid on this again")
    other = windows.open(shop)
    steps.log_in(other, shop.account())
    steps.win(other, shop, artwork_id, "110")
