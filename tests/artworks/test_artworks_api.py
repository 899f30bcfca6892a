"""Artworks in JSON: every field, every refusal, lists and what they keep to themselves."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import event
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from app.artworks import queries
from app.artworks.pictures import BUSY
from app.artworks.queries import ArtworkFilters
from app.artworks.schemas import ArtworkOut
from app.core import clock
from app.core.access import viewer_or_none
from app.core.api import page_of
from app.core.extensions import db
from app.core.turns import Turns
from tests.people import Browser, TestPerson

LIMITS = "from 0.50 to 999,999.99"
YEAR_AHEAD = "in the future, at most one year"
MOMENT = "ISO 8601"
GOOD = {"title": "Still life", "secret_threshold": "150.00"}


def later(**ahead: float) -> str:
    """A moment so far ahead, as the API takes it."""
    return clock.iso(clock.now() + timedelta(**ahead))


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40)) -> BytesIO:
    """A small picture as a file."""
    file = BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    file.seek(0)
    return file


@pytest.fixture
def selects(app: Flask) -> Iterator[list[str]]:
    """The statements that the database was asked, in order."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


WRONG: list[tuple[str, Any, str]] = [
    ("title", "", "1 to 120"),
    ("title", "   ", "1 to 120"),
    ("title", "\u200b", "1 to 120"),
    ("title", "x" * 121, "at most 120 characters; this has 121"),
    ("title", "x" * 100_000, "at most 120 characters"),
    ("title", "a\x00b", "control characters"),
    ("title", "a\nb", "line breaks"),
    ("title", "a\ud800b", "control characters"),
    ("title", "a\u202eb", "control characters"),
    ("title", 5, "Not a valid string"),
    ("title", None, "may not be null"),
    ("title", ["x"], "Not a valid string"),
    ("title", {"$ne": 1}, "Not a valid string"),
    ("artist_name", "x" * 121, "at most 120 characters"),
    ("artist_name", "a\x1b[31m", "control characters"),
    ("artist_name", "a\u2067b", "control characters"),
    ("artist_name", None, "may not be null"),
    ("artist_name", True, "Not a valid string"),
    ("description", "x" * 5001, "at most 5,000 characters; this has 5,001"),
    ("description", "a\x00b", "control characters"),
    ("description", 7, "Not a valid string"),
    ("category", "", "Painting, Print"),
    ("category", "painting", "Painting, Print"),
    ("category", "x' OR 1=1 --", "Painting, Print"),
    ("category", 3, "Not a valid string"),
    ("secret_threshold", "", LIMITS),
    ("secret_threshold", "0.49", LIMITS),
    ("secret_threshold", "1000000", LIMITS),
    ("secret_threshold", "-5", LIMITS),
    ("secret_threshold", "+5", LIMITS),
    ("secret_threshold", " 5", LIMITS),
    ("secret_threshold", "1e3", LIMITS),
    ("secret_threshold", "1,000", LIMITS),
    ("secret_threshold", "1.234", LIMITS),
    ("secret_threshold", "٣٠", LIMITS),
    ("secret_threshold", "NaN", LIMITS),
    ("secret_threshold", "9" * 5000, LIMITS),
    ("secret_threshold", 0.495, LIMITS),
    ("secret_threshold", 0, LIMITS),
    ("secret_threshold", 10**400, LIMITS),
    ("secret_threshold", True, "Enter an amount"),
    ("secret_threshold", None, "may not be null"),
    ("secret_threshold", [], "Enter an amount"),
    ("end_date", "", MOMENT),
    ("end_date", "tomorrow", MOMENT),
    ("end_date", "2027-13-01T00:00:00Z", MOMENT),
    ("end_date", "2027-01-01", MOMENT),
    ("end_date", "9" * 500, MOMENT),
    ("end_date", 1893456000, MOMENT),
    ("end_date", "2020-01-01T00:00:00Z", YEAR_AHEAD),
    ("end_date", "9999-12-31T23:59:59Z", YEAR_AHEAD),
    ("end_date", "9999-12-31T23:59:59-23:59", MOMENT),
    ("status", "SOLD", "Unknown field"),
    ("seller_id", 1, "Unknown field"),
    ("sold_price", "1.00", "Unknown field"),
    ("__proto__", {}, "Unknown field"),
]


