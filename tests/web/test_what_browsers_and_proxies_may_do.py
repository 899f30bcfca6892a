"""Scripts, caches and redirects of pages; what a proxy, or somebody who plays one, may claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request, request_started

from app import create_app
from app.notifications.models import Email
from app.notifications.render import bodies
from tests.access.world import World, make_world
from tests.conftest import release
from tests.people import Browser, TestPerson, anonymous

FORGED = {
    "X-Forwarded-For": "198.51.100.7, 203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=198.51.100.7;host=evil.example;proto=https",
    "X-Real-IP": "198.51.100.7",
}


@pytest.fixture
def database() -> str:
    """Headers are the same on every database."""
    return "sqlite"


def test_only_scripts_of_this_answer_run(app: Flask) -> None:
    world: World = make_world(app)
    pages = {
        "anonymous": ("/", "/help", "/login", "/register", "/nothing"),
        "buyer": (f"/artworks/{world.numbers['artwork_id']}", "/account", "/me/bids",
                  f"/payments/{world.numbers['payment_id']}"),
        "seller": ("/seller", f"/seller/artworks/{world.numbers['artwork_id']}/edit"),
        "admin": ("/admin",),
    }  # fmt: skip
    seen = set()
    for actor, paths in pages.items():
        for path in paths:
            answer = world.browser(actor).get(path)
            policy = answer.headers["Content-Security-Policy"]
            scripts = re.findall(r"<script\b[^>]*>", answer.text)
            found = re.search(r"script-src 'nonce-([\w-]{20,})';", policy)
            if scripts:
                assert found is not None, path
                assert all(f'nonce="{found[1]}"' in tag and "src=" in tag for tag in scripts), path
                assert found[1] not in seen
                seen.add(found[1])
            else:
                assert "script-src 'none';" in policy, path
            assert not re.search(r"<style\b|\sstyle=|\son\w+=|javascript:", answer.text), path
    assert len(seen) >= 10


def test_what_carries_a_cookie_is_kept_by_nobody(client: Browser) -> None:
    answer = client.get("/login")
    assert "Set-Cookie" in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_picture_may_be_shown_in_a_mail_on_somebody_elses_page(app: Flask) -> None:
    world = make_world(app)
    answer = world.ask("anonymous", "GET", "/pictures/<key>/<name>")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert world.browser("anonymous").get("/").headers["Cross-Origin-Resource-Policy"] == (
        "same-origin"
    )
    answer.close()


@pytest.mark.parametrize("path", ["/me//bids", "//me//bids", "///me/bids?a=//evil.example"])
def test_a_redirect_never_leaves_the_site_whatever_it_is_called(client: Browser, path: str) -> None:
    path, _, query = path.partition("?")
    asked = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "evil.example"}
    answer = client.open(path="/", environ_overrides=asked)
    assert answer.status_code in {301, 303, 308}
    assert re.match(r"/[^/\\]", answer.headers["Location"])


def test_a_log_in_that_is_asked_for_leads_back_by_a_path(client: Browser) -> None:
    answer = client.get("/me/bids?x=1", headers={"Host": "evil.example"})
    assert answer.headers["Location"] == "/login?next=/me/bids?x%3D1"
    sent = {"csrf_token": client.csrf_token()}
    forged = {"Referer": "http://evil.example/away", "Host": "localhost"}
    answer = client.post("/artworks/1/bids", data=sent, headers=forged)
    assert answer.headers["Location"] == "/login?next=/"


def test_a_reset_link_names_the_public_address_whatever_host_was_asked_for(
    app: Flask, buyer: TestPerson
) -> None:
    browser = anonymous(app)
    token = browser.csrf_token()
    browser.post(
        "/password/forgot",
        data={"csrf_token": token, "email": buyer.email},
        headers={"X-Forwarded-Host": "evil.example"},
        environ_overrides={"HTTP_HOST": "localhost", "SERVER_NAME": "evil.example"},
    )
    with app.app_context():
        from app.core.extensions import db

        mail = db.session.query(Email).one()
        text, html = bodies(mail.kind, mail.facts)
    for body in (text, html):
        assert "http://localhost/password/reset/" in body
        assert "evil" not in body


@pytest.fixture
def behind(settings: Any) -> Iterator[Callable[[int], Flask]]:
    """The application behind so many proxies."""
    made: list[Flask] = []

    def make(proxies: int) -> Flask:
        made.append(create_app(settings.model_copy(update={"trusted_proxies": proxies})))
        return made[-1]

    yield make
    for each in made:
        release(each)


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        (0, ("127.0.0.1", "http", "localhost", "")),
        (1, ("203.0.113.9", "https", "evil.example", "")),
        (2, ("198.51.100.7", "http", "localhost", "")),
    ],
)
def test_a_proxy_is_believed_only_as_far_as_the_settings_say(
    behind: Callable[[int], Flask], proxies: int, seen: tuple[str, ...]
) -> None:
    app = behind(proxies)
    found = []

    def note(_app: Flask, **_: Any) -> None:
        found.append((request.remote_addr, request.scheme, request.host, request.script_root))

    with request_started.connected_to(note, app):
        app.test_client().get("/health", headers=FORGED)
    # With two proxies, what only one of them said is nobody's word.
    assert found == [seen]
