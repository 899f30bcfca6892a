"""The hosted page in a real browser: paid by hand, measured, and held to WCAG by axe."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import stripe
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.sandbox.sandbox_process import Receiver, Sandbox, session_params

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def fill(page: Page, card: str) -> None:
    for name, value in (
        ("email", "buyer@example.com"),
        ("card_number", card),
        ("exp", "12/34"),
        ("cvc", "123"),
        ("name", "Ada Buyer"),
    ):
        page.fill(f"[name={name}]", value)
    page.click("#pay")


@pytest.mark.parametrize("scripted", [True, False])
def test_a_buyer_is_declined_challenged_and_then_pays(
    sandbox: Sandbox,
    receiver: Receiver,
    client: stripe.StripeClient,
    browser: Browser,
    scripted: bool,
) -> None:
    params: Any = session_params(success_url=f"{sandbox.url}/?done={{CHECKOUT_SESSION_ID}}")
    session = client.v1.checkout.sessions.create(params)
    assert session.url is not None
    with browser.new_context(java_script_enabled=scripted) as context:
        page = context.new_page()
        page.goto(session.url)
        fill(page, "4000000000000002")
        assert page.locator("#card_number-error").inner_text().endswith("Your card was declined.")
        fill(page, "4000002500003155")
        page.click("#challenge-fail")
        assert "unable to authenticate" in page.locator("[role=alert]").inner_text()
        page.click("text=4242 4242 4242 4242")
        page.click("#pay")
        page.wait_for_url(f"**/?done={session.id}")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_choosing_a_test_card_keeps_what_was_typed(
    sandbox: Sandbox, session: Any, browser: Browser
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(session.url)
        page.fill("[name=name]", "Ada Buyer")
        page.click("text=4000 0000 0000 9995")
        assert page.input_value("[name=card_number]") == "4000 0000 0000 9995"
        assert page.input_value("[name=name]") == "Ada Buyer"
        page.fill("[name=card_number]", "")
        page.locator("[name=card_number]").press_sequentially("4242424242424242")
        assert page.input_value("[name=card_number]") == "4242 4242 4242 4242"


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_page_and_nothing_overflows(
    sandbox: Sandbox,
    client: stripe.StripeClient,
    session: Any,
    browser: Browser,
    theme: Literal["light", "dark"],
) -> None:
    def check(page: Page, what: str) -> None:
        found = Axe().run(page)
        assert found.violations_count == 0, f"{what}: {found.generate_report()}"
        for width in (320, 375, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{what} is {wide} wide at {width}"

    # axe has to be put into the page, which the pages' own policy forbids to others.
    with browser.new_context(color_scheme=theme, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(session.url)
        check(page, "payment page")
        page.click("#pay")
        check(page, "payment page with errors")
        fill(page, "4000000000009995")
        check(page, "payment page after a decline")
        page.goto(sandbox.url)
        check(page, "dashboard")
        page.goto(session.url)
        fill(page, "4000002500003155")
        check(page, "challenge")
        client.v1.checkout.sessions.expire(session.id)
        page.goto(session.url)
        check(page, "expired page")
        page.goto(f"{sandbox.url}/nowhere")
        check(page, "page that does not exist")
