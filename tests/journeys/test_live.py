"""Open pages change by themselves, in every window, and catch up after the line was cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Page, WebSocketRoute, expect

from app.demo.catalogue import ADMIN, DEMO_PASSWORD
from tests.journeys import steps
from tests.journeys.shop import Account, Shop
from tests.journeys.windows import Windows
from tests.waiting import until

# How often administrators' pages ask, and a little more.
POLL_MS = 10_500


def all_within(seconds: float, *facts: Callable[[], bool]) -> None:
    """Fails unless everything is so within the time."""
    end = time.monotonic() + seconds
    while not all(fact() for fact in facts):
        assert time.monotonic() < end, [fact() for fact in facts]
        time.sleep(0.02)


def price_on(page: Page, amount: str) -> Callable[[], bool]:
    """Whether the page's artwork shows this price."""
    return lambda: page.locator("[data-live=price]").first.inner_text() == amount


def live(page: Page, path: str) -> None:
    """Open a page and wait until it hears what happens."""
    page.goto(path)
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")


def test_all_windows_agree_within_a_second(shop: Shop, windows: Windows) -> None:
    seller, bidder = shop.account("SELLER"), shop.account()
    artwork_id = shop.artwork(seller=seller)
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    watcher, list_of_all, own = (windows.open(shop) for _ in range(3))
    steps.log_in(own, seller)
    live(watcher, f"/artworks/{artwork_id}")
    live(list_of_all, f"/?q={title}")
    live(own, "/seller")
    # The first fetches after going live are done.
    own.wait_for_load_state("networkidle")
    shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "45"}, by=bidder)
    all_within(
        1.5,
        price_on(watcher, "$45.00"),
        price_on(list_of_all, "$45.00"),
        lambda: "$45.00" in own.locator("main").inner_text(),
    )


def test_what_happened_while_the_line_was_cut_is_there_afterwards(
    shop: Shop, windows: Windows
) -> None:
    bidder, artwork_id = shop.account(), shop.artwork()
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    page = windows.open(shop)
    lines: list[WebSocketRoute] = []
    cut = False

    def line(socket: WebSocketRoute) -> None:
        if cut:
            socket.close()
            return
        socket.connect_to_server()
        lines.append(socket)

    page.route_web_socket("**/socket.io/**", line)
    live(page, f"/?q={title}")
    cut = True
    for socket in lines:
        socket.close()
    badge = page.locator("[data-live-badge]")
    expect(badge).to_contain_text("Reconnecting")
    shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "55"}, by=bidder)
    cut = False
    expect(badge).to_have_attribute("data-state", "live")
    all_within(1.5, price_on(page, "$55.00"))


def test_an_open_page_leaves_to_the_next_one_what_is_said_at_a_log_out(
    shop: Shop, windows: Windows
) -> None:
    page = windows.open(shop)
    steps.log_in(page, shop.account())
    live(page, "/me/payments")
    page.wait_for_load_state("networkidle")
    token = page.locator("form[action='/logout'] [name=csrf_token]").get_attribute("value")
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(urlsplit(request.url).path))
    # As the browser does it, but for the next page.
    page.request.post("/logout", form={"csrf_token": token or ""}, max_redirects=0)
    # The open page has lost its socket, and looks at once what is new.
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
    while not asked:
        page.wait_for_timeout(50)
    page.wait_for_load_state("networkidle")
    assert "/login" not in asked
    page.goto("/")
    expect(page.locator(".flashes")).to_contain_text("You are logged out")


