"""The account page: name, API tokens, signed-in browsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape

from app.accounts.models import AccessToken
from tests.people import PASSWORD, Browser, TestPerson, anonymous

HOSTILE = '"><script>alert(1)</script>'


def test_the_account_is_for_who_is_signed_in(client: Browser) -> None:
    answer = client.get("/account")
    assert (answer.status_code, answer.location) == (303, "/login?next=/account")


@pytest.mark.parametrize(
    "path",
    [
        "/account/name",
        "/account/password",
        "/account/tokens",
        "/account/sign-ins/1/revoke",
        "/account/browsers/revoke-others",
        "/logout",
    ],
)
def test_nothing_is_changed_for_nobody(client: Browser, buyer: TestPerson, path: str) -> None:
    answer = client.submit(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
    assert buyer.browser.post(path).status_code == 400


def test_a_name_is_changed(buyer: TestPerson, deeds: Callable[[int], list[str]]) -> None:
    answer = buyer.browser.submit("/account/name", name="  Zoe\u0308 <O’Hara> ")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert buyer.browser.get("/api/auth/me").json["name"] == "Zoë <O’Hara>"
    assert "Zoë &lt;O’Hara&gt;" in buyer.browser.get("/account").text
    assert deeds(buyer.id) == ["user.renamed"]


@pytest.mark.parametrize(
    ("path", "field", "missing"),
    [
        ("/account/name", "name", "1 to 80 characters"),
        ("/account/tokens", "label", "1 to 80 characters"),
    ],
)
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        ("x" * 81, "at most 80 characters"),
        (HOSTILE * 9999, "at most 80 characters"),
        ("a\x00b", "without control characters"),
        ("a\x1b[31mb", "without control characters"),
    ],
)
def test_a_wrong_line_is_named_and_kept(
    buyer: TestPerson, path: str, field: str, missing: str, typed: str | None, said: str | None
) -> None:
    answer = buyer.browser.submit(path, **({} if typed is None else {field: typed}))
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert answer.text.count(said or missing) >= 2
    assert f'value="{escape(typed or "")}"' in answer.text
    assert HOSTILE not in answer.text


def test_an_api_token_is_shown_once_and_works_until_revoked(
    client: Browser, buyer: TestPerson, deeds: Callable[[int], list[str]]
) -> None:
    answer = buyer.browser.submit("/account/tokens", label="monthly <export>")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    shown = re.search(r'id="new-token"[^>]* value="([^"]+)"', answer.text)
    assert shown is not None
    bearer = {"Authorization": f"Bearer {shown[1]}"}
    assert client.get("/api/auth/me", headers=bearer).json["id"] == buyer.id
    page = buyer.browser.get("/account").text
    assert shown[1] not in page
    assert "monthly &lt;export&gt;" in page
    paths = re.findall(r'action="(/account/sign-ins/\d+/revoke)"', page)
    # The newest stands first.
    answer = buyer.browser.submit(paths[0])
    assert (answer.status_code, answer.location) == (303, "/account")
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert "monthly" not in buyer.browser.get("/account").text
    assert deeds(buyer.id) == ["user.token_created", "user.token_revoked"]


@pytest.mark.parametrize("form", ["name", "password", "tokens"])
def test_the_address_of_a_form_leads_back_to_its_page(buyer: TestPerson, form: str) -> None:
    answer = buyer.browser.get(f"/account/{form}")
    assert (answer.status_code, answer.location) == (303, "/account")


def test_another_browser_is_signed_out(
    app: Flask, buyer: TestPerson, heard: list[Any], live_tokens: Callable[[int], list[AccessToken]]
) -> None:
    phone = anonymous(app)
    agent = {"User-Agent": "Mozilla/5.0 (iPhone) Version/26.1 Mobile Safari/604.1"}
    phone.post(
        "/login",
        data={"csrf_token": phone.csrf_token(), "email": buyer.email, "password": PASSWORD},
        headers=agent,
    )
    page = buyer.browser.get("/account").text
    assert "Safari on iPhone" in page
    assert page.count("(this one)") == 1
    newest = max(live_tokens(buyer.id), key=lambda row: row.id)
    assert buyer.browser.submit(f"/account/sign-ins/{newest.id}/revoke").status_code == 303
    assert phone.get("/api/auth/me").status_code == 401
    assert buyer.browser.get("/api/auth/me").status_code == 200
    assert [(event.user_id, event.token_id) for event in heard] == [(buyer.id, newest.id)]


def test_all_other_browsers_are_signed_out_at_once(app: Flask, buyer: TestPerson) -> None:
    others = [anonymous(app) for _ in range(2)]
    for other in others:
        other.submit("/login", email=buyer.email, password=PASSWORD)
    assert buyer.browser.submit("/account/browsers/revoke-others").status_code == 303
    assert "2 other browsers are signed out." in buyer.browser.get("/account").text
    assert [other.get("/api/auth/me").status_code for other in others] == [401, 401]
    assert buyer.browser.get("/api/auth/me", headers=buyer.bearer).status_code == 200


def test_ending_the_sign_in_at_hand_is_logging_out(
    buyer: TestPerson, live_tokens: Callable[[int], list[AccessToken]]
) -> None:
    own = next(row for row in live_tokens(buyer.id) if row.kind == "BROWSER")
    answer = buyer.browser.submit(f"/account/sign-ins/{own.id}/revoke")
    assert (answer.status_code, answer.location) == (307, "/logout")
    assert buyer.browser.submit("/logout").status_code == 303


def test_nobody_ends_another_persons_sign_in(
    client: Browser,
    buyer: TestPerson,
    seller: TestPerson,
    live_tokens: Callable[[int], list[AccessToken]],
) -> None:
    for row in live_tokens(seller.id):
        assert buyer.browser.submit(f"/account/sign-ins/{row.id}/revoke").status_code == 404
    assert seller.browser.get("/api/auth/me").status_code == 200
    assert client.get("/api/auth/me", headers=seller.bearer).status_code == 200


@pytest.mark.parametrize(
    "number", ["0", "999999", "9223372036854775807", "9" * 40, "-1", "1.5", "x"]
)
def test_a_sign_in_that_is_not_there_cannot_be_ended(buyer: TestPerson, number: str) -> None:
    assert buyer.browser.submit(f"/account/sign-ins/{number}/revoke").status_code == 404


def test_a_suspended_person_gets_no_new_token(make_person: Callable[..., TestPerson]) -> None:
    person = make_person(active=False)
    assert person.browser.submit("/account/tokens", label="x").status_code == 403
    assert person.browser.submit("/account/name", name="Somebody").status_code == 303
