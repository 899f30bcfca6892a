"""An end date is chosen in UTC, and shown beside it as the seller's own clock will."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.shop import Shop
from tests.journeys.windows import Windows


def test_the_end_is_shown_in_the_sellers_own_time(shop: Shop, windows: Windows) -> None:
    page = windows.open(shop, timezone_id="Asia/Tokyo", locale="en-GB")
    steps.log_in(page, shop.account("SELLER"))
    page.goto("/seller/artworks/new")
    field = page.locator(".field", has=page.locator("[name=end_date]"))
    expect(field).not_to_contain_text("Where you are")
    page.fill("[name=end_date]", "2027-01-31T18:00")
    expect(field).to_contain_text("Where you are: 1 Feb 2027, 03:00")
    page.fill("[name=end_date]", "")
    expect(field.get_by_text("Where you are")).to_be_hidden()
