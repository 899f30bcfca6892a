"""Every failure as an answer: problem+json under /api, a page elsewhere, neither with secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, abort
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from urllib3.filepost import encode_multipart_formdata

from app import create_app
from app.core import errors
from app.core.access import Who, access
from app.core.extensions import db
from app.web.errors import flatten, status_of
from tests.conftest import release
from tests.people import Browser, TestPerson

EXPECTED = {
    "invalid": 422,
    "not_found": 404,
    "forbidden": 403,
    "conflict": 409,
    "unavailable": 503,
    "too_many": 429,
    "teapot": 418,
    "broken": 500,
    "database": 503,
    "bad_query": 500,
}


class OutOfReach(errors.Conflict):
    """A conflict with more to tell."""

    code = "out_of_reach"
    detail = "It is too high."

    def extras(self) -> dict[str, Any]:
        return {"height": 3}


def fail(how: str) -> str:
    """Fail in one of the ways of the product."""
    match how:
        case "invalid":
            raise errors.Invalid({"amount": ["Enter an amount."]})
        case "not_found":
            raise errors.NotFound
        case "forbidden":
            raise errors.Forbidden
        case "conflict":
            raise OutOfReach
        case "unavailable":
            raise errors.Unavailable
        case "too_many":
            raise errors.TooManyRequests(17)
        case "teapot":
            abort(418)
        case "database":
            raise OperationalError("SELECT secret_sql", {}, Exception("gone"))
        case "bad_query":
            db.session.execute(text("SELECT nonsense FROM nowhere_at_all"))
    raise RuntimeError("a secret that nobody may read")


@pytest.fixture
def failing(app: Flask, settings: Any) -> Iterator[Browser]:
    """A browser of an application with routes that fail."""
    other = create_app(settings)
    for name, prefix in (("fail_api", "/api/fail"), ("fail_pages", "/fail")):
        blueprint = Blueprint(name, __name__, url_prefix=prefix)
        blueprint.get("/<how>")(access(Who.ANYONE)(fail))
        other.register_blueprint(blueprint)
    other.test_client_class = Browser
    yield other.test_client()  # type: ignore[misc]
    release(other)


@pytest.mark.parametrize("how", EXPECTED)
def test_the_api_answers_failures_as_problems(failing: Browser, how: str) -> None:
    status = EXPECTED[how]
    if how == "bad_query" and "sqlite" in failing.application.config["SQLALCHEMY_DATABASE_URI"]:
        # SQLite calls a table that is not there an operational error.
        status = 503
    answer = failing.get(f"/api/fail/{how}")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json(force=True)
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    assert "secret" not in answer.text


@pytest.mark.parametrize("how", EXPECTED)
def test_pages_answer_failures_with_a_page(failing: Browser, how: str) -> None:
    answer = failing.get(f"/fail/{how}", headers={"X-Request-ID": "reference-1"})
    assert answer.status_code in (EXPECTED[how], 503)
    assert answer.mimetype == "text/html"
    assert "reference-1" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_refusal_tells_its_code_its_words_and_more(failing: Browser) -> None:
    assert failing.get("/api/fail/conflict").get_json(force=True) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "It is too high.",
        "code": "out_of_reach",
        "height": 3,
    }
    assert "It is too high." in failing.get("/fail/conflict").text


def test_wrong_input_is_told_by_field(failing: Browser) -> None:
    body = failing.get("/api/fail/invalid").get_json(force=True)
    assert body["errors"] == {"amount": ["Enter an amount."]}


def test_who_asks_too_often_or_too_early_is_told_when_to_come_back(failing: Browser) -> None:
    assert failing.get("/api/fail/too_many").headers["Retry-After"] == "17"
    assert failing.get("/fail/too_many").headers["Retry-After"] == "17"
    assert int(failing.get("/api/fail/unavailable").headers["Retry-After"]) > 0
    assert int(failing.get("/fail/database").headers["Retry-After"]) > 0


def test_an_unforeseen_failure_is_logged_with_the_request(
    failing: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        failing.get("/fail/broken")
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info is not None for record in logged] == [True]


def test_an_error_page_asks_no_database(
    failing: Browser, buyer: TestPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who is signed in still gets the page when the database is gone."""
    failing.set_cookie("session", buyer.browser.get_cookie("session").value)  # type: ignore[union-attr]
    with failing.application.app_context():
        engine = db.engine

    def gone(*_: Any, **__: Any) -> Any:
        raise OperationalError("connect", {}, Exception("gone"))

    # The engine itself is outside of ours: it behaves as when the server has gone away.
    monkeypatch.setattr(engine, "connect", gone)
    monkeypatch.setattr(engine, "raw_connection", gone)
    for path, status in (("/fail/not_found", 404), ("/nothing", 404), ("/me/bids", 503)):
        answer = failing.get(path)
        assert answer.status_code == status
        assert "<h1>" in answer.text
    assert failing.get("/api/auth/me").status_code == 503
    assert failing.get("/health").status_code == 200


def test_an_unknown_address_is_not_found_in_either_language(client: Browser) -> None:
    assert client.get("/nothing/here").mimetype == "text/html"
    answer = client.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert client.get("/api").status_code == 404


