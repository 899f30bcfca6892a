"""Each page of the journey, in each of its states: for everybody, on any screen, in both themes.

With SCREENSHOTS set to a folder, pictures of all of them are left there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.shop import Account, Shop
from tests.journeys.windows import Windows

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (320, 375, 1280)
PHOTOGRAPHED = (375, 1280)
# What makes the page scroll sideways, when something does.
STICKING_OUT = """async () => {
  const root = document.documentElement;
  // The new width counts from the next frame on.
  for (const _ of "12") await new Promise((next) => requestAnimationFrame(next));
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth)
    .map((one) => one.outerHTML.slice(0, 80) + " " + one.getBoundingClientRect().right);
}"""
FOLDER = os.environ.get("SCREENSHOTS")


@dataclass
class Survey:
    """Looks at pages as they stand, and remembers what is wrong with them."""

    found: list[str] = field(default_factory=list)

    def look(self, page: Page, name: str) -> None:
        """See the page in both themes and all widths."""
        expect(page.locator("main")).to_be_visible()
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                if outside := page.evaluate(STICKING_OUT):
                    self.found.append(f"{name} is too wide at {width}: {outside}")
                if FOLDER and width in PHOTOGRAPHED:
                    file = Path(FOLDER) / f"{name}-{theme}-{width}.png"
                    page.screenshot(path=file, full_page=True)
            violations = Axe().run(page).response["violations"]
            for each in violations:
                where = [node["html"] for node in each["nodes"]]
                self.found.append(f"{name}, {theme}: {each['id']}: {each['help']}: {where}")


@pytest.fixture
def survey() -> Iterator[Survey]:
    """A survey that has to find nothing."""
    survey = Survey()
    yield survey
    assert survey.found == []


@pytest.fixture
def window(shop: Shop, windows: Windows) -> Callable[..., Page]:
    """Open a window into which axe may be put, which the pages' own policy forbids to others."""

    def open_window(account: Account | None = None) -> Page:
        page = windows.open(shop, bypass_csp=True)
        if account:
            steps.log_in(page, account)
        return page

    return open_window


@pytest.fixture
def stripe_away(shop: Shop) -> Iterator[Callable[..., None]]:
    """Have Stripe fail all requests of these operations; with none, all is well again."""

    def fail(*operations: str) -> None:
        shop.control("DELETE", "/faults")
        for operation in operations:
            fault = {"operation": operation, "kind": "status", "status": 503, "times": None}
            shop.control("POST", "/faults", fault)

    yield fail
    fail()
    shop.control("PUT", "/webhooks", {"mode": "deliver"})


def test_pages_for_strangers(window: Callable[..., Page], windows: Windows, survey: Survey) -> None:
    windows.expected_statuses |= {401, 404, 422}
    page = window()
    for path, name in (
        ("/", "browse"),
        ("/?q=nothing-is-called-this", "browse-nothing-found"),
        ("/?status=SOLD", "browse-sold"),
        ("/register", "register"),
        ("/login", "login"),
        ("/password/forgot", "forgotten-password"),
        ("/help", "help"),
        ("/nowhere", "not-found"),
    ):
        page.goto(path)
        survey.look(page, name)
    page.goto("/register")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_be_focused()
    survey.look(page, "register-errors")
    page.goto("/login")
    page.fill("[name=email]", "nobody@journeys.example")
    page.fill("[name=password]", "wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    survey.look(page, "login-errors")


def test_pages_of_a_seller(
    shop: Shop, window: Callable[..., Page], windows: Windows, survey: Survey, picture: Path
) -> None:
    windows.expected_statuses.add(422)
    seller, buyer = shop.account("SELLER"), shop.account()
    page = window(seller)
    page.goto("/seller")
    survey.look(page, "seller-nothing-yet")
    page.goto("/seller/artworks/new")
    survey.look(page, "listing")
    page.fill("[name=title]", "Kept as typed")
    page.set_input_files("[name=image]", picture)
    page.get_by_role("button", name="List the artwork").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("[name=title]")).to_have_value("Kept as typed")
    survey.look(page, "listing-errors")
    artwork_id = steps.list_artwork(page, "Harbour at dawn", "120", picture)
    survey.look(page, "seller-artwork-open")
    for path, name in (("edit", "listing-edit"), ("withdraw", "withdraw")):
        page.goto(f"/seller/artworks/{artwork_id}/{path}")
        survey.look(page, name)
    page.goto(f"/artworks/{artwork_id}")
    survey.look(page, "artwork-own")

    shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "99.99"}, by=buyer)
    won = shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "130"}, by=buyer)
    page.goto(f"/seller/artworks/{artwork_id}")
    survey.look(page, "seller-artwork-reserved")
    session_id = won["payment"]["checkout_url"].rsplit("/", 1)[1]
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": steps.PAYS})
    expect(steps.chip(page)).to_have_text("Sold")
    survey.look(page, "seller-artwork-sold")
    page.goto("/seller")
    survey.look(page, "seller")
    page.goto("/account")
    survey.look(page, "account")


