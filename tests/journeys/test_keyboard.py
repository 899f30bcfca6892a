"""The journeys of a buyer and of a seller by keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.keyboard import Keyboard
from tests.journeys.shop import PASSWORD, Shop
from tests.journeys.windows import Windows

RETURN = re.compile(r"/payments/\d+/return")


def test_a_buyer_registers_bids_pays_and_reads_the_receipt(shop: Shop, windows: Windows) -> None:
    windows.expected_statuses.add(422)
    artwork_id = shop.artwork(threshold="120.00")
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    page = windows.open(shop)
    keys = Keyboard(page)
    keys.open("/")
    keys.press("Register")
    page.wait_for_url("**/register")
    keys.skip()
    keys.fill(email="keys@journeys.example", name="Kay Keys", password=PASSWORD)
    keys.to(name="role")
    page.keyboard.press("Space")
    expect(page.locator("[name=role][value=BUYER]")).to_be_checked()
    keys.press("Create account")
    expect(page.locator(".flashes")).to_contain_text("Your account is ready")

    keys.fill(q=title)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=*")
    keys.press(title)
    page.wait_for_url(f"**/artworks/{artwork_id}")
    keys.to(name="keep")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    keys.fill(amount="nothing")
    keys.press("Bid")
    expect(page.get_by_role("alert")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("[name=amount]")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("150")
    page.keyboard.press("Enter")
    expect(steps.heading(page)).to_have_text("Confirm your bid")
    keys.press("Place bid", key="Space")
    page.wait_for_url(steps.HOSTED)
    keys_to_pay(keys)
    page.wait_for_url(RETURN)
    expect(steps.heading(page)).to_have_text("Paid")
    assert keys.round() > 5
    keys.press("My payments")
    page.wait_for_url("**/me/payments")
    keys.press("Receipt")
    expect(steps.heading(page)).to_have_text("Paid")
    keys.to("Your account")
    page.keyboard.press("Enter")
    keys.to("Account")
    page.keyboard.press("Escape")
    expect(page.locator(".menu__summary")).to_be_focused()
    page.keyboard.press("Enter")
    keys.press("Log out")
    expect(page.locator(".flashes")).to_contain_text("You are logged out")


def keys_to_pay(keys: Keyboard) -> None:
    """Fill in the page of Stripe's stand-in."""
    page = keys.page
    page.focus("[name=card_number]")
    for text in (steps.PAYS, "12/34", "123", "Kay Keys"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.focus("#pay")
    page.keyboard.press("Enter")


def test_a_seller_lists_looks_withdraws_and_lists_again(
    shop: Shop, windows: Windows, picture: Path
) -> None:
    seller = shop.account("SELLER")
    page = windows.open(shop)
    keys = Keyboard(page)
    keys.open("/login")
    keys.skip()
    keys.fill(email=seller.email, password=PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/seller")
    keys.press("List an artwork")
    page.wait_for_url("**/seller/artworks/new")
    keys.fill(title="By keyboard alone", artist_name="Ada")
    keys.to(name="category")
    page.keyboard.press("P")
    keys.fill(description="Without a mouse.")
    keys.choose_file("image", picture)
    expect(page.locator("#picture-preview")).to_be_visible()
    keys.fill(alt="Boats", secret_threshold="90")
    keys.press("List the artwork")
    page.wait_for_url(re.compile(r"/seller/artworks/\d+$"))
    expect(page.get_by_alt_text("Boats")).to_be_visible()
    keys.press("Withdraw")
    page.wait_for_url("**/withdraw")
    keys.press("Withdraw", key="Space")
    expect(steps.chip(page)).to_have_text("Withdrawn")
    keys.press("Selling")
    page.wait_for_url("**/seller")
    assert keys.round() > 10
    keys.press("List again")
    page.wait_for_url("**/relist")
    keys.press("List it again")
    expect(steps.chip(page)).to_have_text("Open")
