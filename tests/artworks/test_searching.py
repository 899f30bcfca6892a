"""A text is found wherever it was written from, however often it occurs, and the same every way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text

from app.artworks import listings, searching
from app.core import clock
from app.core.extensions import db
from bench.plans import Statement, recorded
from tests.people import Browser, TestPerson


def titles(client: Browser, query: str) -> list[str]:
    """What the API lists."""
    answer = client.get(f"/api/artworks?{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.get_json()["items"]]


def run(app: Flask, statement: str, **values: object) -> None:
    """Change the database as no part of this version does."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(statement), values)


def test_an_artwork_is_found_by_what_its_seller_wrote_last(
    client: Browser, seller: TestPerson
) -> None:
    answer = client.post(
        "/api/artworks",
        json={"title": "Harbour", "artist_name": "Maren Holt", "description": "Fog\nand gulls",
              "secret_threshold": "100"},
        headers=seller.bearer,
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    for query in ("harb", "ren hol", "gulls"):
        assert titles(client, f"q={query}") == ["Harbour"], query
    edited = client.patch(
        f"/api/artworks/{answer.get_json()['id']}",
        json={"title": "Lighthouse", "description": "Storm"},
        headers=seller.bearer,
    )
    assert edited.status_code == 200, edited.text
    for query in ("lightho", "ren hol", "storm"):
        assert titles(client, f"q={query}") == ["Lighthouse"], query
    assert titles(client, "q=harb") == titles(client, "q=gulls") == []


def test_an_artwork_is_found_that_another_version_listed_or_edited(
    app: Flask, client: Browser, seller: TestPerson
) -> None:
    run(
        app,
        "INSERT INTO artworks (seller_id, title, artist_name, description, category, image_alt, "
        "threshold_cents, status, bid_count, created_at, updated_at) VALUES (:seller, 'Harbour', "
        "'', '', 'Other', '', 10000, 'ACTIVE', 0, :now, :now)",
        seller=seller.id,
        now=clock.now().replace(tzinfo=None).isoformat(" "),
    )
    assert titles(client, "q=harb") == ["Harbour"]
    run(app, "UPDATE artworks SET description = 'Maren'")
    assert titles(client, "q=maren") == titles(client, "q=harb") == ["Harbour"]
    run(app, "UPDATE artworks SET title = 'Lighthouse', bid_count = 1")
    assert titles(client, "q=light") == ["Lighthouse"]
    assert titles(client, "q=harb") == []


def test_no_text_is_found_across_two_of_an_artworks_texts(
    client: Browser, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    make_artwork(seller, title="Still", artist_name="life", description="of pears")
    for query in ("still life", "stilllife", "lifeof", "life of"):
        assert titles(client, f"q={query}") == [], query
    assert client.get("/api/artworks?q=still%0Alife").status_code == 422


@pytest.fixture
def asked(app: Flask) -> Iterator[list[Statement]]:
    """The statements that the database is asked."""
    with app.app_context():
        engine = db.engine
    with recorded(engine) as statements:
        yield statements


def lists(client: Browser, seller: TestPerson) -> dict[str, tuple[int, list[str]]]:
    """How many are found and which, for every kind of text, filter, order and page."""
    asked = itertools.product(
        ("q=pear", "q=PEAR+1", "q=pear+17", "q=none", "q=e", "q=ea", "q=%25"),
        ("", "&status=SOLD", "&category=Print", f"&seller_id={seller.id}",
         f"&seller_id={seller.id}&status=EXPIRED&category=Print"),
        ("", "&sort=price", "&sort=bids", "&sort=ending"),
        ("", "&per_page=3&page=2", "&per_page=3&page=90"),
    )  # fmt: skip
    found = {}
    for query in map("".join, asked):
        answer = client.get(f"/api/artworks?{query}", headers=seller.bearer).get_json()
        found[query] = answer["total"], [item["title"] for item in answer["items"]]
    return found


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_is_looked_up_is_what_a_walk_finds(
    client: Browser,
    seller: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statuses = ("ACTIVE", "EXPIRED", "ARCHIVED", "SOLD")
    sellers = (seller, make_person("SELLER"))
    for number in range(40):
        status = statuses[number % 4]
        make_artwork(
            sellers[number // 3 % 2], title=f"Pear {number} of 100%", status=status,
            category="Print" if number % 5 else "Other", bid_count=number % 7,
            sold_cents=20_000 + number if status == "SOLD" else None,
        )  # fmt: skip
    looked_up = lists(client, seller)
    assert 0 < sum(total > 0 for total, _ in looked_up.values()) < len(looked_up)
    monkeypatch.setattr(listings, "found_in", lambda q: None)
    assert lists(client, seller) == looked_up


@pytest.fixture
def only_by_indexes(app: Flask) -> Iterator[None]:
    """The database does for a few rows what it does for many."""

    with app.app_context():
        engine = db.engine
    for words in ("SET enable_seqscan = off", "RESET enable_seqscan"):
        run(app, f'ALTER DATABASE "{engine.url.database}" {words}')
        # Connections keep what they began with.
        engine.dispose()
        if words.startswith("SET"):
            yield


# Their small letters are ASCII's, or differ by place or by locale, or there are none.
LETTERS = ["İstanbul", "\u212aelvin", "ΟΔΟΣ", "οδός", "Straße", "STRASSE", "ﬁsh", "ſtill", "猫と犬",
           "Зимний вечер", "Dächer", "O’Brien", "e\u0301tude", "Étude", "Ǆungla"]  # fmt: skip


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("only_by_indexes")
def test_letters_of_every_alphabet_are_found_in_the_index_as_by_a_walk(
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for word in LETTERS:
        make_artwork(seller, title=f"A {word} 1", description=f"{word}.{word}")
    pieces = {piece for word in LETTERS for each in (word, word.lower(), word.upper())
              for piece in (each, each[:3], each[1:], each[1:4])}  # fmt: skip
    pieces |= {"istanbul", "kelvin", "strasse", "fish", "still"}
    looked_up = {piece: titles(client, f"q={quote(piece)}") for piece in pieces}
    assert all(looked_up[word] for word in LETTERS)
    monkeypatch.setattr(listings, "found_in", lambda q: None)
    for piece in pieces:
        assert titles(client, f"q={quote(piece)}") == looked_up[piece], piece


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("only_by_indexes")
def test_words_that_most_artworks_have_are_not_asked_of_the_index(
    app: Flask,
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    asked: list[Statement],
) -> None:
    for number in range(300):
        make_artwork(seller, title=f"Oil 100% on canvas {number}", description=f"a_b /{number}")
    run(app, "ANALYZE artwork_texts")
    app.extensions.pop("texts", None)
    patterns = {
        "canvas 299": "%% 299%", "OIL  100% on canvas 29": "%% % % % % 29%", "rare": "%rare%",
        "oil rare canvas": "%% rare %%", "on canvas": "%on canvas%", "% on": "%/% on%",
        "a_b /7": "%% //7%", "100% 29": "%% 29%", "canvas 2": "%canvas 2%",
    }  # fmt: skip
    for query, pattern in patterns.items():
        asked.clear()
        found = titles(client, f"q={quote(query)}&per_page=100")
        given = [each.parameters for each in asked]
        assert [each["indexed"] for each in given if "indexed" in each] == [pattern], query
        assert len(found) == min(100, sum(
            query.lower() in f"oil 100% on canvas {number}\n\na_b /{number}"
            for number in range(300)
        )), query  # fmt: skip


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_only_a_rare_text_is_looked_up(
    app: Flask,
    client: Browser,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app.extensions.pop("frequent_texts", None)
    monkeypatch.setattr(searching, "_FEW", 2)
    monkeypatch.setattr(searching, "_WALKED", 2_000)
    ways = []

    def noted(q: str) -> str | None:
        ways.append(searching.found_in(q))
        return ways[-1]

    monkeypatch.setattr(listings, "found_in", noted)
    # "near" is in one after the other; those with "far" are far from each other.
    for number in range(30):
        make_artwork(seller, title="near" if number < 5 else "far" if number % 12 == 5 else "else")
    for query, number in {"near": 5, "far": 3, "never": 0}.items():
        assert len(titles(client, f"q={query}")) == number
    assert ways == [None, "{6,18,30}", searching.NOWHERE]
    # That it is frequent is remembered: nothing is looked up, and what is rare by now is found.
    run(app, "UPDATE artworks SET title = 'else' WHERE title = 'near' AND id > 1")
    monkeypatch.setattr(searching, "_HELD", None)
    assert titles(client, "q=near") == ["near"]