@pytest.mark.parametrize(("field", "value", "phrase"), WRONG)
def test_a_wrong_field_is_named_with_its_limit(
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    field: str,
    value: Any,
    phrase: str,
) -> None:
    artwork_id = make_artwork(seller, title="Untouched")
    for method, path, body in (
        ("POST", "/api/artworks", {**GOOD, field: value}),
        ("PATCH", f"/api/artworks/{artwork_id}", {field: value}),
    ):
        answer = client.open(path, method=method, json=body, headers=seller.bearer)
        assert answer.status_code == 422, answer.text
        assert answer.content_type == "application/problem+json"
        assert answer.json is not None
        assert list(answer.json["errors"]) == [field]
        assert phrase in answer.json["errors"][field][0]
    listed = client.get("/api/artworks").json
    assert listed is not None
    assert [item["title"] for item in listed["items"]] == ["Untouched"]


def test_what_is_missing_is_named(client: Browser, seller: TestPerson) -> None:
    sendings: list[dict[str, Any]] = [{"json": {}}, {}]
    for sent in sendings:
        answer = client.post("/api/artworks", headers=seller.bearer, **sent)
        assert answer.status_code == 422
        assert answer.json is not None
        assert set(answer.json["errors"]) == {"title", "secret_threshold"}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422), (b"\xff\xfe", "application/json", 422),
        (b"[" * 100_000, "application/json", 422), (b"title=x", "text/plain", 415),
        (b"[]", "application/json", 422), (b'"text"', "application/json", 422),
        (b"null", "application/json", 422), (b'{"title": NaN}', "application/json", 422),
    ],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(
    client: Browser, seller: TestPerson, body: bytes, kind: str, status: int
) -> None:
    answer = client.post("/api/artworks", data=body, content_type=kind, headers=seller.bearer)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_an_artwork_has_the_promised_shape(client: Browser, seller: TestPerson) -> None:
    end = later(days=3)
    answer = client.post(
        "/api/artworks",
        json={
            "title": "  Nuée <b>d’étoiles</b> ",
            "artist_name": "星野",
            "description": "one\r\ntwo",
            "category": "Print",
            "secret_threshold": 150.5,
            "end_date": end,
        },
        headers=seller.bearer,
    )
    assert answer.status_code == 201
    made = dict(answer.json or {})
    created_at = made.pop("created_at")
    assert created_at.endswith("Z")
    assert made == {
        "id": 1,
        "title": "Nuée <b>d’étoiles</b>",
        "artist_name": "星野",
        "description": "one\ntwo",
        "category": "Print",
        "image_url": None,
        "image_alt": "",
        "seller": {"id": seller.id, "name": seller.name},
        "status": "ACTIVE",
        "current_highest_bid": None,
        "bid_count": 0,
        "end_date": end,
        "sold_price": None,
        "secret_threshold": "150.50",
    }
    public = client.get("/api/artworks/1").json
    made.pop("secret_threshold")
    assert public == {**made, "created_at": created_at}


def test_the_least_that_is_needed_gets_the_defaults(client: Browser, seller: TestPerson) -> None:
    made = client.post("/api/artworks", json=GOOD, headers=seller.bearer).json
    assert made is not None
    assert (made["category"], made["artist_name"], made["end_date"]) == ("Other", "", None)


def test_a_change_touches_only_what_was_sent(client: Browser, seller: TestPerson) -> None:
    end = later(days=3)
    made = client.post("/api/artworks", json=GOOD | {"end_date": end}, headers=seller.bearer).json
    assert made is not None
    path = f"/api/artworks/{made['id']}"
    for change in ({}, {"title": "New"}, {"secret_threshold": "9.00"}, {"end_date": None}):
        made |= change
        assert client.patch(path, json=change, headers=seller.bearer).json == made


