"""The pages of artworks: browsing, and forms that keep what was typed and the picture too."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import html5lib  # type: ignore[import-untyped]
import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from PIL import Image
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from app.artworks.pictures import BUSY
from app.core import clock
from app.core.turns import Turns
from tests.people import Browser, TestPerson

NEW = "/seller/artworks/new"
LIMITS = "from 0.50 to 999,999.99"
YEAR_AHEAD = "in the future, at most one year"
GOOD = {
    "title": "Blue Hour", "artist_name": "N. Body", "category": "Print",
    "description": "Two lines\nof text", "alt": "A blue hour", "secret_threshold": "150.00",
    "end_date": "",
}  # fmt: skip


def picture(colour: str = "teal", kind: str = "PNG") -> tuple[BytesIO, str]:
    """A small picture as a form sends it."""
    file = BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, kind)
    file.seek(0)
    return file, "picture.png"


class Page:
    """An answered page, read as a browser reads it."""

    def __init__(self, answer: TestResponse) -> None:
        self.status = answer.status_code
        self.text = answer.text
        # Strict: a page with broken markup is a failure wherever it comes up.
        parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
        self.tree = parser.parse(self.text)
        ids = [each.get("id") for each in self.tree.iter() if each.get("id")]
        assert len(ids) == len(set(ids)), "an id occurs twice"

    def value(self, name: str) -> str | None:
        """What a field of the form holds."""
        for each in self.tree.iter():
            if each.get("name") != name:
                continue
            if each.tag == "textarea":
                return str(each.text or "")
            if each.tag == "select":
                chosen = [option for option in each if option.get("selected") is not None]
                return str(chosen[0].get("value")) if chosen else None
            return str(each.get("value") or "")
        return None

    def error(self, name: str) -> str:
        """What is said at a field; it stands in the summary too, with a link to the field."""
        for each in self.tree.iter("p"):
            if each.get("id") == f"{name}-error":
                said = "".join(each.itertext()).removeprefix("Error: ")
                links = {a.get("href"): "".join(a.itertext()) for a in self.tree.iter("a")}
                assert links[f"#{name}"] == said
                assert "<title>Error: " in self.text
                return said
        return ""

    def titles(self) -> list[str]:
        """The artworks of the grid, in their order."""
        return re.findall(r'card__title"><a href="/artworks/\d+">(.*?)</a>', self.text)


def send_large(person: TestPerson, path: str, size: int, **fields: str) -> TestResponse:
    """A form with a file of so many bytes; the test client would leave its own copy open."""
    body, kind = encode_multipart_formdata(
        {**fields, "csrf_token": person.browser.csrf_token(), "image": ("a.png", b"x" * size)}
    )
    return person.browser.post(path, data=body, content_type=kind)


def send(person: TestPerson, path: str, **fields: Any) -> Page:
    return Page(person.browser.submit(path, **fields))


def listed(browser: Browser, number: int = 1) -> dict[str, Any]:
    answer = browser.get(f"/api/artworks/{number}").json
    assert answer is not None
    return dict(answer)


def test_an_artwork_is_listed_with_its_picture(seller: TestPerson, client: Browser) -> None:
    assert Page(seller.browser.get(NEW)).value("category") == "Other"
    end = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    answer = seller.browser.submit(NEW, **GOOD | {"end_date": end, "image": picture()})
    assert answer.status_code == 303
    assert answer.location == "/seller/artworks/1"
    made = listed(client)
    assert made["end_date"] == f"{end}:00.000Z"
    assert (made["title"], made["category"], made["image_alt"]) == (
        "Blue Hour", "Print", "A blue hour",
    )  # fmt: skip
    assert made["description"] == "Two lines\nof text"
    with client.get(made["image_url"]) as served:
        assert served.status_code == 200
    assert Page(client.get("/")).titles() == ["Blue Hour"]


WRONG = [
    ("title", "", "1 to 120"),
    ("title", "  ", "1 to 120"),
    ("title", "x" * 121, "at most 120 characters; this has 121"),
    ("title", "a\x00b", "control characters"),
    ("artist_name", "x" * 121, "at most 120"),
    ("artist_name", "a\x1bb", "control characters"),
    ("category", "Tapestry", "Painting, Print"),
    ("category", "", "Painting, Print"),
    ("description", "x" * 5001, "at most 5,000"),
    ("description", "a\x08b", "control characters"),
    ("alt", "x" * 301, "at most 300"),
    ("alt", "a\x00b", "control characters"),
    ("secret_threshold", "", LIMITS),
    ("secret_threshold", "0.49", LIMITS),
    ("secret_threshold", "1000000.00", LIMITS),
    ("secret_threshold", "$150", LIMITS),
    ("secret_threshold", "1,500", LIMITS),
    ("secret_threshold", "-1", LIMITS),
    ("secret_threshold", "1e5", LIMITS),
    ("secret_threshold", "<script>alert(1)</script>", LIMITS),
    ("secret_threshold", "9" * 9000, LIMITS),
    ("end_date", "soon", "date and a time in UTC"),
    ("end_date", "2027-02-30T10:00", "date and a time in UTC"),
    ("end_date", "9" * 900, "date and a time in UTC"),
    ("end_date", "2020-01-01T10:00", YEAR_AHEAD),
    ("end_date", "9999-12-31T23:59", YEAR_AHEAD),
]


@pytest.mark.parametrize(("field", "value", "phrase"), WRONG)
def test_a_wrong_field_is_named_and_everything_typed_is_kept(
    seller: TestPerson, make_artwork: Callable[..., int], field: str, value: str, phrase: str
) -> None:
    artwork_id = make_artwork(seller, title="Untouched")
    for path in (NEW, f"/seller/artworks/{artwork_id}/edit"):
        page = send(seller, path, **GOOD | {field: value})
        assert page.status == 422
        assert phrase in page.error(field)
        for name, typed in (GOOD | {field: value}).items():
            kept = page.value(name)
            if name == "category" and typed not in {"Print"}:
                assert kept is None
            elif "\x00" in typed or "\x08" in typed or "\x1b" in typed:
                assert kept is not None
                assert kept.startswith("a")
            else:
                assert (kept or "").lstrip("\n") == typed
    assert "<script>alert" not in page.text
    assert listed(seller.browser)["title"] == "Untouched"


def test_several_wrong_fields_are_all_named(seller: TestPerson) -> None:
    page = send(seller, NEW)
    assert page.status == 422
    assert page.error("title")
    assert "Enter the hidden minimum" in page.error("secret_threshold")
    assert not page.error("artist_name")
    assert page.value("category") == "Other"


def test_the_picture_survives_a_mistake_elsewhere(seller: TestPerson, client: Browser) -> None:
    page = send(seller, NEW, **GOOD | {"title": "", "image": picture()})
    assert page.status == 422
    draft = page.value("picture_draft")
    assert draft
    shown = re.search(r"/pictures/[0-9a-f]{32}/800\.webp", page.text)
    assert shown
    with client.get(shown[0]) as served:
        assert served.status_code == 200
    again = send(seller, NEW, **GOOD | {"secret_threshold": "", "picture_draft": draft})
    assert again.value("picture_draft") == draft
    assert shown[0] in again.text
    answer = seller.browser.submit(NEW, **GOOD | {"picture_draft": draft})
    assert answer.status_code == 303
    assert listed(client)["image_url"] == shown[0]


def test_a_wrong_picture_does_not_displace_the_one_that_was_right(seller: TestPerson) -> None:
    draft = send(seller, NEW, **GOOD | {"title": "", "image": picture()}).value("picture_draft")
    wrong = (BytesIO(b"GIF89a nonsense"), "a.png")
    page = send(seller, NEW, **GOOD | {"picture_draft": draft, "image": wrong})
    assert page.status == 422
    assert "JPEG, PNG or WebP" in page.error("image")
    assert page.value("picture_draft") == draft
    assert page.value("title") == GOOD["title"]


@pytest.mark.parametrize("data", [b"x", b"<svg onload=alert(1)>"])
def test_what_is_no_picture_is_named_with_what_is(seller: TestPerson, data: bytes) -> None:
    page = send(seller, NEW, **GOOD | {"image": (BytesIO(data), "a.png")})
    assert page.status == 422
    assert "JPEG, PNG or WebP" in page.error("image")
    for name, typed in GOOD.items():
        assert (page.value(name) or "").lstrip("\n") == typed


def test_a_picture_that_would_wait_for_long_is_asked_for_again_and_all_else_is_kept(
    seller: TestPerson, crowded: Turns, client: Browser
) -> None:
    draft = send(seller, NEW, **GOOD | {"title": "", "image": picture()}).value("picture_draft")
    with crowded.turn():
        page = send(seller, NEW, **GOOD | {"picture_draft": draft, "image": picture()})
    assert page.status == 422
    assert page.error("image") == BUSY
    assert {name: page.value(name) for name in GOOD} == GOOD
    assert page.value("picture_draft") == draft
    assert client.get("/api/artworks/1").status_code == 404
    assert seller.browser.submit(NEW, **GOOD | {"image": picture()}).status_code == 303


def test_a_picture_that_is_too_large_is_named_with_its_limit(seller: TestPerson) -> None:
    page = Page(send_large(seller, NEW, 10 * 2**20 + 1, **GOOD))
    assert page.status == 422
    assert "10 MB" in page.error("image")
    for name, typed in GOOD.items():
        assert (page.value(name) or "").replace("\r", "").lstrip("\n") == typed


def test_more_than_the_server_reads_is_answered_with_the_limit(seller: TestPerson) -> None:
    answer = send_large(seller, NEW, 12 * 2**20, **GOOD)
    assert answer.status_code == 413
    assert "10 MB" in answer.text


def test_only_a_picture_that_we_gave_out_to_this_seller_is_taken(
    app: Flask, seller: TestPerson, make_person: Callable[..., TestPerson]
) -> None:
    other = make_person("SELLER")
    theirs = send(other, NEW, **GOOD | {"title": "", "image": picture()}).value("picture_draft")
    forged = URLSafeTimedSerializer("another key", salt="artworks.picture-draft").dumps(
        [seller.id, "a" * 32, 1, 1]
    )
    for draft in (theirs, forged, "x", "a.b.c", "é" * 9, "y" * 10_000):
        page = send(seller, NEW, **GOOD | {"picture_draft": draft})
        assert page.status == 422
        assert "Choose it again" in page.error("image")
        assert page.value("picture_draft") == ""
    assert seller.browser.get("/api/artworks/1").status_code == 404


def test_a_form_without_its_token_is_refused(seller: TestPerson) -> None:
    assert seller.browser.post(NEW, data=GOOD).status_code == 400
    assert seller.browser.get("/api/artworks/1").status_code == 404


def test_an_own_listing_is_changed(
    seller: TestPerson, client: Browser, make_artwork: Callable[..., int]
) -> None:
    end = clock.now() + timedelta(days=2)
    artwork_id = make_artwork(seller, 20_000, title="Old", end_at=end, bid_count=0)
    path = f"/seller/artworks/{artwork_id}/edit"
    page = Page(seller.browser.get(path))
    assert page.value("title") == "Old"
    assert page.value("secret_threshold") == "200.00"
    assert page.value("end_date") == end.strftime("%Y-%m-%dT%H:%M")
    assert "Since the first bid" not in page.text
    before = listed(client)
    changed = GOOD | {"end_date": page.value("end_date"), "image": picture("red")}
    answer = seller.browser.submit(path, **changed)
    assert (answer.status_code, answer.location) == (303, f"/seller/artworks/{artwork_id}")
    after = listed(client)
    assert after["title"] == "Blue Hour"
    assert after["image_url"]
    # Left as it stood: not cut to the minute that the field shows.
    assert after["end_date"] == before["end_date"]


def test_an_ended_listing_can_be_edited_with_its_old_end_date(
    seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, status="EXPIRED", end_at=clock.now() - timedelta(days=2))
    path = f"/seller/artworks/{artwork_id}/edit"
    old = Page(seller.browser.get(path)).value("end_date")
    assert seller.browser.submit(path, **GOOD | {"end_date": old}).status_code == 303


def test_after_the_first_bid_the_form_says_what_can_no_longer_change(
    seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, 20_000, highest_bid_cents=15_000, bid_count=2)
    path = f"/seller/artworks/{artwork_id}/edit"
    page = Page(seller.browser.get(path))
    assert "Since the first bid" in page.text
    assert "can no longer be $150.00 or less" in page.text
    refused = send(seller, path, **GOOD | {"secret_threshold": "150.00", "image": picture()})
    assert refused.status == 409
    assert "more than $150.00" in refused.error("secret_threshold")
    assert refused.value("secret_threshold") == "150.00"
    assert refused.value("title") == GOOD["title"]
    assert refused.value("picture_draft")


@pytest.mark.parametrize(
    ("status", "words"), [("PENDING_PAYMENT", "reserved while its winner pays"), ("SOLD", "sold")]
)
def test_a_listing_that_cannot_change_says_so_and_keeps_what_was_typed(
    seller: TestPerson, make_artwork: Callable[..., int], status: str, words: str
) -> None:
    sold = {"sold_cents": 12_000} if status == "SOLD" else {}
    artwork_id = make_artwork(seller, status=status, **sold)
    path = f"/seller/artworks/{artwork_id}/edit"
    page = Page(seller.browser.get(path))
    assert page.status == 200
    assert words in page.text
    assert page.value("title") is None
    refused = send(seller, path, **GOOD)
    assert refused.status == 409
    assert "cannot be edited now" in refused.text
    assert refused.value("title") == GOOD["title"]


def test_a_listing_is_withdrawn_and_listed_again(
    seller: TestPerson, client: Browser, make_artwork: Callable[..., int]
) -> None:
    path = f"/seller/artworks/{make_artwork(seller)}"
    assert Page(seller.browser.get(f"{path}/withdraw")).status == 200
    assert seller.browser.submit(f"{path}/withdraw").status_code == 303
    assert listed(seller.browser)["status"] == "ARCHIVED"
    refused = send(seller, f"{path}/withdraw")
    assert refused.status == 409
    assert "It is withdrawn" in refused.text
    assert Page(seller.browser.get(f"{path}/relist")).status == 200
    for value, phrase in (("soon", "in UTC"), ("2020-01-01T10:00", YEAR_AHEAD)):
        page = send(seller, f"{path}/relist", end_date=value)
        assert page.status == 422
        assert phrase in page.error("end_date")
        assert page.value("end_date") == value
    end = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    assert seller.browser.submit(f"{path}/relist", end_date=end).status_code == 303
    assert (listed(client)["status"], listed(client)["end_date"]) == ("ACTIVE", f"{end}:00.000Z")
    refused = send(seller, f"{path}/relist", end_date=end)
    assert refused.status == 409
    assert refused.value("end_date") == end


def test_pages_of_sellers_are_for_sellers_and_their_own(
    seller: TestPerson,
    buyer: TestPerson,
    client: Browser,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
) -> None:
    own = f"/seller/artworks/{make_artwork(seller)}"
    stranger = make_person("SELLER")
    for path in (NEW, f"{own}/edit", f"{own}/withdraw", f"{own}/relist"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/login?next=")
        assert client.submit(path).status_code == 303
        assert buyer.browser.get(path).status_code == 403
        assert buyer.browser.submit(path, **GOOD).status_code == 403
        if path != NEW:
            assert stranger.browser.get(path).status_code == 404
            assert stranger.browser.submit(path, **GOOD).status_code == 404
    assert listed(seller.browser)["status"] == "ACTIVE"


def test_filters_stay_in_the_address_and_in_the_form(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    for number in range(15):
        make_artwork(seller, title=f"Red {number}", category="Print", bid_count=number)
    make_artwork(seller, title="Blue", category="Print")
    query = f"q=red&category=Print&status=ACTIVE&sort=bids&seller_id={seller.id}"
    page = Page(client.get(f"/?{query}"))
    assert page.titles() == [f"Red {number}" for number in range(14, 2, -1)]
    assert page.value("q") == "red"
    assert page.value("category") == "Print"
    assert page.value("status") == "ACTIVE"
    assert page.value("sort") == "bids"
    assert page.value("seller_id") == str(seller.id)
    following = next(a.get("href") for a in page.tree.iter("a") if a.get("rel") == "next")
    for part in ("q=red", "category=Print", "sort=bids", "page=2"):
        assert part in following
    assert Page(client.get(f"/{following}")).titles() == ["Red 2", "Red 1", "Red 0"]
    assert "15 artworks by" in page.text


def test_an_empty_list_says_what_to_do(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    assert "No artworks yet" in client.get("/").text
    assert NEW in seller.browser.get("/").text
    make_artwork(seller, title="One")
    page = Page(client.get("/?q=nothing+like+it"))
    assert "No artwork matches" in page.text
    assert page.value("q") == "nothing like it"
    assert "There is nothing on this page" in client.get("/?page=9").text


@pytest.mark.parametrize(
    ("query", "field", "phrase"),
    [
        (f"q={'x' * 101}", "q", "at most 100"),
        ("q=%00", "q", "control characters"),
        ("category=Tapestry", "category", "a category from the list"),
        ("status=ARCHIVED", "status", "a state from the list"),
        ("sort=secret_threshold", "sort", "an order from the list"),
        ("seller_id=abc", "seller_id", "from 1 to"),
        ("seller_id=99999999999999999999", "seller_id", "from 1 to"),
        ("page=0", "page", "from 1 to 1,000,000"),
        ("page=x", "page", "from 1 to 1,000,000"),
        ("page=9999999999", "page", "from 1 to 1,000,000"),
    ],
)
def test_a_wrong_filter_is_named_and_the_page_still_shows_artworks(
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    query: str,
    field: str,
    phrase: str,
) -> None:
    make_artwork(seller, title="Still there")
    page = Page(client.get(f"/?{query}"))
    assert page.status == 422
    assert phrase in page.text
    assert f'href="#{field}"' in page.text
    assert page.titles() == ["Still there"]


def test_hostile_text_is_shown_as_text(seller: TestPerson, client: Browser) -> None:
    hostile = "\"><script>alert('x')</script>{{ 7*7 }}"
    answer = seller.browser.submit(NEW, **GOOD | {"title": hostile, "alt": hostile,
                                                  "image": picture()})  # fmt: skip
    assert answer.status_code == 303
    for page in (client.get("/").text, client.get(f"/?q={hostile}").text):
        assert "<script>alert" not in page
        assert "{{ 7*7 }}" in page
