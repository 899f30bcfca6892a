"""Passwords that everybody chooses are refused wherever one is chosen."""

from __future__ import annotations

import pytest
from flask import Flask

from app.accounts import rules
from app.accounts.passwords import _common
from app.core.errors import Invalid
from tests.people import PASSWORD, Browser, TestPerson, anonymous

COMMON = ["password123", "Password123!", "1234567890", "qwertyuiop", "Manchester", "sunshine2026",
          "aaaaaaaaaaaa", "guess the worth", "GuessTheWorth1"]  # fmt: skip


@pytest.fixture
def database() -> str:
    """No database is asked."""
    return "sqlite"


def test_the_list_has_three_thousand_and_more() -> None:
    assert len(_common()) >= 3000


@pytest.mark.parametrize("typed", COMMON)
def test_a_common_password_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="among the first"):
        rules.check_common(typed, _common())


@pytest.mark.parametrize(
    "typed", [PASSWORD, "correct horse", "abc 1234567", "wörter sind schön", "9f!kQ2#mZp"]
)
def test_another_is_not(typed: str) -> None:
    rules.check_common(typed, _common())


def test_it_is_refused_on_every_way(app: Flask, client: Browser, buyer: TestPerson) -> None:
    ada = {"email": "ada@example.com", "name": "Ada", "password": "password123"}
    answer = client.post("/api/auth/register", json=ada)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["password"])
    page = anonymous(app).submit("/register", **ada)
    assert (page.status_code, "among the first" in page.text) == (422, True)
    sent = {"current_password": PASSWORD, "password": "password123"}
    page = buyer.browser.submit("/account/password", **sent)
    assert (page.status_code, "among the first" in page.text) == (422, True)
    with app.app_context():
        from app.accounts.passwords import checked_password

        with pytest.raises(Invalid):
            checked_password("password123", "a@example.com", "Ada")
