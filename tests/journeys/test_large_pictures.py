"""A picture that is too large costs nobody what they have typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.shop import Shop
from tests.journeys.windows import Windows


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """More than a request may hold."""
    file = tmp_path / "large.png"
    file.write_bytes(b"x" * (11 * 2**20 + 1))
    return file


def fill_in(page: Page, file: Path) -> None:
    """The listing form, with this picture."""
    page.goto("/seller/artworks/new")
    page.fill("[name=title]", "Kept")
    page.fill("[name=secret_threshold]", "120")
    page.set_input_files("[name=image]", file)


def test_it_is_told_at_the_field_before_anything_is_sent(
    shop: Shop, windows: Windows, large: Path, picture: Path
) -> None:
    page = windows.open(shop)
    steps.log_in(page, shop.account("SELLER"))
    fill_in(page, large)
    field = page.locator(".field", has=page.locator("[name=image]"))
    expect(field).to_contain_text("The picture must be at most 10 MB.")
    page.get_by_role("button", name="List the artwork").click()
    image = page.locator("[name=image]")
    expect(image).to_be_focused()
    expect(image).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=title]")).to_have_value("Kept")
    page.set_input_files("[name=image]", picture)
    expect(field).not_to_contain_text("must be at most")
    page.get_by_role("button", name="List the artwork").click()
    page.wait_for_url(re.compile(r"/seller/artworks/\d+$"))


def test_without_javascript_the_refusal_leads_back_to_the_form(
    shop: Shop, windows: Windows, large: Path
) -> None:
    windows.expected_statuses |= {413}
    page = windows.open(shop, java_script_enabled=False)
    steps.log_in(page, shop.account("SELLER"))
    fill_in(page, large)
    page.get_by_role("button", name="List the artwork").click()
    expect(page.locator("main")).to_contain_text("A picture may have up to 10 MB.")
    page.get_by_role("link", name="Go back to the page").click()
    expect(page.locator("h1")).to_have_text("List an artwork")
