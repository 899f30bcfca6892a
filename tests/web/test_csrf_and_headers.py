"""CSRF, security headers, request ids, static files."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import create_app
from app.config import Settings, read_settings
from app.web.security_headers import content_security_policy
from tests.conftest import release
from tests.databases import REQUIRED
from tests.people import Browser, TestPerson


def test_a_form_without_its_token_is_refused_with_a_page(client: Browser) -> None:
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "made up"}):
        answer = client.post("/login", data={"email": "a@example.com", "password": "x", **token})
        assert answer.status_code == 400
        assert "too old" in answer.text
        assert "<h1>Please send that again</h1>" in answer.text


def test_the_token_of_another_session_is_refused(app: Flask, client: Browser) -> None:
    other = app.test_client()
    with other.session_transaction() as kept:
        kept["csrf_token"] = "f" * 40
    answer = other.post("/login", data={"csrf_token": client.csrf_token()})
    assert answer.status_code == 400


def test_a_program_with_a_bearer_token_needs_no_csrf_token(app: Flask, buyer: TestPerson) -> None:
    answer = app.test_client().delete("/api/auth/token", headers=buyer.bearer)
    assert answer.status_code == 204


def test_a_signed_in_browser_needs_the_csrf_header_in_the_api(buyer: TestPerson) -> None:
    body = {"artwork_id": 1, "amount": "5.00"}
    refused = buyer.browser.post("/api/bids", json=body)
    assert refused.status_code == 400
    assert "csrf_token" in refused.get_json(force=True)["errors"]
    sent = {"X-CSRFToken": buyer.browser.csrf_token()}
    # No such artwork: the request itself was let in.
    assert buyer.browser.post("/api/bids", json=body, headers=sent).status_code == 404


def test_an_authorization_of_another_kind_does_not_open_the_door(buyer: TestPerson) -> None:
    """A foreign page can make a browser send Basic credentials, never a bearer token."""
    for value in ("Basic YTpi", "bearer", "Bearerx"):
        answer = buyer.browser.post("/api/bids", json={}, headers={"Authorization": value})
        assert answer.status_code == 400, value


def test_who_is_not_signed_in_may_ask_the_api_for_a_token(client: Browser) -> None:
    answer = client.post("/api/auth/token", json={"email": "a@example.com", "password": "wrong"})
    assert answer.status_code == 401


def test_stripe_needs_no_csrf_token(client: Browser) -> None:
    answer = client.post("/api/payments/webhook", data=b"{}")
    assert "csrf" not in answer.text


def test_every_answer_carries_the_security_headers(client: Browser) -> None:
    for path in ("/", "/health", "/nothing", "/api/artworks", "/static/css/app.css", "/seller"):
        answer = client.get(path)
        headers = answer.headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])
        answer.close()


def test_no_header_is_sent_twice(client: Browser, buyer: TestPerson, admin: TestPerson) -> None:
    several = {"set-cookie"}
    sheet = "/static/css/app.css"
    etag = {"If-None-Match": "*"}
    answers = [
        *(client.get(path) for path in ("/", "/login", "/seller", "/nothing", "/health", sheet)),
        *(client.get(path) for path in ("/api/artworks", "/api/nothing", "/api/auth/me")),
        *(client.get(path, headers=etag) for path in (sheet, "/api/artworks", "/help")),
        *(client.get(path, headers=buyer.bearer) for path in ("/api/artworks", "/api/auth/me")),
        *(buyer.browser.get(path) for path in ("/", "/account", sheet, "/api/artworks")),
        admin.browser.get("/admin"),
        client.open("/api/artworks", method="HEAD"),
        client.open("/api/artworks", method="OPTIONS"),
        client.post("/api/bids", json={}),
        client.post("/login", data={}),
    ]
    for answer in answers:
        names = [name.lower() for name, _ in answer.headers]
        once = [name for name in names if name not in several]
        assert len(once) == len(set(once)), (answer.request.path, names)
        assert {"x-request-id", "cache-control", "content-security-policy", "vary"} <= set(names)
        assert "Cookie" in answer.headers["Vary"]
        answer.close()


def test_nothing_inline_and_nothing_from_elsewhere_is_allowed(settings: Settings) -> None:
    policy = content_security_policy(settings, "abc")
    assert "unsafe" not in policy
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'nonce-abc'"
    assert rules["style-src"] == rules["connect-src"] == "'self'"
    assert "script-src 'none';" in content_security_policy(settings)
    assert rules["form-action"] == "'self' https://checkout.stripe.com"


def test_the_form_that_wins_may_lead_to_the_stand_in_for_stripe() -> None:
    settings = read_settings(REQUIRED | {"STRIPE_API_BASE": "http://127.0.0.1:12111/base"})
    assert "checkout.stripe.com http://127.0.0.1:12111;" in content_security_policy(settings)


def test_https_is_insisted_on_only_where_it_is_used(
    client: Browser, settings: Settings, app: Flask
) -> None:
    assert "Strict-Transport-Security" not in client.get("/health").headers
    https = create_app(settings.model_copy(update={"public_url": "https://bids.example.com"}))
    answer = https.test_client().get("/login", base_url="https://bids.example.com")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    release(https)


def test_personal_answers_are_kept_by_nobody(
    app: Flask, client: Browser, buyer: TestPerson
) -> None:
    assert buyer.browser.get("/me/bids").headers["Cache-Control"] == "no-store"
    assert buyer.browser.get("/").headers["Cache-Control"] == "no-store"
    answer = app.test_client().get("/api/auth/me", headers=buyer.bearer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/help").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0123456789abcdef", True),
        ("a-b_c.d-0123", True),
        ("short", False),
        ("x" * 65, False),
        ("has spaces in it", False),
        ("<script>alert(1)</script>", False),
        ("töööööööt", False),
    ],
)
def test_a_request_id_is_taken_over_only_when_it_is_well_formed(
    client: Browser, given: str, kept: bool
) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert answer.headers["X-Request-ID"] in answer.text


def test_static_files_are_named_by_their_content_and_kept_for_a_year(client: Browser) -> None:
    page = client.get("/help").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) >= 4
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$", address), address
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        answer.close()


def fetched(client: Browser, address: str, **headers: str) -> tuple[Any, bytes]:
    """A file's headers and its bytes as sent."""
    with client.get(address, headers=headers) as answer:
        return answer.headers, answer.get_data()