@pytest.mark.parametrize("status", ["PENDING_PAYMENT", "SOLD"])
def test_reserved_and_sold_artworks_cannot_be_changed(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int], status: str
) -> None:
    sold = {"sold_cents": 12_000} if status == "SOLD" else {}
    path = f"/api/artworks/{make_artwork(seller, status=status, **sold)}"
    answers = [
        client.patch(path, json={"title": "New"}, headers=seller.bearer),
        client.patch(path, json={"secret_threshold": "1.00"}, headers=seller.bearer),
        client.post(f"{path}/withdraw", headers=seller.bearer),
        client.post(f"{path}/relist", headers=seller.bearer),
        client.put(f"{path}/image", data={"image": (picture(), "a.png")}, headers=seller.bearer),
    ]
    for answer in answers:
        assert answer.status_code == 409
        assert answer.json is not None
        assert answer.json["code"] == "state_forbids"


def test_a_threshold_below_a_bid_is_refused_by_its_code(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, 20_000, highest_bid_cents=15_000, bid_count=1)
    answer = client.patch(
        f"/api/artworks/{artwork_id}", json={"secret_threshold": "150.00"}, headers=seller.bearer
    )
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "threshold_too_low"


def test_a_listing_is_withdrawn_and_listed_again(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    path = f"/api/artworks/{make_artwork(seller)}"
    withdrawn = client.post(f"{path}/withdraw", headers=seller.bearer)
    assert (withdrawn.status_code, (withdrawn.json or {})["status"]) == (200, "ARCHIVED")
    assert client.get(path).status_code == 404
    assert client.get(path, headers=seller.bearer).status_code == 200
    end = later(days=1)
    again = client.post(f"{path}/relist", json={"end_date": end}, headers=seller.bearer)
    assert again.status_code == 200
    assert again.json is not None
    assert (again.json["status"], again.json["end_date"]) == ("ACTIVE", end)
    for value, phrase in (("2020-01-01T00:00:00Z", YEAR_AHEAD), (5, MOMENT)):
        wrong = client.post(f"{path}/relist", json={"end_date": value}, headers=seller.bearer)
        assert wrong.status_code == 422
        assert phrase in (wrong.json or {})["errors"]["end_date"][0]


def test_only_sellers_list_and_only_their_own(
    client: Browser,
    seller: TestPerson,
    buyer: TestPerson,
    admin: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
) -> None:
    artwork_id = make_artwork(seller)
    path = f"/api/artworks/{artwork_id}"

    def attempts(headers: dict[str, str], path: str = path) -> set[int]:
        return {
            client.patch(path, json={"title": "Mine"}, headers=headers).status_code,
            client.post(f"{path}/withdraw", headers=headers).status_code,
            client.post(f"{path}/relist", headers=headers).status_code,
            client.put(
                f"{path}/image", data={"image": (picture(), "a.png")}, headers=headers
            ).status_code,
        }

    assert attempts({}) == {401}
    assert attempts(buyer.bearer) == attempts(admin.bearer) == {403}
    assert attempts(make_person("SELLER").bearer) == {404}
    assert attempts(seller.bearer, f"/api/artworks/{2**62}") == {404}
    assert client.post("/api/artworks", json=GOOD).status_code == 401
    assert client.post("/api/artworks", json=GOOD, headers=buyer.bearer).status_code == 403
    # Who may not is told so before what they sent is looked at.
    assert client.post("/api/artworks", json={}, headers=buyer.bearer).status_code == 403


@pytest.mark.parametrize("number", ["0", "999", "99999999999999999999999"])
def test_an_artwork_that_does_not_exist_is_not_found(client: Browser, number: str) -> None:
    assert client.get(f"/api/artworks/{number}").status_code == 404
    assert client.get("/api/artworks/abc").status_code == 404


def test_a_picture_that_would_wait_for_long_is_refused_and_taken_later(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int], crowded: Turns
) -> None:
    path = f"/api/artworks/{make_artwork(seller)}"

    def send() -> TestResponse:
        body = {"image": (picture(), "a.png"), "alt": "Teal"}
        return client.put(f"{path}/image", data=body, headers=seller.bearer)

    with crowded.turn():
        refused = send()
    assert refused.status_code == 503
    assert refused.content_type == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json is not None
    assert refused.json["detail"] == BUSY
    left: Any = client.get(path).json
    assert (left["image_url"], left["image_alt"]) == (None, "")
    assert send().status_code == 200