def test_a_wrong_method_names_the_right_ones(client: Browser) -> None:
    answer = client.delete("/api/auth/me", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert "GET" in answer.headers["Allow"]
    assert client.get("/api/auth/token").status_code == 405


def test_a_body_that_cannot_be_read_is_bad_input_and_another_type_is_415(client: Browser) -> None:
    def post(body: bytes, kind: str = "application/json") -> Any:
        return client.post("/api/auth/token", data=body, content_type=kind)

    for body in (b"{", b"\xff\xfe", b'{"email": NaN}', b"[" * 100_000):
        answer = post(body)
        assert answer.status_code == 422
        assert answer.get_json(force=True)["errors"] == {
            "body": ["This is not valid JSON in UTF-8."]
        }
    assert post(b"email=a", "application/x-www-form-urlencoded").status_code == 415
    answer = post(b'{"email": "a", "email": "b"}')
    assert answer.get_json(force=True)["errors"] == {"email": ["Send this field once."]}
    for body in (b"[]", b"7", b"null", b'"text"'):
        answer = post(body)
        assert answer.status_code == 422
        assert "errors" in answer.get_json(force=True)
    answer = post(b'{"email": 7, "more": 1}')
    assert answer.status_code == 422
    assert {"email", "password", "more"} <= set(answer.get_json(force=True)["errors"])


def test_too_large_a_body_is_413_everywhere(client: Browser, seller: TestPerson) -> None:
    large = b"x" * (12 * 1024 * 1024)
    answer = client.post("/api/auth/token", data=large, content_type="application/json")
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
    form = {"csrf_token": client.csrf_token(), "email": "x" * (12 * 1024 * 1024)}
    answer = client.post("/login", data=form)
    assert answer.status_code == 413
    assert answer.mimetype == "text/html"


def test_what_is_too_large_is_told_with_the_limit_that_holds_there(
    client: Browser, seller: TestPerson
) -> None:
    large = b"x" * (2 * 1024 * 1024)
    said = client.post("/api/auth/token", data=large, content_type="application/json")
    assert said.get_json(force=True)["detail"] == (
        "What was sent is too large. Here it may have up to 1 MB."
    )
    for length, limit in ((600 * 1024, "up to 512 kB"), (2 * 1024 * 1024, "up to 1 MB")):
        form = {"csrf_token": seller.browser.csrf_token(), "name": "x" * length}
        # Encoded here: the test client would leave its own copy of so large a body open.
        body, kind = encode_multipart_formdata(form)
        sent = seller.browser.post("/account/name", data=body, content_type=kind)
        assert limit in sent.text


@pytest.mark.parametrize(
    ("came_from", "led_to"),
    [
        ("http://localhost/seller/artworks/new?x=1", "/seller/artworks/new"),
        ("http://localhost//evil.example/a", "/evil.example/a"),
        ("http://evil.example/seller/artworks/new", None),
        (None, None),
    ],
)
def test_from_what_was_too_large_a_link_leads_back_to_our_own_page(
    seller: TestPerson, came_from: str | None, led_to: str | None
) -> None:
    headers = {"Referer": came_from} if came_from else {}
    form = {"name": "x" * 2 * 1024 * 1024}
    page = seller.browser.post("/account/name", data=form, headers=headers).text
    found = re.findall(r'<a class="btn" href="([^"]+)">Go back', page)
    assert found == ([led_to] if led_to else [])


def test_who_is_not_signed_in_is_asked_for_a_token_by_the_api(client: Browser) -> None:
    answer = client.get("/api/auth/me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.get_json(force=True)["title"] == "Unauthorized"


def test_who_is_not_signed_in_is_led_to_the_log_in_and_back(client: Browser) -> None:
    answer = client.get("/seller?status=SOLD")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/seller?status%3DSOLD"


def test_after_a_form_the_way_back_is_the_page_that_it_stood_on(client: Browser) -> None:
    token = client.csrf_token()
    for referrer, back in (
        ("http://localhost/artworks/7", "/artworks/7"),
        ("https://elsewhere.example/artworks/7", "/"),
        ("", "/"),
    ):
        answer = client.post(
            "/artworks/7/bids", data={"csrf_token": token}, headers={"Referer": referrer}
        )
        assert answer.location == f"/login?next={back}"


def test_messages_are_flattened_by_field() -> None:
    assert flatten({"json": {"_schema": ["Invalid input type."]}}) == {
        "body": ["Invalid input type."]
    }
    assert flatten({"query": {"page": ["Too small."]}}) == {"page": ["Too small."]}
    nested = {"json": {"size": {"width": ["Too wide."]}, "list": {0: ["Wrong."]}, "x": "Plain"}}
    assert flatten(nested) == {
        "size.width": ["Too wide."],
        "list.0": ["Wrong."],
        "x": ["Plain"],
    }


def test_every_error_of_the_product_has_a_status() -> None:
    def below(kind: type[errors.ProductError]) -> Iterator[type[errors.ProductError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    for kind in below(errors.ProductError):
        assert 400 <= status_of(kind.__new__(kind)) <= 503
