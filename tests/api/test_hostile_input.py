"""Every operation with input that no honest program sends: refused in words, never a failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from tests.access.world import small_picture
from tests.payments.market import WEBHOOK, signed
from tests.people import Browser, TestPerson, anonymous

BODIES = [
    b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": 1, "a": 2}', b"null", b"[]", b'{"nobody": 1}',
    b'{"amount": NaN}', b'{"amount": Infinity}', b'{"bid_id": ' + b"9" * 5_000 + b"}",
    b'{"title": "\\u0000", "name": "\\u0000", "email": "\\u0000", "role": "\\u0000"}',
    b'{"title": "\\ud800", "name": "\\ud800", "password": "\\ud800", "role": "\\ud800"}',
]  # fmt: skip
QUERIES = ["page=99999999999999999999", "per_page=0", "page=x", "nobody=1", "page=NaN"]
# Text that a query may hold: none of it may reach a database that cannot keep it.
HOSTILE_TEXT = ["%00", "a%00b", "%ff%fe", "%ed%a0%80"]


def operations(client: Browser) -> Iterator[tuple[str, str, Any]]:
    """Method, path and description of each operation but Stripe's."""
    for path, methods in client.get("/api/openapi.json").get_json()["paths"].items():
        for method, said in methods.items():
            if said["operationId"] not in {"webhook", "delete_token"}:
                yield method.upper(), path, said


def person_for(said: Any, seller: TestPerson, admin: TestPerson) -> TestPerson:
    """Somebody who may ask this."""
    return admin if said["tags"] == ["Administration"] else seller


# What is wrong before any database is asked is wrong on both alike; PostgreSQL takes less text.
STRICTER = pytest.mark.parametrize("database", ["postgresql"])


@STRICTER
def test_no_body_breaks_an_operation(app: Flask, seller: TestPerson, admin: TestPerson) -> None:
    client = anonymous(app)
    asked = 0
    for method, path, said in operations(client):
        if "application/json" not in said.get("requestBody", {}).get("content", {}):
            continue
        headers = person_for(said, seller, admin).bearer
        for body in BODIES:
            answer = client.open(
                re.sub(r"\{\w+\}", "1", path), method=method, data=body, headers=headers,
                content_type="application/json",
            )  # fmt: skip
            where = f"{method} {path} {body[:40]!r}: {answer.text}"
            assert answer.status_code in {403, 404, 422}, where
            assert answer.content_type == "application/problem+json", where
            if answer.status_code == 422:
                assert answer.get_json(force=True)["errors"], where
            asked += 1
    assert asked >= 7 * len(BODIES)


@STRICTER
def test_no_query_breaks_an_operation(app: Flask, seller: TestPerson, admin: TestPerson) -> None:
    client = anonymous(app)
    for method, path, said in operations(client):
        named = [each["name"] for each in said["parameters"] if each["in"] == "query"]
        if not named:
            continue
        headers = person_for(said, seller, admin).bearer
        address = re.sub(r"\{\w+\}", "1", path)
        for query in QUERIES:
            answer = client.open(f"{address}?{query}", method=method, headers=headers)
            assert answer.status_code == 422, f"{address}?{query}: {answer.text}"
            assert answer.get_json(force=True)["errors"], f"{address}?{query}"
        for name in named:
            for text in HOSTILE_TEXT:
                answer = client.open(f"{address}?{name}={text}", method=method, headers=headers)
                assert answer.status_code in {200, 404, 422}, f"{address}?{name}={text}"


def test_no_number_in_an_address_breaks_an_operation(
    app: Flask, seller: TestPerson, admin: TestPerson
) -> None:
    client = anonymous(app)
    for method, path, said in operations(client):
        if "{" not in path or "session_id" in path:
            continue
        headers = person_for(said, seller, admin).bearer
        for number in ("9223372036854775807", "9223372036854775808", "9" * 400, "-1", "١", "1.5"):
            answer = client.open(
                re.sub(r"\{\w+\}", number, path), method=method, headers=headers, json={}
            )
            assert answer.status_code == 404, f"{method} {path} {number[:30]}: {answer.text}"


def file(content: bytes, name: str = "a.png") -> tuple[BytesIO, str]:
    """A file of a form."""
    return BytesIO(content), name


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "image"),
        ({"data": {"image": "no file, but a text"}}, "image"),
        ({"data": {"image": file(b"")}}, "image"),
        ({"data": {"image": file(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)}}, "image"),
        ({"data": {"image": file(small_picture()), "alt": "a\0b"}}, "alt"),
        ({"data": {"image": file(small_picture()), "alt": "a" * 301}}, "alt"),
        ({"data": {"image": file(small_picture()), "nobody": "1"}}, "nobody"),
        ({"data": {"image": file(small_picture()), "nobody": file(b"1")}}, "nobody"),
        ({"data": b"--x", "content_type": "multipart/form-data; boundary=y"}, "image"),
        ({"data": b"--x", "content_type": "multipart/form-data"}, "image"),
        ({"json": {"image": "a.png"}}, "image"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["sqlite"])
def test_no_form_breaks_the_picture(
    app: Flask, seller: TestPerson, make_artwork: Any, sent: Any, field: str
) -> None:
    answer = anonymous(app).put(
        f"/api/artworks/{make_artwork(seller)}/image", headers=seller.bearer,
        **sent,
    )  # fmt: skip
    assert answer.status_code == 422, answer.text
    assert list(answer.get_json(force=True)["errors"]) == [field]


@pytest.mark.parametrize("body", [*BODIES, b"", b'{"id": 1}', b'{"id": "evt_1", "data": []}'])
@pytest.mark.parametrize("database", ["postgresql"])
def test_no_event_breaks_the_webhook_even_with_stripes_signature(app: Flask, body: bytes) -> None:
    client = anonymous(app)
    for signature in ("", "t=1", "t=x,v1=y", "\u00e4", "t=" + "9" * 5_000 + ",v1=00"):
        answer = client.post(WEBHOOK, data=body, headers={"Stripe-Signature": signature})
        assert answer.status_code == 400, (signature, answer.text)
    answer = client.post(WEBHOOK, data=body, headers={"Stripe-Signature": signed(body)})
    assert answer.status_code in {200, 400}, answer.text


@pytest.mark.parametrize("sent", ["", "x", "\u00e4", "a\tb", "..", "0" * 60_000, "%00"])
@pytest.mark.parametrize("database", ["postgresql"])
def test_no_token_breaks_a_log_out(app: Flask, sent: str) -> None:
    answer = anonymous(app).delete("/api/auth/token", headers={"Authorization": f"Bearer {sent}"})
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_answer_that_has_not_changed_is_304_and_nobody_gets_anothers(
    app: Flask, seller: TestPerson, make_artwork: Any
) -> None:
    client, address = anonymous(app), f"/api/artworks/{make_artwork(seller)}"
    first = client.get(address)
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get(address, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    for answer in (first, again):
        assert {"authorization", "cookie"} <= {each.lower() for each in answer.vary}
    own = client.get(address, headers={**known, **seller.bearer})
    assert own.status_code == 200
    assert own.headers["Cache-Control"] == "no-store"
    assert "secret_threshold" in own.get_json()
