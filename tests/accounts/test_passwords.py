"""Changing a password, and choosing a new one by a link from an e-mail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from markupsafe import escape
from sqlalchemy import select, update

from app.accounts import hashing, queries, service
from app.accounts.models import AccessToken, PasswordReset
from app.core import clock
from app.core.events import PasswordResetRequested, SignedOut
from app.core.extensions import db
from app.core.lanes import LanePool, holds_lane
from app.core.secrets import token_digest
from app.core.transaction import transaction
from tests.people import PASSWORD, Browser, TestPerson, anonymous

NEW = "another good password"
# What is refused before it reaches the database needs no second kind of it.
one_database = pytest.mark.parametrize("database", ["sqlite"])
HOSTILE = '"><script>alert(1)</script>'
Links = Callable[[str], str]


def can_log_in(app: Flask, person: TestPerson, password: str) -> bool:
    answer = anonymous(app).submit("/login", email=person.email, password=password)
    return answer.status_code == 303


def test_a_link_is_asked_for_and_used(
    app: Flask,
    client: Browser,
    buyer: TestPerson,
    heard: list[Any],
    deeds: Callable[[int], list[str]],
) -> None:
    answer = client.submit("/password/forgot", email=f" {buyer.email.upper()} ")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert f"If {buyer.email} has an account" in client.get("/login").text
    (asked,) = heard
    assert (asked.user_id, asked.email, asked.name) == (buyer.id, buyer.email, buyer.name)
    with app.app_context():
        token = queries.reset_token(asked.reset_id)
    page = client.get(f"/password/reset/{token}")
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    answer = client.submit(f"/password/reset/{token}", password=NEW)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert can_log_in(app, buyer, NEW)
    assert not can_log_in(app, buyer, PASSWORD)
    assert "user.password_reset" in deeds(buyer.id)


def test_a_reset_ends_every_sign_in(
    client: Browser,
    buyer: TestPerson,
    seller: TestPerson,
    ask_for_link: Links,
    heard: list[Any],
    live_tokens: Callable[[int], list[AccessToken]],
) -> None:
    ended = {row.id for row in live_tokens(buyer.id)}
    client.submit(f"/password/reset/{ask_for_link(buyer.email)}", password=NEW)
    assert live_tokens(buyer.id) == []
    assert buyer.browser.get("/api/auth/me").status_code == 401
    assert client.get("/api/auth/me", headers=buyer.bearer).status_code == 401
    assert seller.browser.get("/api/auth/me").status_code == 200
    told = [event for event in heard if isinstance(event, SignedOut)]
    assert {event.token_id for event in told} == ended
    assert {event.user_id for event in told} == {buyer.id}


def test_an_unknown_address_is_answered_alike_and_nothing_is_owed(
    app: Flask, client: Browser, buyer: TestPerson, heard: list[Any]
) -> None:
    def asked(email: str) -> tuple[int, str | None, str]:
        answer = client.submit("/password/forgot", email=email)
        page = client.get("/login").text
        said = page[page.index("has an account") : page.index("</p>", page.index("has an account"))]
        return answer.status_code, answer.location, said

    assert asked("nobody@example.com") == asked(buyer.email)
    assert len(heard) == 1
    assert isinstance(heard[0], PasswordResetRequested)


@one_database
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "name@example.com"),
        ("ada", "name@example.com"),
        (HOSTILE, "name@example.com"),
        ("ada@example.com\r\nBcc: x@example.com", "name@example.com"),
        ("a" * 300 + "@example.com", "at most 254 characters"),
    ],
)
def test_a_wrong_address_is_named_and_kept(client: Browser, typed: str, said: str) -> None:
    answer = client.submit("/password/forgot", email=typed)
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert answer.text.count(said) >= 2
    assert f'value="{escape(typed)}"' in answer.text
    assert HOSTILE not in answer.text


def test_a_missing_address_is_named(client: Browser) -> None:
    answer = client.submit("/password/forgot")
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text


def test_a_link_works_once(
    app: Flask, client: Browser, buyer: TestPerson, ask_for_link: Links
) -> None:
    path = f"/password/reset/{ask_for_link(buyer.email)}"
    assert client.submit(path, password=NEW).status_code == 303
    for answer in (client.get(path), client.submit(path, password="yet another password")):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.text
    assert can_log_in(app, buyer, NEW)


def test_a_link_works_for_an_hour(
    app: Flask, client: Browser, buyer: TestPerson, ask_for_link: Links
) -> None:
    path = f"/password/reset/{ask_for_link(buyer.email)}"
    with app.app_context():
        row = db.session.scalars(select(PasswordReset)).one()
        assert row.expires_at - row.created_at == timedelta(hours=1)
        with transaction() as session:
            session.execute(update(PasswordReset).values(expires_at=clock.now()))
    assert client.get(path).status_code == 410
    assert client.submit(path, password=NEW).status_code == 410
    assert can_log_in(app, buyer, PASSWORD)


def test_a_newer_link_voids_the_older(
    client: Browser, buyer: TestPerson, seller: TestPerson, ask_for_link: Links
) -> None:
    older, others, newer = (
        ask_for_link(person.email) for person in (buyer, seller, buyer)
    )  # fmt: skip
    assert client.get(f"/password/reset/{older}").status_code == 410
    assert client.get(f"/password/reset/{newer}").status_code == 200
    assert client.get(f"/password/reset/{others}").status_code == 200


def test_nobodys_inbox_is_filled_with_links(
    app: Flask, buyer: TestPerson, heard: list[Any]
) -> None:
    with app.app_context():
        for _ in range(8):
            service.request_password_reset(buyer.email)
        assert len(heard) == 5
        assert queries.reset_is_open(queries.reset_token(heard[-1].reset_id))


@pytest.mark.parametrize(
    "token", ["x", "0" * 64, "x" * 5000, "%00", "%FF%FE", "é", "' OR 1=1 --", "<script>"]
)
def test_what_is_no_link_of_ours_is_dead(client: Browser, token: str) -> None:
    assert client.get(f"/password/reset/{token}").status_code == 410
    answer = client.submit(f"/password/reset/{token}", password=NEW)
    assert answer.status_code == 410


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "10 to 128 characters"),
        ("short", "10 to 128 characters"),
        ("x" * 129, "10 to 128 characters"),
        ("x" * 100_000, "10 to 128 characters"),
        ("another\x00password", "without control characters"),
        ("{email}", "not your email address or your name"),
    ],
)
def test_a_wrong_new_password_is_named_and_the_link_still_works(
    client: Browser, buyer: TestPerson, ask_for_link: Links, typed: str, said: str
) -> None:
    path = f"/password/reset/{ask_for_link(buyer.email)}"
    answer = client.submit(path, password=typed.format(email=buyer.email))
    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text
    assert answer.text.count(said) >= 2
    assert client.submit(path, password=NEW).status_code == 303


def test_only_the_digest_of_a_link_is_stored(
    app: Flask, buyer: TestPerson, ask_for_link: Links
) -> None:
    token = ask_for_link(buyer.email)
    with app.app_context():
        row = db.session.scalars(select(PasswordReset)).one()
        assert row.digest == token_digest(token)
        assert queries.reset_token(row.id) == token


def test_of_two_uses_of_one_link_at_once_one_succeeds(
    app: Flask, buyer: TestPerson, ask_for_link: Links
) -> None:
    token = ask_for_link(buyer.email)
    with app.app_context():
        # The look before the write lets any number through: the guard is in the write.
        assert queries.open_reset(token) == queries.open_reset(token) != None  # noqa: E711

    def use(number: int) -> bool:
        with app.app_context():
            try:
                service.reset_password(token, f"password number {number}")
            except service.ResetLinkDead:
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(use, range(4))) == [False, False, False, True]


def test_a_changed_password_ends_every_other_sign_in(
    app: Flask,
    client: Browser,
    buyer: TestPerson,
    ask_for_link: Links,
    heard: list[Any],
    deeds: Callable[[int], list[str]],
) -> None:
    link = ask_for_link(buyer.email)
    client.submit("/login", email=buyer.email, password=PASSWORD)
    answer = client.submit("/account/password", current_password=PASSWORD, password=NEW)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert client.get("/account").status_code == 200
    assert buyer.browser.get("/api/auth/me").status_code == 401
    assert client.get("/api/auth/me", headers=buyer.bearer).status_code == 401
    assert client.get(f"/password/reset/{link}").status_code == 410
    assert can_log_in(app, buyer, NEW)
    assert not can_log_in(app, buyer, PASSWORD)
    assert sum(isinstance(event, SignedOut) for event in heard) == 2
    assert "user.password_changed" in deeds(buyer.id)


@one_database
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("current_password", "", "Enter your password"),
        ("current_password", "not the password", "not your current password"),
        ("current_password", "x" * 129, "at most 128 characters"),
        ("current_password", "with\x00control", "without control characters"),
        ("password", "", "10 to 128 characters"),
        ("password", "short", "10 to 128 characters"),
        ("password", "x" * 129, "10 to 128 characters"),
        ("password", "another\x00password", "without control characters"),
        ("password", "{email}", "not your email address or your name"),
    ],
)
def test_a_wrong_field_of_the_change_is_named(
    app: Flask, buyer: TestPerson, field: str, typed: str, said: str
) -> None:
    sent = {"current_password": PASSWORD, "password": NEW}
    sent[field] = typed.format(email=buyer.email)
    answer = buyer.browser.submit("/account/password", **sent)
    assert answer.status_code == 422
    assert "<title>Error: Account" in answer.text
    assert f'id="{field}-error"' in answer.text
    assert answer.text.count(said) >= 2
    assert NEW not in answer.text
    assert can_log_in(app, buyer, PASSWORD)


@pytest.mark.parametrize("field", ["current_password", "password"])
def test_a_missing_field_of_the_change_is_named(buyer: TestPerson, field: str) -> None:
    sent = {"current_password": PASSWORD, "password": NEW}
    del sent[field]
    answer = buyer.browser.submit("/account/password", **sent)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_of_two_changes_at_once_one_succeeds(app: Flask, buyer: TestPerson) -> None:
    def change(number: int) -> int:
        browser = anonymous(app)
        with buyer.browser.session_transaction() as kept:
            token = kept["_user_id"]
        with browser.session_transaction() as kept:
            kept["_user_id"] = token
        answer = browser.submit(
            "/account/password", current_password=PASSWORD, password=f"password number {number}"
        )
        return answer.status_code

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(change, range(3))) == [303, 422, 422]


@dataclass
class Hasher:
    """The real one, and whether each time others waited for who asked it."""

    real: PasswordHasher
    in_lane: list[bool] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.in_lane.append(holds_lane())
        return getattr(self.real, name)


@one_database
def test_no_password_is_hashed_while_others_wait_for_it(
    client: Browser, buyer: TestPerson, ask_for_link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = Hasher(hashing._hasher)
    monkeypatch.setattr(hashing, "_hasher", hasher)
    pool = LanePool(1, lanes=1)

    def ask(path: str, browser: Browser = client, **fields: str) -> int:
        return pool.submit(lambda: browser.submit(path, **fields)).result(20).status_code

    new = {"email": "new@example.com", "name": "New", "role": "BUYER"}
    assert ask("/register", **new, password=NEW) == 303
    assert ask("/login", email=buyer.email, password=PASSWORD) == 303
    assert ask("/account/password", buyer.browser, current_password=PASSWORD, password=NEW) == 303
    assert ask(f"/password/reset/{ask_for_link(buyer.email)}", password=PASSWORD) == 303
    pool.shutdown()
    assert hasher.in_lane
    assert not any(hasher.in_lane)
