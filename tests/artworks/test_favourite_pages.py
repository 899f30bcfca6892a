"""The heart on the pages, and the list of one's favourites."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.people import Browser, TestPerson

List = Callable[..., int]


def pressed(page: str) -> list[str]:
    """The hearts on a page: whether each is filled."""
    return re.findall(r'aria-pressed="(\w+)"', page)


def test_a_heart_keeps_an_artwork_and_another_forgets_it(
    buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller, title="Kept one")
    browser, path = buyer.browser, f"/artworks/{artwork_id}/favourite"
    assert "No favourites yet" in browser.get("/me/favourites").text
    assert pressed(browser.get("/").text) == ["false"]
    answer = browser.submit(path, keep="1", next="/?sort=price")
    assert (answer.status_code, answer.location) == (303, "/?sort=price")
    page = browser.get("/me/favourites").text
    assert "Kept one" in page
    for at in ("/", "/me/favourites", f"/artworks/{artwork_id}"):
        assert pressed(browser.get(at).text) == ["true"]
    assert browser.submit(path, keep="0", quiet="1").status_code == 204
    assert "No favourites yet" in browser.get("/me/favourites").text


def test_favourites_are_ones_own(
    buyer: TestPerson, seller: TestPerson, make_artwork: List, client: Browser
) -> None:
    artwork_id = make_artwork(seller)
    buyer.browser.submit(f"/artworks/{artwork_id}/favourite", keep="1")
    assert pressed(seller.browser.get("/").text) == ["false"]
    assert "data-heart" not in client.get("/").text
    assert client.get("/me/favourites").location == "/login?next=/me/favourites"


def test_the_heart_leads_to_no_other_site(
    buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller)
    path = f"/artworks/{artwork_id}/favourite"
    answer = buyer.browser.submit(path, keep="1", next="//evil.example")
    assert answer.location == f"/artworks/{artwork_id}"


def test_what_cannot_be_seen_cannot_be_kept(
    buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    hidden = make_artwork(seller, status="ARCHIVED")
    for artwork_id in (hidden, 987_654):
        answer = buyer.browser.submit(f"/artworks/{artwork_id}/favourite", keep="1")
        assert answer.status_code == 404