def test_older_figures_that_come_late_are_not_shown(shop: Shop, windows: Windows) -> None:
    bidder, artwork_id = shop.account(), shop.artwork()
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    page = windows.open(shop)
    lines: list[WebSocketRoute] = []

    def line(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        lines.append(socket)

    def told(name: str, **figures: object) -> None:
        lines[-1].send("42" + json.dumps([name, {"artwork_id": artwork_id} | figures]))

    page.route_web_socket("**/socket.io/**", line)
    live(page, f"/?q={title}")
    for amount in ("30", "40"):
        shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": amount}, by=bidder)
    count = page.locator("[data-live=bid-count]").first
    expect(count).to_have_text("2 bids")
    page.wait_for_load_state("networkidle")
    # Nothing is fetched again that could put the figures right.
    page.route("**/*", lambda _route: None)
    told("new_bid", current_highest_bid="41.00", bid_count=3)
    expect(count).to_have_text("3 bids")
    told("new_bid", current_highest_bid="40.00", bid_count=2)
    # Messages are read in their order: once this one is, the one before it was.
    told("artwork_status", status="PENDING_PAYMENT")
    expect(page.locator("[data-live=status]").first).to_have_text("Reserved")
    assert count.inner_text() == "3 bids"
    assert price_on(page, "$41.00")()


def administrator(shop: Shop, windows: Windows, path: str) -> Page:
    """The demo's administrator on a page, in a window whose time can be moved on."""
    page = windows.open(shop)
    page.goto(f"/login?next={path}")
    page.fill("[name=email]", ADMIN.email)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.clock.install()
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
    page.wait_for_load_state("networkidle")
    return page


def dispute(shop: Shop, buyer: Account) -> int:
    """Somebody wins, pays and disputes it; the payment."""
    won = shop.call("POST", "/bids", {"artwork_id": shop.artwork(), "amount": "150"}, by=buyer)
    session_id = won["payment"]["checkout_url"].rsplit("/", 1)[1]
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": steps.PAYS})
    shop.mail(buyer.email, "payment_receipt")
    charge = shop.control("GET", "/ledger")["charges"][-1]
    shop.control("POST", f"/charges/{charge['id']}/dispute", {})
    return int(won["payment"]["id"])


def test_administrators_pages_change_by_themselves(shop: Shop, windows: Windows) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    title = shop.call("GET", f"/artworks/{artwork_id}")["title"]
    payments = administrator(shop, windows, "/admin/payments")
    payments.evaluate("document.body.dataset.still = 'here'")
    payments.locator("main [name=q]").press_sequentially("not sent yet")
    won = shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "150"}, by=buyer)
    payments.clock.fast_forward(POLL_MS)
    expect(payments.locator("main")).to_contain_text(title, timeout=3_000)
    expect(payments.locator("main [name=q]")).to_have_value("not sent yet")
    expect(payments.locator("main [name=q]")).to_be_focused()
    assert payments.evaluate("document.body.dataset.still") == "here"

    one = administrator(shop, windows, f"/admin/payments/{won['payment']['id']}")
    state = one.locator(".facts .chip").first
    expect(state).to_have_text("Awaiting payment")
    session_id = won["payment"]["checkout_url"].rsplit("/", 1)[1]
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": steps.PAYS})
    # Not asked for: told, as everybody who watches the artwork.
    expect(state).to_have_text("Paid", timeout=5_000)


def test_a_note_that_is_being_typed_stays_with_its_matter(shop: Shop, windows: Windows) -> None:
    buyer = shop.account()
    first = dispute(shop, buyer)
    until(lambda: "attention_needed" in shop.mails(ADMIN.email))
    page = administrator(shop, windows, "/admin/attention")
    matter = page.locator("article", has_text=f"Payment {first}")
    note = matter.get_by_label("What you found or did")
    note.press_sequentially("Called the bank")
    counted = page.get_by_role("link", name="Needs a person")
    before = counted.inner_text()
    second = dispute(shop, shop.account())
    other = page.locator("article", has_text=f"Payment {second}")

    def arrived() -> bool:
        page.clock.fast_forward(POLL_MS)
        return other.count() == 1

    until(arrived, seconds=15)
    expect(note).to_have_value("Called the bank")
    expect(note).to_be_focused()
    page.keyboard.type(", again")
    expect(note).to_have_value("Called the bank, again")
    expect(other.get_by_label("What you found or did")).to_have_value("")
    expect(counted).not_to_have_text(before)
