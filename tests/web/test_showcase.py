"""The page of all components, and what its charts say to those who cannot see them."""

from __future__ import annotations

import re

from flask import Flask, render_template_string

from app import create_app
from app.config import Settings
from tests.conftest import release
from tests.people import Browser

CHART = (
    '{% from "components/charts.html" import bar_chart, line_chart, share_chart %}'
    "{% set draw = {'bar': bar_chart, 'line': line_chart, 'share': share_chart}[kind] %}"
    "{{ draw('Bids', rows, empty='None yet.') }}"
)
ROWS = [("Mon", 3, "3 bids"), ("Tue", 12, "12 bids"), ("Wed", 0, "0 bids")]


def chart(app: Flask, kind: str, rows: list[tuple[str, int, str]]) -> str:
    with app.test_request_context():
        return render_template_string(CHART, kind=kind, rows=rows)


def test_the_components_are_shown_only_beside_a_stand_in_for_stripe(
    client: Browser, settings: Settings
) -> None:
    assert client.get("/components").status_code == 404
    beside = create_app(settings.model_copy(update={"stripe_api_base": "http://127.0.0.1:9"}))
    page = beside.test_client().get("/components")
    assert page.status_code == 200
    for words in ("There is a problem", "Highest bid", "Bids by day", "Time left to pay"):
        assert words in page.text
    release(beside)


def test_a_chart_says_its_highest_number_and_has_all_of_them_beside_it(app: Flask) -> None:
    for kind in ("bar", "line"):
        html = chart(app, kind, ROWS)
        assert re.search(r'role="img" aria-label="Bids\. Highest: 12 bids, Tue\.', html)
        cells = re.findall(r'<td class="num"[^>]*>(.*?)</td>', html)
        assert cells == ["0 bids", "12 bids", "3 bids"]
        assert "style=" not in html
    shares = chart(app, "share", ROWS)
    assert re.findall(r'<dd class="shares__text">(.*?)</dd>', shares) == [r[2] for r in ROWS]


def test_a_chart_of_nothing_is_a_sentence(app: Flask) -> None:
    for kind in ("bar", "line", "share"):
        for rows in ([], [("Mon", 0, "0")]):
            html = chart(app, kind, rows)
            assert "None yet." in html
            assert "<svg" not in html