def statics(page: str) -> list[str]:
    """The static files that a page needs."""
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page)


def test_text_that_never_changes_is_sent_compressed_and_pages_are_not(client: Browser) -> None:
    packed = {"Accept-Encoding": "gzip, deflate, br"}
    page = client.get("/help", headers=packed)
    assert "Content-Encoding" not in page.headers
    for address in statics(page.text):
        plain, content = fetched(client, address)
        headers, sent = fetched(client, address, **packed)
        assert "Content-Encoding" not in plain
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(sent) == content
        assert int(headers["Content-Length"]) == len(sent)
        for known in (plain, headers):
            assert "Accept-Encoding" in known["Vary"]
            again = {"If-None-Match": known["ETag"], **packed}
            with client.get(address, headers=again) as answer:
                assert (answer.status_code, answer.get_data()) == (304, b"")


def test_a_first_visit_is_light(client: Browser) -> None:
    page = client.get("/help")
    sent = [fetched(client, one, **{"Accept-Encoding": "gzip"})[1] for one in statics(page.text)]
    scripts = [fetched(client, one)[1] for one in statics(page.text) if ".js" in one]
    assert 0 < sum(map(len, scripts)) <= 60_000
    assert len(page.data) + sum(map(len, sent)) <= 150_000


def test_a_static_address_without_its_fingerprint_is_asked_for_again(client: Browser) -> None:
    for query in ("", "?v=000000000000"):
        answer = client.get(f"/static/css/app.css{query}")
        assert answer.headers["Cache-Control"] == "no-cache"
        again = client.get("/static/css/app.css", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        again.close()
        answer.close()


def test_forwarded_addresses_are_believed_only_behind_a_proxy(
    app: Flask, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def logged(target: Any) -> str:
        caplog.clear()
        with caplog.at_level("INFO"):
            target.test_client().get("/help", headers={"X-Forwarded-For": "6.6.6.6, 7.7.7.7"})
        return str(caplog.records[-1].__dict__["from_address"])

    assert logged(app) == "127.0.0.1"
    proxied = create_app(settings.model_copy(update={"trusted_proxies": 1}))
    assert logged(proxied) == "7.7.7.7"
    release(proxied)


def test_a_page_holds_no_inline_script_or_style(client: Browser) -> None:
    for path in ("/", "/help", "/login", "/register", "/nothing"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"<style|\sstyle=|\son\w+=", page), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), path


def test_no_address_of_a_static_file_says_anything_of_what_lies_outside(
    app: Flask, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"outside")
    right = hashlib.sha256(b"outside").hexdigest()[:12]
    beyond = "/static/" + "../" * 20 + str(outside).lstrip("/")

    def ask(path: str, query: str = "") -> tuple[str, str]:
        # As it comes over the wire: a client of ours would shorten the address.
        environ = EnvironBuilder(query_string=query).get_environ() | {"PATH_INFO": path}
        _, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
        return status, headers["Cache-Control"]

    assert ask("/static/css/app.css")[0] == "200 OK"
    for path in (beyond, "/static/../" * 20 + "nothing", "/static/css", "/static/a\0b"):
        assert ask(path, f"v={right}") == ("404 NOT FOUND", "no-cache")