def test_a_picture_is_taken_and_served_for_good(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    path = f"/api/artworks/{make_artwork(seller)}/image"
    answer = client.put(
        path, data={"image": (picture("JPEG"), "a.exe"), "alt": " Teal "}, headers=seller.bearer
    )
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["image_alt"] == "Teal"
    url = answer.json["image_url"]
    with client.get(url) as served:
        assert served.status_code == 200
        assert served.content_type == "image/webp"
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in served.headers["Cache-Control"]
        assert "max-age=31536000" in served.headers["Cache-Control"]
        assert "Set-Cookie" not in served.headers
        with Image.open(BytesIO(served.data)) as image:
            assert image.size == (60, 40)
        etag = served.headers["ETag"]
    with client.get(url, headers={"If-None-Match": etag}) as again:
        assert again.status_code == 304
    with client.get(url, headers={"Range": "bytes=0-9"}) as part:
        assert part.status_code == 206
    with client.get(url.replace("800.webp", "1200.jpg")) as mail:
        assert mail.content_type == "image/jpeg"
    for name in ("401.webp", "..%2f800.webp", "800.webp%00"):
        assert client.get(url.replace("800.webp", name)).status_code == 404


@pytest.mark.parametrize(
    ("data", "status", "field", "phrase"),
    [
        (lambda: {}, 422, "image", "Missing data"),
        (lambda: {"image": "text"}, 422, "image", ""),
        (lambda: {"image": (BytesIO(b""), "a.png")}, 422, "image", "JPEG, PNG or WebP"),
        (lambda: {"image": (BytesIO(b"<svg/>"), "a.png")}, 422, "image", "JPEG, PNG or WebP"),
        (lambda: {"image": (picture("GIF"), "a.jpg")}, 422, "image", "JPEG, PNG or WebP"),
        (lambda: {"image": (picture(), "a"), "alt": "x" * 301}, 422, "alt", "at most 300"),
        (lambda: {"image": (picture(), "a"), "alt": "a\x07"}, 422, "alt", "control"),
        (lambda: {"image": (picture(), "a"), "more": "x"}, 422, "more", "Unknown field"),
        (lambda: {"image": (picture(), "a"), "file": (picture(), "b")}, 422, "file", "Unknown"),
    ],
)
def test_a_wrong_picture_is_named_with_its_limit(
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    data: Callable[[], dict[str, Any]],
    status: int,
    field: str,
    phrase: str,
) -> None:
    path = f"/api/artworks/{make_artwork(seller)}/image"
    answer = client.put(path, data=data(), headers=seller.bearer)
    assert answer.status_code == status, answer.text
    assert answer.json is not None
    said = " ".join(answer.json["errors"][field]) if field else answer.json["detail"]
    assert phrase in said


@pytest.mark.parametrize("size", [10 * 2**20 + 1, 12 * 2**20])
def test_a_picture_that_is_too_large_is_answered_with_the_limit(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int], size: int
) -> None:
    # Encoded here: the test client would leave its own copy of so large a body open.
    body, kind = encode_multipart_formdata({"image": ("a.png", b"x" * size)})
    path = f"/api/artworks/{make_artwork(seller)}/image"
    answer = client.put(path, data=body, content_type=kind, headers=seller.bearer)
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
    assert "10 MB" in (answer.json or {})["detail"]


