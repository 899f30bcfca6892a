"""The page that explains the rules, and how money and moments are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask, render_template_string

from app.web.filters import utc
from app.web.pages import in_words
from tests.people import Browser, TestPerson


@pytest.fixture
def settings_given() -> dict[str, Any]:
    """Numbers that no other test uses."""
    return {
        "payment_window_seconds": 420,
        "unpaid_win_limit": 4,
        "unpaid_win_days": 31,
        "bidding_suspension_days": 9,
    }


def test_the_rules_are_told_with_the_settings_in_force(client: Browser) -> None:
    page = client.get("/help")
    assert page.status_code == 200
    for words in ("7 minutes", "4 unpaid wins within 31 days", "bidding for 9 days", "$0.50",
                  "$999,999.99", "Not this time"):  # fmt: skip
        assert words in page.text


def test_everyone_may_read_them(buyer: TestPerson, admin: TestPerson) -> None:
    for person in (buyer, admin):
        assert person.browser.get("/help").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "10 minutes"), (60, "1 minute"), (90, "90 seconds"), (1, "1 second")],
)
def test_lengths_of_time_are_told_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def test_moments_are_told_in_utc_by_name() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert utc(datetime(2026, 3, 1, 4, 5, tzinfo=tokyo)) == "28 Feb 2026, 19:05 UTC"
    assert utc(datetime(2026, 11, 23, 14, 5, tzinfo=UTC)) == "23 Nov 2026, 14:05 UTC"


def test_templates_know_money_moments_and_the_clock(app: Flask) -> None:
    with app.test_request_context():
        said = render_template_string("{{ 125000|usd }} {{ now.tzinfo }}")
    assert said == "$1,250.00 UTC"
