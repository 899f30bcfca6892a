"""What people do in a window, with and without JavaScript alike."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.journeys.shop import PASSWORD, Account, Shop

PAYS = "4242424242424242"
DECLINED = "4000000000000002"
ASKS_FOR_3D_SECURE = "4000002500003155"
HOSTED = re.compile(r"/c/pay/cs_test_")
PAYMENT = re.compile(r"/payments/\d+$")


def register(page: Page, email: str, name: str, role: str) -> None:
    """Open an account; ends signed in."""
    page.goto("/")
    page.get_by_role("link", name="Register").click()
    page.fill("[name=email]", email)
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.check(f"[name=role][value={role}]")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".flashes")).to_contain_text("Your account is ready")


def log_in(page: Page, account: Account, path: str = "/login") -> None:
    """Sign in on the page that `path` leads to."""
    page.goto(path)
    page.fill("[name=email]", account.email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".site-account")).to_contain_text(account.name)


def list_artwork(page: Page, title: str, threshold: str, picture: Path) -> int:
    """Fill in the listing form as a signed-in seller; the artwork's id."""
    page.goto("/seller")
    page.get_by_role("link", name="List an artwork").first.click()
    page.fill("[name=title]", title)
    page.fill("[name=artist_name]", "Ada Maler")
    page.fill("[name=description]", "Oil on canvas.\n\nSigned on the back.")
    page.select_option("[name=category]", "Painting")
    page.set_input_files("[name=image]", picture)
    page.fill("[name=alt]", "Boats in a harbour")
    page.fill("[name=secret_threshold]", threshold)
    page.get_by_role("button", name="List the artwork").click()
    page.wait_for_url(re.compile(r"/seller/artworks/\d+$"))
    return int(page.url.rsplit("/", 1)[1])


def ask_to_bid(page: Page, artwork_id: int, amount: str) -> None:
    """Type an amount on the artwork's page; ends at the confirm step."""
    page.goto(f"/artworks/{artwork_id}")
    page.fill("[name=amount]", amount)
    page.get_by_role("button", name="Bid", exact=True).click()
    expect(page.locator("h1")).to_have_text("Confirm your bid")


def bid(page: Page, artwork_id: int, amount: str) -> None:
    """Bid, through the confirm step."""
    ask_to_bid(page, artwork_id, amount)
    page.get_by_role("button", name="Place bid").click()


def win(page: Page, shop: Shop, artwork_id: int, amount: str = "150") -> int:
    """Bid at or above the threshold; ends on the hosted page. The payment's id."""
    bid(page, artwork_id, amount)
    page.wait_for_url(HOSTED)
    session_id = page.url.rsplit("/", 1)[1]
    sessions = shop.control("GET", "/ledger")["sessions"]
    (session,) = [each for each in sessions if each["id"] == session_id]
    return int(session["client_reference_id"])


def offer_card(page: Page, card: str) -> None:
    """Fill in the hosted page and send it."""
    page.fill("[name=card_number]", card)
    page.fill("[name=exp]", "12/34")
    page.fill("[name=cvc]", "123")
    page.fill("[name=name]", "Ada Buyer")
    page.click("#pay")


def chip(page: Page) -> Locator:
    """The artwork's state on its own page."""
    return page.locator("main [data-live=status]").first


def heading(page: Page) -> Locator:
    """The page's heading."""
    return page.locator("h1")