@pytest.mark.parametrize(
    ("query", "field", "phrase"),
    [
        ("status=OPEN", "status", "ACTIVE, PENDING_PAYMENT, SOLD, EXPIRED, ARCHIVED"),
        ("status=", "status", "Must be one of"),
        ("category=Tapestry", "category", "Painting, Print"),
        (f"q={'x' * 101}", "q", "at most 100 characters"),
        ("q=%00", "q", "control characters"),
        ("seller_id=abc", "seller_id", "Not a valid integer"),
        ("seller_id=0", "seller_id", "from 1 to"),
        ("seller_id=99999999999999999999", "seller_id", "from 1 to"),
        ("sort=secret_threshold", "sort", "newest, ending, price, bids"),
        ("sort=", "sort", "Must be one of"),
        ("page=0", "page", "from 1 to 1,000,000"),
        ("page=99999999999999999999", "page", "from 1 to 1,000,000"),
        ("page=x", "page", "Not a valid integer"),
        ("per_page=101", "per_page", "from 1 to 100"),
        ("per_page=-1", "per_page", "from 1 to 100"),
        ("secret_threshold=5", "secret_threshold", "Unknown field"),
        ("threshold_cents=5", "threshold_cents", "Unknown field"),
    ],
)
def test_a_wrong_filter_is_named_with_its_limit(
    client: Browser, query: str, field: str, phrase: str
) -> None:
    answer = client.get(f"/api/artworks?{query}")
    assert answer.status_code == 422
    assert answer.json is not None
    assert phrase in answer.json["errors"][field][0]


def titles(client: Browser, query: str = "", person: TestPerson | None = None) -> list[str]:
    """The titles of a list, in its order."""
    answer = client.get(f"/api/artworks?{query}", headers=person.bearer if person else {})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert answer.json["total"] >= len(answer.json["items"])
    return [item["title"] for item in answer.json["items"]]


@pytest.fixture
def market(seller: TestPerson, make_artwork: Callable[..., int]) -> dict[str, int]:
    """One artwork in each state, from the oldest to the newest."""
    start = clock.now() - timedelta(days=9)
    made: dict[str, int] = {}
    states: dict[str, dict[str, Any]] = {
        "ACTIVE": {"end_at": clock.now() + timedelta(days=2), "highest_bid_cents": 500,
                   "bid_count": 1, "category": "Print"},
        "PENDING_PAYMENT": {"highest_bid_cents": 9_000, "bid_count": 5},
        "SOLD": {"sold_cents": 12_000, "highest_bid_cents": 100, "bid_count": 2},
        "EXPIRED": {"end_at": clock.now() - timedelta(days=1)},
        "ARCHIVED": {"artist_name": "Hidden"},
    }  # fmt: skip
    for day, (status, columns) in enumerate(states.items()):
        made[status] = make_artwork(
            seller, title=status, status=status, created_at=start + timedelta(days=day), **columns
        )
    return made


def test_a_list_is_newest_first_and_hides_what_was_withdrawn(
    client: Browser, market: dict[str, int], seller: TestPerson, admin: TestPerson
) -> None:
    public = ["EXPIRED", "SOLD", "PENDING_PAYMENT", "ACTIVE"]
    assert titles(client) == public
    assert titles(client, "", seller) == public
    assert titles(client, f"seller_id={seller.id}") == public
    assert titles(client, f"seller_id={seller.id}", seller) == ["ARCHIVED", *public]
    assert titles(client, f"seller_id={seller.id}&status=ARCHIVED", seller) == ["ARCHIVED"]
    assert titles(client, "status=ARCHIVED") == titles(client, "status=ARCHIVED", seller) == []
    assert titles(client, "q=Hidden") == []
    assert titles(client, "status=ARCHIVED", admin) == ["ARCHIVED"]
    assert client.get(f"/api/artworks/{market['ARCHIVED']}").status_code == 404
    for person in (seller, admin):
        answer = client.get(f"/api/artworks/{market['ARCHIVED']}", headers=person.bearer)
        assert answer.status_code == 200


