"""Registering, tokens and `me` through the API."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.accounts.hashing import is_outdated
from app.accounts.models import AccessToken, User
from app.core import clock
from app.core.events import SignedOut
from app.core.secrets import token_digest
from app.core.transaction import transaction
from tests.people import PASSWORD, Browser, TestPerson, anonymous

# What is refused before it reaches the database needs no second kind of it.
one_database = pytest.mark.parametrize("database", ["sqlite"])

ADA = {"email": "ada@example.com", "name": "Ada", "password": "correct horse"}

# For each field: what is sent, and what the answer says of it.
WRONG_EMAILS: list[tuple[Any, str]] = [
    ("", "name@example.com"),
    (None, "name@example.com"),
    (7, "name@example.com"),
    (True, "name@example.com"),
    (["ada@example.com"], "name@example.com"),
    ({"$ne": None}, "name@example.com"),
    ("ada", "name@example.com"),
    ("ada@example.com\u0000", "name@example.com"),
    ("ada@example.com\r\nBcc: x@example.com", "name@example.com"),
    ("\ud800@example.com", "name@example.com"),
    ("' OR ''='", "name@example.com"),
    ("a" * 100_000 + "@example.com", "at most 254 characters"),
]
WRONG_NAMES: list[tuple[Any, str]] = [
    ("", "1 to 80 characters"),
    ("   ", "1 to 80 characters"),
    (None, "1 to 80 characters"),
    (7, "1 to 80 characters"),
    (["Ada"], "1 to 80 characters"),
    ("x" * 81, "at most 80 characters"),
    ("x" * 100_000, "at most 80 characters"),
    ("Ada\u0000", "without control characters"),
    ("Ada\nLovelace", "without control characters"),
    ("Ada\ud800", "without control characters"),
    ("\u202eadA", "without control characters"),
]
WRONG_NEW_PASSWORDS: list[tuple[Any, str]] = [
    ("", "10 to 128 characters"),
    (None, "10 to 128 characters"),
    (1234567890, "10 to 128 characters"),
    (["correct horse"], "10 to 128 characters"),
    ("x" * 9, "10 to 128 characters"),
    ("x" * 129, "10 to 128 characters"),
    ("x" * 100_000, "10 to 128 characters"),
    ("correct horse\u0000", "without control characters"),
    ("correct horse\ud800", "without control characters"),
    ("ada.of.london@example.com", "not your email address or your name"),
    ("Ada.of.London", "not your email address or your name"),
    ("Ada Lovelace King", "not your email address or your name"),
]
WRONG_ROLES: list[tuple[Any, str]] = [
    (wrong, "BUYER to buy or SELLER to sell")
    for wrong in ("ADMIN", "buyer", "", None, 1, ["SELLER"], "x" * 100_000, "SELLER\u0000")
]
WRONG_REGISTRATIONS = [
    (field, sent, said)
    for field, cases in {
        "email": WRONG_EMAILS,
        "name": WRONG_NAMES,
        "password": WRONG_NEW_PASSWORDS,
        "role": WRONG_ROLES,
    }.items()
    for sent, said in cases
]


def test_a_registration_makes_a_buyer(
    client: Browser, user_row: Callable[[str], User], deeds: Callable[[int], list[str]]
) -> None:
    answer = client.post("/api/auth/register", json=ADA | {"email": " Ada@Example.com "})
    assert answer.status_code == 201
    user = user_row("ada@example.com")
    assert answer.json == {
        "id": user.id,
        "email": "ada@example.com",
        "name": "Ada",
        "role": "BUYER",
    }
    assert user.password_hash.startswith("$argon2id$")
    assert deeds(user.id) == ["user.registered"]


def test_a_registration_may_ask_for_a_seller(client: Browser) -> None:
    answer = client.post("/api/auth/register", json=ADA | {"role": "SELLER"})
    assert (answer.status_code, answer.json["role"]) == (201, "SELLER")


@one_database
@pytest.mark.parametrize(("field", "sent", "said"), WRONG_REGISTRATIONS)
def test_a_wrong_field_of_a_registration_is_named_with_its_limit(
    client: Browser, field: str, sent: Any, said: str, user_row: Callable[[str], User | None]
) -> None:
    known = ADA | {"email": "ada.of.london@example.com", "name": "Ada Lovelace King"}
    answer = client.post("/api/auth/register", json=known | {field: sent})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert list(answer.json["errors"]) == [field]
    assert said in answer.json["errors"][field][0]
    assert user_row("ada.of.london@example.com") is None


@pytest.mark.parametrize("field", ["email", "name", "password"])
def test_a_missing_field_of_a_registration_is_named(client: Browser, field: str) -> None:
    sent = {name: value for name, value in ADA.items() if name != field}
    answer = client.post("/api/auth/register", json=sent)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


def test_every_wrong_field_is_named_at_once_and_unknown_ones_too(client: Browser) -> None:
    answer = client.post("/api/auth/register", json={"admin": True, "active": True})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"email", "name", "password", "admin", "active"}


@one_database
@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/token"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'"text"', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"email": NaN}', "application/json", 422),
        (b"email=ada@example.com", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_as_a_problem(
    client: Browser, path: str, body: bytes, kind: str, status: int
) -> None:
    answer = client.post(path, data=body, content_type=kind)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_an_address_is_taken_whatever_its_case(client: Browser) -> None:
    assert client.post("/api/auth/register", json=ADA).status_code == 201
    answer = client.post("/api/auth/register", json=ADA | {"email": "ADA@EXAMPLE.COM"})
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")


def test_of_many_registrations_of_one_address_at_once_one_succeeds(app: Flask) -> None:
    def register(_: int) -> int:
        return anonymous(app).post("/api/auth/register", json=ADA).status_code

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(register, range(6))) == [201, 409, 409, 409, 409, 409]


def test_a_token_signs_a_program_in_until_it_is_given_back(
    client: Browser,
    buyer: TestPerson,
    deeds: Callable[[int], list[str]],
    heard: list[Any],
) -> None:
    answer = client.post(
        "/api/auth/token", json={"email": buyer.email.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 201
    me = {"id": buyer.id, "email": buyer.email, "name": buyer.name, "role": "BUYER"}
    assert answer.json["user"] == me
    bearer = {"Authorization": f"Bearer {answer.json['token']}"}
    assert client.get("/api/auth/me", headers=bearer).json == me
    assert client.delete("/api/auth/token", headers=bearer).status_code == 204
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert client.delete("/api/auth/token", headers=bearer).status_code == 401
    assert client.get("/api/auth/me", headers=buyer.bearer).status_code == 200
    assert deeds(buyer.id) == ["user.signed_in", "user.signed_out"]
    assert [type(event) for event in heard] == [SignedOut]


def test_only_the_digest_of_a_token_is_stored(
    client: Browser, buyer: TestPerson, live_tokens: Callable[[int], list[AccessToken]]
) -> None:
    asked = {"email": buyer.email, "password": PASSWORD}
    token = client.post("/api/auth/token", json=asked).json["token"]
    kept = max(live_tokens(buyer.id), key=lambda row: row.id)
    assert kept.digest == token_digest(token)
    assert kept.expires_at - kept.created_at == timedelta(days=90)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    client: Browser, buyer: TestPerson
) -> None:
    wrong = client.post(
        "/api/auth/token", json={"email": buyer.email, "password": "not the password"}
    )
    unknown = client.post(
        "/api/auth/token", json={"email": "nobody@example.com", "password": "not the password"}
    )
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json == unknown.json
    assert "Location" not in wrong.headers


def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    client: Browser, user_row: Callable[[str], User]
) -> None:
    client.post("/api/auth/register", json=ADA)

    def fastest(email: str) -> float:
        taken = []
        for _ in range(5):
            # What the processor did: what else the machine is busy with does not count.
            began = time.process_time()
            client.post("/api/auth/token", json={"email": email, "password": "not the password"})
            taken.append(time.process_time() - began)
        return min(taken)

    # Without the hash, the unknown address would be about ten times as fast.
    assert 0.5 < fastest("nobody@example.com") / fastest(ADA["email"]) < 2


@one_database
@pytest.mark.parametrize(
    ("field", "sent", "said"),
    [("email", sent, said) for sent, said in WRONG_EMAILS]
    + [
        ("password", "", "Enter your password"),
        ("password", None, "Enter your password"),
        ("password", 1234567890, "Enter your password"),
        ("password", ["correct horse"], "Enter your password"),
        ("password", "x" * 129, "at most 128 characters"),
        ("password", "x" * 100_000, "at most 128 characters"),
        ("password", "correct\u0000horse", "without control characters"),
        ("password", "correct horse\ud800", "without control characters"),
    ],
)
def test_a_wrong_field_of_credentials_is_named_with_its_limit(
    client: Browser, field: str, sent: Any, said: str
) -> None:
    asked = {"email": "ada@example.com", "password": "correct horse"}
    answer = client.post("/api/auth/token", json=asked | {field: sent})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert said in answer.json["errors"][field][0]


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"email": "ada@example.com"}, "password"),
        ({"password": "correct horse"}, "email"),
        ({"email": "ada@example.com", "password": "correct horse", "role": "ADMIN"}, "role"),
    ],
)
def test_missing_and_unknown_fields_of_credentials_are_named(
    client: Browser, sent: dict[str, str], named: str
) -> None:
    answer = client.post("/api/auth/token", json=sent)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [named]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer " + "x" * 5000,
        "Bearer \u00fc",
        "Bearer a b c",
        "Basic YTpi",
        "wrong",
        "",
    ],
)
def test_a_wrong_authorization_is_401_where_somebody_is_needed_and_nobody_elsewhere(
    client: Browser, header: str
) -> None:
    headers = {"Authorization": header}
    answer = client.get("/api/auth/me", headers=headers)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/help", headers=headers).status_code == 200


def test_a_browser_token_is_no_bearer_token(client: Browser, buyer: TestPerson) -> None:
    with buyer.browser.session_transaction() as kept:
        token = kept["_user_id"]
    answer = client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_an_expired_token_signs_nobody_in(app: Flask, client: Browser, buyer: TestPerson) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            update(AccessToken)
            .where(AccessToken.user_id == buyer.id)
            .values(expires_at=clock.now() - timedelta(seconds=1))
        )
    assert client.get("/api/auth/me", headers=buyer.bearer).status_code == 401
    assert buyer.browser.get("/api/auth/me").status_code == 401


def test_a_bearer_token_goes_before_the_cookie(buyer: TestPerson, seller: TestPerson) -> None:
    assert buyer.browser.get("/api/auth/me").json["id"] == buyer.id
    assert buyer.browser.get("/api/auth/me", headers=seller.bearer).json["id"] == seller.id
    wrong = {"Authorization": "Bearer wrong"}
    assert buyer.browser.get("/api/auth/me", headers=wrong).status_code == 401


def test_a_cookie_gives_itself_back_only_with_its_csrf_token(buyer: TestPerson) -> None:
    assert buyer.browser.delete("/api/auth/token").status_code == 400
    csrf = {"X-CSRFToken": buyer.browser.csrf_token()}
    assert buyer.browser.delete("/api/auth/token", headers=csrf).status_code == 204
    assert buyer.browser.get("/api/auth/me").status_code == 401


def test_a_suspended_person_can_sign_in_and_is_known(
    client: Browser, make_person: Callable[..., TestPerson]
) -> None:
    person = make_person("BUYER", active=False)
    asked = {"email": person.email, "password": PASSWORD}
    answer = client.post("/api/auth/token", json=asked)
    assert answer.status_code == 201
    bearer = {"Authorization": f"Bearer {answer.json['token']}"}
    assert client.get("/api/auth/me", headers=bearer).status_code == 200
    assert client.delete("/api/auth/token", headers=bearer).status_code == 204


def test_an_old_hash_is_renewed_at_the_next_sign_in(
    client: Browser, buyer: TestPerson, user_row: Callable[[str], User]
) -> None:
    # The tests' people are given a hash with other parameters than the product's.
    assert is_outdated(user_row(buyer.email).password_hash)
    asked = {"email": buyer.email, "password": PASSWORD}
    assert client.post("/api/auth/token", json=asked).status_code == 201
    assert not is_outdated(user_row(buyer.email).password_hash)
    assert client.post("/api/auth/token", json=asked).status_code == 201


@pytest.mark.parametrize("stored", ["", "!", "plain text", "$argon2id$v=19$broken"])
def test_a_hash_that_cannot_be_read_lets_nobody_in(
    client: Browser, make_person: Callable[..., TestPerson], app: Flask, stored: str
) -> None:
    person = make_person()
    with app.app_context(), transaction() as session:
        session.execute(update(User).where(User.id == person.id).values(password_hash=stored))
    asked = {"email": person.email, "password": PASSWORD}
    assert client.post("/api/auth/token", json=asked).status_code == 401
