"""What happened elsewhere is told in a corner of the page, once, and no longer than it is true."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.journeys import steps
from tests.journeys.shop import Account, Shop
from tests.journeys.windows import Windows

PHONE = {"width": 375, "height": 667}


def at(windows: Windows, shop: Shop, who: Account, path: str = "/", **options: Any) -> Page:
    """Somebody's window on a page that hears what happens."""
    page = windows.open(shop, **options)
    steps.log_in(page, who)
    see(page, path)
    return page


def see(page: Page, path: str) -> None:
    """Open a page and wait until it hears what happens."""
    page.goto(path)
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")


def toasts(page: Page) -> Locator:
    """All that are shown."""
    return page.locator(".toast")


def won(shop: Shop, buyer: Account, artwork_id: int) -> tuple[int, str]:
    """Somebody wins from another device; the payment and its session at Stripe."""
    answer = shop.call("POST", "/bids", {"artwork_id": artwork_id, "amount": "150"}, by=buyer)
    payment = answer["payment"]
    return int(payment["id"]), str(payment["checkout_url"]).rsplit("/", 1)[1]


def pay(shop: Shop, session_id: str, card: str = steps.PAYS) -> None:
    """Pay, or try to, on another device."""
    shop.control("POST", f"/sessions/{session_id}/pay", {"card": card})


def title_of(shop: Shop, artwork_id: int) -> str:
    """What the artwork is called."""
    return str(shop.call("GET", f"/artworks/{artwork_id}")["title"])


def test_a_win_is_told_until_it_is_paid_elsewhere(shop: Shop, windows: Windows) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    title = title_of(shop, artwork_id)
    page = at(windows, shop, buyer)
    payment_id, session_id = won(shop, buyer, artwork_id)
    expect(toasts(page)).to_contain_text(f"You won “{title}”. Pay $150.00 to make it yours.")
    pay(shop, session_id, steps.DECLINED)
    expect(toasts(page)).to_contain_text(f"Your card was declined for “{title}”.")
    link = toasts(page).get_by_role("link", name="Go to the payment")
    expect(link).to_have_attribute("href", f"{shop.url}/payments/{payment_id}")
    pay(shop, session_id)
    expect(toasts(page)).to_have_count(0)


def test_a_win_that_is_given_up_is_told_in_the_place_of_its_toast(
    shop: Shop, windows: Windows
) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    page = at(windows, shop, buyer)
    payment_id, _ = won(shop, buyer, artwork_id)
    expect(toasts(page)).to_contain_text("You won")
    shop.call("POST", f"/payments/{payment_id}/cancel", {}, by=buyer)
    expect(toasts(page)).to_contain_text("was released. You have not been charged.")
    expect(toasts(page)).to_have_count(1)


def test_a_seller_is_told_of_each_artwork_once_and_of_few_at_a_time(
    shop: Shop, windows: Windows
) -> None:
    seller, buyer = shop.account("SELLER"), shop.account()
    page = at(windows, shop, seller, viewport=PHONE)
    artworks = [shop.artwork(seller=seller) for _ in range(5)]
    titles = [f"“{title_of(shop, each)}”" for each in artworks]
    sessions = []
    for number, artwork_id in enumerate(artworks):
        sessions.append(won(shop, buyer, artwork_id)[1])
        expect(toasts(page).last).to_contain_text(f"{titles[number]} was won and awaits payment.")
    expect(toasts(page)).to_have_count(3)
    expect(toasts(page).first).to_contain_text(titles[2])
    pay(shop, sessions[3])
    expect(toasts(page).last).to_contain_text(f"{titles[3]} is sold and paid.")
    expect(toasts(page)).to_have_count(3)
    expect(toasts(page).get_by_text("awaits payment")).to_have_count(2)
    box = page.locator("[data-toasts]").bounding_box()
    assert box is not None
    assert box["y"] > PHONE["height"] * 0.3
    toasts(page).last.get_by_role("button", name="Dismiss").click()
    expect(toasts(page)).to_have_count(2)


def test_a_page_that_shows_it_needs_no_toast(shop: Shop, windows: Windows) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
    page = at(windows, shop, buyer, f"/artworks/{artwork_id}")
    elsewhere = at(windows, shop, buyer)
    payment_id, session_id = won(shop, buyer, artwork_id)
    expect(toasts(elsewhere)).to_contain_text("You won")
    expect(page.locator("main")).to_contain_text("You won this artwork")
    expect(toasts(page)).to_have_count(0)
    see(page, f"/payments/{payment_id}")
    pay(shop, session_id, steps.DECLINED)
    expect(toasts(elsewhere)).to_contain_text("declined")
    expect(page.locator("main")).to_contain_text("Your card was declined")
    expect(toasts(page)).to_have_count(0)


def test_what_was_paid_while_the_line_was_cut_is_no_longer_asked_for(
    shop: Shop, windows: Windows
) -> None:
    buyer, artwork_id = shop.account(), shop.artwork()
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
    steps.log_in(page, buyer)
    see(page, "/")
    _, session_id = won(shop, buyer, artwork_id)
    expect(toasts(page)).to_contain_text("You won")
    cut = True
    for socket in lines:
        socket.close()
    expect(page.locator("[data-live-badge]")).to_contain_text("Reconnecting")
    pay(shop, session_id)
    shop.mail(buyer.email, "payment_receipt")
    expect(toasts(page)).to_have_count(1)
    cut = False
    expect(toasts(page)).to_have_count(0)