def test_lists_are_filtered_and_sorted(
    client: Browser, market: dict[str, int], seller: TestPerson
) -> None:
    assert titles(client, "status=SOLD") == ["SOLD"]
    assert titles(client, "category=Print") == ["ACTIVE"]
    assert titles(client, f"seller_id={seller.id + 1}") == []
    assert titles(client, "sort=price") == ["SOLD", "PENDING_PAYMENT", "ACTIVE", "EXPIRED"]
    assert titles(client, "sort=bids") == ["PENDING_PAYMENT", "SOLD", "ACTIVE", "EXPIRED"]
    assert titles(client, "sort=ending") == ["ACTIVE", "EXPIRED", "SOLD", "PENDING_PAYMENT"]
    assert titles(client, "per_page=2&page=2") == ["PENDING_PAYMENT", "ACTIVE"]
    assert titles(client, "page=1000000") == []


def test_what_ends_soonest_comes_first_and_what_never_ends_last(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    make_artwork(seller, title="never")
    for days in (3, 1, 2):
        make_artwork(seller, title=str(days), end_at=clock.now() + timedelta(days=days))
    assert titles(client, "sort=ending") == ["1", "2", "3", "never"]


def test_the_search_takes_every_letter_as_it_is(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    make_artwork(seller, title="100% Cotton")
    make_artwork(seller, title="Snake_case", artist_name="O'Brien")
    make_artwork(seller, title="Plain", description="back\\slash and a COTTON thread/yarn")
    for query, found in {
        "cotton": ["Plain", "100% Cotton"], "%25": ["100% Cotton"], "_": ["Snake_case"],
        "o'brien": ["Snake_case"], "%5C": ["Plain"], "d/y": ["Plain"],
        "100%25%20c": ["100% Cotton"], "%25%25": [], "' OR 1=1 --": [], "  plain ": ["Plain"],
    }.items():  # fmt: skip
        assert titles(client, f"q={query}") == found, query


def test_the_search_minds_capitals_in_no_alphabet(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    make_artwork(seller, title="Über den Dächern", artist_name="ΜΑΡΊΑ")
    make_artwork(seller, title="ЗИМНИЙ ВЕЧЕР")
    for query, found in {
        "über": ["Über den Dächern"], "DÄCHERN": ["Über den Dächern"],
        "μαρία": ["Über den Dächern"], "Зимний": ["ЗИМНИЙ ВЕЧЕР"], "uber": [],
    }.items():  # fmt: skip
        assert titles(client, f"q={query}") == found, query


@pytest.mark.parametrize("number", [2, 30])
def test_a_list_costs_one_select_and_a_search_a_second(
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    selects: list[str],
    number: int,
    database: str,
) -> None:
    for _ in range(number):
        make_artwork(seller, picture_key="a" * 32, picture_width=9, picture_height=9)
    # PostgreSQL looks up first which artworks hold a text.
    searched = 1 if database == "sqlite" else 2
    for path, limit in {
        "/api/artworks?per_page=100&q=still&sort=price": searched, "/": 1, "/api/artworks/1": 1,
    }.items():  # fmt: skip
        selects.clear()
        assert client.get(path).status_code == 200
        asked = [each for each in selects if each.lstrip().upper().startswith("SELECT")]
        assert len(asked) == limit, asked


def test_a_list_is_written_as_the_schema_says(
    app: Flask,
    seller: TestPerson,
    admin: TestPerson,
    make_artwork: Callable[..., int],
) -> None:
    later_on = clock.now() + timedelta(days=2)
    make_artwork(seller, 5_000, title="<b>“Ü”</b>", description="a\nb", end_at=later_on)
    make_artwork(seller, highest_bid_cents=50, bid_count=1, picture_key="a" * 32,
                 picture_width=900, picture_height=600, image_alt="A boat")  # fmt: skip
    make_artwork(seller, status="SOLD", sold_cents=1_234_567, highest_bid_cents=99)
    make_artwork(seller, status="EXPIRED")
    for person in (None, seller, admin):
        headers = person.bearer if person else {}
        listed = app.test_client().get("/api/artworks", headers=headers).get_json()
        with app.test_request_context("/", headers=headers):
            page = queries.artworks(ArtworkFilters(viewer=viewer_or_none()))
            said = page_of(ArtworkOut)().dump(page)
        assert listed == said
        assert len(listed["items"]) == 4
        assert all("secret_threshold" in item for item in listed["items"]) == (person is not None)


SECRET = 77_777
SECRETS = ("777.77", "77777", "threshold")


def test_nobody_but_its_seller_and_admins_is_told_the_threshold(
    client: Browser,
    seller: TestPerson,
    buyer: TestPerson,
    admin: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = [
        make_artwork(seller, SECRET, highest_bid_cents=500, bid_count=1),
        make_artwork(seller, SECRET, status="PENDING_PAYMENT"),
        make_artwork(seller, SECRET, status="SOLD", sold_cents=80_000),
        make_artwork(seller, SECRET, status="EXPIRED"),
    ]
    paths = ["/api/artworks", *(f"/api/artworks/{artwork_id}" for artwork_id in made)]
    paths += [f"/api/artworks?sort={sort}" for sort in ("newest", "ending", "price", "bids")]
    caplog.set_level(logging.DEBUG)
    for person in (None, buyer, make_person("SELLER")):
        headers = person.bearer if person else {}
        browser = person.browser if person else client
        for path in paths:
            text = client.get(path, headers=headers).text
            assert not any(secret in text for secret in SECRETS), path
        assert not any(secret in browser.get("/").text for secret in SECRETS)
    for person in (seller, admin):
        for path in paths[1:5]:
            answer = client.get(path, headers=person.bearer).json
            assert answer is not None
            assert answer["secret_threshold"] == "777.77"
    assert "777" not in caplog.text


def test_the_threshold_changes_nothing_that_others_can_see(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    moment = clock.now()
    worlds = []
    for order in ((10_000, 99_000_000), (99_000_000, 10_000)):
        for number, cents in enumerate(order):
            made = make_artwork(seller, cents, title=f"World {number}", created_at=moment)
            worlds.append((made, number))
    one, other = ([made for made, _ in worlds[:2]], [made for made, _ in worlds[2:]])

    def seen(ids: list[int]) -> list[Any]:
        found: list[Any] = []
        for sort in ("newest", "ending", "price", "bids"):
            listed = client.get(f"/api/artworks?sort={sort}").json
            assert listed is not None
            found.append([item["title"] for item in listed["items"] if item["id"] in ids])
        for artwork_id in ids:
            answer = dict(client.get(f"/api/artworks/{artwork_id}").json or {})
            answer.pop("id")
            found.append(answer)
        return found

    assert seen(one) == seen(other)


def test_while_reserved_nothing_tells_who_or_how_much(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(
        seller, 10_000, status="PENDING_PAYMENT", highest_bid_cents=500, bid_count=3
    )
    answer = client.get(f"/api/artworks/{artwork_id}").json
    assert answer is not None
    assert (answer["current_highest_bid"], answer["bid_count"]) == ("5.00", 3)
    assert answer["sold_price"] is None
    assert set(answer) == {
        "id", "title", "artist_name", "description", "category", "image_url", "image_alt",
        "seller", "status", "current_highest_bid", "bid_count", "end_date", "sold_price",
        "created_at",
    }  # fmt: skip


def test_a_cookie_needs_the_csrf_token_in_the_api_too(seller: TestPerson) -> None:
    assert seller.browser.post("/api/artworks", json=GOOD).status_code == 400
    answer = seller.browser.post(
        "/api/artworks", json=GOOD, headers={"X-CSRFToken": seller.browser.csrf_token()}
    )
    assert answer.status_code == 201