def test_pages_of_a_buyer(
    shop: Shop, window: Callable[..., Page], windows: Windows, survey: Survey, picture: Path
) -> None:
    windows.expected_statuses |= {402, 409, 422}
    seller, buyer = shop.account("SELLER"), shop.account()
    artwork_id = steps.list_artwork(window(seller), "The long way home", "120", picture)
    stranger, page = window(), window(buyer)
    for path, name in (("/me/bids", "my-bids-none"), ("/me/payments", "my-payments-none")):
        page.goto(path)
        survey.look(page, name)
    stranger.goto(f"/artworks/{artwork_id}")
    survey.look(stranger, "artwork-stranger")
    page.goto(f"/artworks/{artwork_id}")
    survey.look(page, "artwork-open")
    page.fill("[name=amount]", "a lot")
    page.get_by_role("button", name="Bid", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    survey.look(page, "artwork-errors")
    steps.ask_to_bid(page, artwork_id, "80")
    survey.look(page, "confirm")
    page.get_by_role("button", name="Place bid").click()
    expect(page.locator(".flashes")).to_contain_text("Not this time")
    survey.look(page, "artwork-not-this-time")

    payment_id = steps.win(page, shop, artwork_id, "120")
    hosted = page.url
    page.goto(f"/payments/{payment_id}")
    survey.look(page, "payment-open")
    page.goto(f"/artworks/{artwork_id}")
    survey.look(page, "artwork-won")
    stranger.goto(f"/artworks/{artwork_id}")
    survey.look(stranger, "artwork-reserved")
    page.goto(hosted)
    steps.offer_card(page, steps.DECLINED)
    shop.mail(buyer.email, "payment_failed")
    page.goto(f"/payments/{payment_id}")
    survey.look(page, "payment-declined")
    page.goto("/me/bids")
    survey.look(page, "my-bids")
    page.goto(hosted)
    steps.offer_card(page, steps.PAYS)
    page.wait_for_url(re.compile(r"/return"))
    expect(steps.heading(page)).to_have_text("Paid")
    survey.look(page, "payment-paid")
    stranger.goto(f"/artworks/{artwork_id}")
    survey.look(stranger, "artwork-sold")

    other_id = shop.artwork(seller=seller)
    payment_id = steps.win(page, shop, other_id)
    page.goto(f"/payments/{payment_id}")
    page.get_by_role("button", name="Give up").click()
    expect(steps.heading(page)).to_have_text("Released")
    survey.look(page, "payment-released")
    page.goto(f"/artworks/{other_id}")
    survey.look(page, "artwork-defaulted")
    page.goto("/me/payments")
    survey.look(page, "my-payments")


def test_pages_while_stripe_is_away(
    shop: Shop, window: Callable[..., Page], survey: Survey, stripe_away: Callable[..., None]
) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    page = window(buyer)
    stripe_away("create", "list")
    steps.bid(page, artwork_id, "150")
    page.wait_for_url(steps.PAYMENT)
    expect(page.locator("main")).to_contain_text("Your payment page is being prepared")
    survey.look(page, "payment-being-prepared")
    stripe_away()
    page.get_by_role("link", name="Pay $150.00").click()
    page.wait_for_url(steps.HOSTED)

    stripe_away("retrieve")
    shop.control("PUT", "/webhooks", {"mode": "drop"})
    steps.offer_card(page, steps.PAYS)
    expect(steps.heading(page)).to_have_text("Checking your payment")
    expect(page.get_by_role("link", name="Pay $150.00")).to_have_count(0)
    survey.look(page, "payment-checking")
    stripe_away()
    expect(steps.heading(page)).to_have_text("Paid")
