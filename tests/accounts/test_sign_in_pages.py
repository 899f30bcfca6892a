"""Registering, logging in and logging out in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import update

from app.accounts.models import AccessToken, User
from app.core import clock
from app.core.events import SignedOut
from app.core.transaction import transaction
from tests.people import PASSWORD, Browser, TestPerson, anonymous

ADA = {
    "email": "ada@example.com",
    "name": "Ada Lovelace King",
    "password": "correct horse",
    "role": "SELLER",
}
# What is refused before it reaches the database needs no second kind of it.
one_database = pytest.mark.parametrize("database", ["sqlite"])
HOSTILE = '"><script>alert(1)</script>'


def test_the_forms_carry_the_field_names_of_the_api(client: Browser) -> None:
    page = client.get("/register").text
    for name in ("email", "name", "password", "role", "csrf_token"):
        assert f'name="{name}"' in page
    page = client.get("/login").text
    for name in ("email", "password", "csrf_token"):
        assert f'name="{name}"' in page


def test_registering_signs_in_and_goes_on(
    client: Browser, user_row: Callable[[str], User], deeds: Callable[[int], list[str]]
) -> None:
    answer = client.submit("/register", **ADA, next="/help")
    assert (answer.status_code, answer.location) == (303, "/help")
    user = user_row("ada@example.com")
    assert user.role == "SELLER"
    assert client.get("/api/auth/me").json["id"] == user.id
    assert "Welcome, Ada Lovelace King." in client.get("/account").text
    assert deeds(user.id) == ["user.registered", "user.signed_in"]


@one_database
def test_what_is_said_once_waits_for_a_page_that_somebody_opens(client: Browser) -> None:
    client.submit("/register", **ADA)
    said = "Your account is ready"
    assert said not in client.get("/", headers={"X-Requested-With": "fetch"}).text
    assert said in client.get("/").text
    assert said not in client.get("/").text


@pytest.mark.parametrize(("role", "start"), [("BUYER", "/"), ("SELLER", "/seller")])
def test_everybody_starts_where_their_work_is(client: Browser, role: str, start: str) -> None:
    assert client.submit("/register", **ADA | {"role": role}).location == start
    client.submit("/logout")
    answer = client.submit("/login", email=ADA["email"], password=ADA["password"])
    assert (answer.status_code, answer.location) == (303, start)


@one_database
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("email", "", "name@example.com"),
        ("email", "ada", "name@example.com"),
        ("email", HOSTILE, "name@example.com"),
        ("email", "a" * 300 + "@example.com", "at most 254 characters"),
        ("email", "ada\x00@example.com", "name@example.com"),
        ("name", "", "1 to 80 characters"),
        ("name", "   ", "1 to 80 characters"),
        ("name", "x" * 81, "at most 80 characters"),
        ("name", HOSTILE * 4, "at most 80 characters"),
        ("name", "Ada\x07", "without control characters"),
        ("password", "", "10 to 128 characters"),
        ("password", "short", "10 to 128 characters"),
        ("password", "x" * 129, "10 to 128 characters"),
        ("password", "correct\x00horse", "without control characters"),
        ("password", "ada lovelace KING", "not your email address or your name"),
        ("password", "ADA@example.com", "not your email address or your name"),
        ("role", "ADMIN", "BUYER to buy or SELLER to sell"),
        ("role", HOSTILE, "BUYER to buy or SELLER to sell"),
        ("role", "", "BUYER to buy or SELLER to sell"),
    ],
)
def test_a_wrong_field_is_named_and_what_was_typed_is_kept(
    client: Browser,
    user_row: Callable[[str], User | None],
    field: str,
    typed: str,
    said: str,
) -> None:
    answer = client.submit("/register", **ADA | {field: typed}, next="/help")
    page = answer.text
    assert answer.status_code == 422
    assert "<title>Error: Register" in page
    assert page.index("There is a problem") < page.index("<h1>")
    assert f'id="{field}-error"' in page
    assert page.count(said) >= 2
    assert f'href="#{field}{"-0" if field == "role" else ""}"' in page
    for name in {"email", "name"} - {field}:
        assert f'value="{ADA[name]}"' in page
    if field in {"email", "name"}:
        assert f'value="{escape(typed)}"' in page
    if field != "role":
        assert 'checked class="choice__input" id="role-1"' in page
    assert 'name="next" type="hidden" value="/help"' in page
    assert HOSTILE not in page
    assert ADA["password"] not in page
    assert user_row(ADA["email"]) is None


@pytest.mark.parametrize("field", ["email", "name", "password"])
def test_a_missing_field_is_named(client: Browser, field: str) -> None:
    sent = {name: value for name, value in ADA.items() if name != field}
    answer = client.submit("/register", **sent)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_without_a_role_somebody_is_a_buyer(
    client: Browser, user_row: Callable[[str], User]
) -> None:
    sent = {name: value for name, value in ADA.items() if name != "role"}
    assert client.submit("/register", **sent).status_code == 303
    assert user_row(ADA["email"]).role == "BUYER"


def test_a_taken_address_is_said_at_its_field(client: Browser, buyer: TestPerson) -> None:
    answer = client.submit("/register", **ADA | {"email": buyer.email.upper()})
    assert answer.status_code == 409
    assert "exists already" in answer.text
    assert 'id="email-error"' in answer.text
    assert f'value="{ADA["name"]}"' in answer.text


@pytest.mark.parametrize("path", ["/register", "/login", "/password/forgot"])
def test_a_form_without_its_csrf_token_is_refused(client: Browser, path: str) -> None:
    assert client.post(path, data=ADA).status_code == 400


def test_logging_in_replaces_the_session_and_its_token(
    app: Flask, client: Browser, buyer: TestPerson, live_tokens: Callable[[int], list[AccessToken]]
) -> None:
    with client.session_transaction() as planted:
        planted["planted"] = "before"
    csrf = client.csrf_token()
    answer = client.submit("/login", email=buyer.email, password=PASSWORD)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    with client.session_transaction() as kept:
        assert "planted" not in kept
        first = kept["_user_id"]
    assert client.post("/logout", data={"csrf_token": csrf}).status_code == 400
    before = len(live_tokens(buyer.id))
    client.submit("/login", email=buyer.email, password=PASSWORD)
    with client.session_transaction() as kept:
        assert kept["_user_id"] != first
    assert len(live_tokens(buyer.id)) == before
    with anonymous(app) as thief:
        with thief.session_transaction() as kept:
            kept["_user_id"] = first
        assert thief.get("/api/auth/me").status_code == 401


@one_database
def test_pages_opened_at_once_after_logging_in_have_forms_that_are_taken(
    app: Flask, buyer: TestPerson
) -> None:
    browser, tab = anonymous(app), anonymous(app)
    browser.submit("/login", email=buyer.email, password=PASSWORD)
    signed_in = browser.get_cookie("session")
    assert signed_in is not None
    tab.set_cookie("session", signed_in.value)
    page = browser.get("/account").text
    tab.get("/account")
    [token] = set(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page))
    # Both tabs share the cookies of their browser: the last answer's is the one that stays.
    latest = tab.get_cookie("session")
    assert latest is not None
    browser.set_cookie("session", latest.value)
    answer = browser.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/")


def test_a_browser_stays_signed_in_for_thirty_days(
    client: Browser, buyer: TestPerson, live_tokens: Callable[[int], list[AccessToken]]
) -> None:
    client.submit("/login", email=buyer.email, password=PASSWORD)
    newest = max(live_tokens(buyer.id), key=lambda row: row.id)
    assert newest.expires_at - newest.created_at == timedelta(days=30)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@example.com", PASSWORD),
        ("{email}", "not the password"),
        ("{email}", PASSWORD.upper()),
        ("{email}", " " + PASSWORD),
    ],
)
def test_wrong_credentials_are_refused_without_saying_which(
    client: Browser, buyer: TestPerson, email: str, password: str
) -> None:
    typed = email.format(email=buyer.email)
    answer = client.submit("/login", email=typed, password=password)
    assert answer.status_code == 401
    assert "The email address or the password is wrong." in answer.text
    assert f'value="{typed}"' in answer.text
    assert f'value="{password}"' not in answer.text
    assert client.get("/api/auth/me").status_code == 401


@one_database
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("email", "", "name@example.com"),
        ("email", HOSTILE, "name@example.com"),
        ("email", "a" * 300, "at most 254 characters"),
        ("password", "", "Enter your password"),
        ("password", "x" * 129, "at most 128 characters"),
        ("password", "correct\x00horse", "without control characters"),
    ],
)
def test_a_wrong_field_of_the_log_in_is_named(
    client: Browser, field: str, typed: str, said: str
) -> None:
    sent = {"email": "ada@example.com", "password": "correct horse"} | {field: typed}
    answer = client.submit("/login", **sent)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert answer.text.count(said) >= 2
    assert f'value="{escape(sent["email"])}"' in answer.text
    assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/help", "/help"),
        ("/payments/7?x=1", "/payments/7?x=1"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("x" * 5000, "/"),
    ],
)
def test_a_log_in_leads_on_within_this_site_only(
    client: Browser, buyer: TestPerson, target: str, goes_to: str
) -> None:
    answer = client.submit("/login", email=buyer.email, password=PASSWORD, next=target)
    assert (answer.status_code, answer.location) == (303, goes_to)
    again = client.get("/login", query_string={"next": target})
    assert (again.status_code, again.location) == (303, goes_to)


def test_where_to_go_on_is_carried_from_the_address_to_the_form(client: Browser) -> None:
    page = client.get("/login?next=/me/bids").text
    assert 'name="next" type="hidden" value="/me/bids"' in page
    assert "/register?next=/me/bids" in page.replace("%2F", "/")
    hostile = client.get("/login", query_string={"next": HOSTILE}).text
    assert HOSTILE not in hostile


def test_who_is_signed_in_is_led_past_the_forms(seller: TestPerson) -> None:
    assert seller.browser.get("/login").location == "/seller"
    assert seller.browser.get("/register").status_code == 303


def test_logging_out_revokes_the_token_and_forgets_the_session(
    app: Flask,
    buyer: TestPerson,
    deeds: Callable[[int], list[str]],
    heard: list[Any],
) -> None:
    with buyer.browser.session_transaction() as kept:
        token = kept["_user_id"]
    assert buyer.browser.get("/logout").status_code == 405
    answer = buyer.browser.submit("/logout")
    assert (answer.status_code, answer.location) == (303, "/")
    with buyer.browser.session_transaction() as kept:
        assert "_user_id" not in kept
    other = anonymous(app)
    with other.session_transaction() as kept:
        kept["_user_id"] = token
    assert other.get("/api/auth/me").status_code == 401
    assert deeds(buyer.id) == ["user.signed_out"]
    assert [(event.user_id, event.token_id is None) for event in heard] == [(buyer.id, False)]
    assert isinstance(heard[0], SignedOut)


def test_an_expired_session_is_asked_to_log_in_again(app: Flask, buyer: TestPerson) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(AccessToken).values(expires_at=clock.now()))
    answer = buyer.browser.get("/account")
    assert (answer.status_code, answer.location) == (303, "/login?next=/account")


def test_a_suspended_person_can_log_in_and_out(make_person: Callable[..., TestPerson]) -> None:
    person = make_person(active=False)
    assert "suspended" in person.browser.get("/account").text
    answer = person.browser.submit("/login", email=person.email, password=PASSWORD)
    assert answer.status_code == 303
    # Said on whatever page comes next, and once.
    assert "Your account is suspended" in person.browser.get(answer.location).text
    assert "Your account is suspended" not in person.browser.get(answer.location).text
    assert person.browser.submit("/logout").status_code == 303
