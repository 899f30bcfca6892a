"""Addresses in templates are built once, but for those that visitors make up."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask


@pytest.mark.parametrize(("text", "times"), [("/only-asked-here", 1), ("/" + "x" * 200, 2)])
def test_a_long_text_that_somebody_sent_is_not_remembered(
    app: Flask, monkeypatch: pytest.MonkeyPatch, text: str, times: int
) -> None:
    built: list[str] = []
    flasks_own = app.url_for

    def note(endpoint: str, **values: Any) -> str:
        built.append(endpoint)
        return flasks_own(endpoint, **values)

    monkeypatch.setattr(app, "url_for", note)
    url_for: Any = app.jinja_env.globals["url_for"]
    with app.test_request_context("/"):
        found = [url_for("accounts.register", next=text) for _ in range(2)]
    assert found == [f"/register?next={text}"] * 2
    assert len(built) == times
