"""The log: one event a line, with the request's id, and no secret in it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask import Flask

from app.web.logs import formatter, redact
from tests.people import Browser

SECRETS = [
    ("key sk_test_51abcDEF", "sk_test_", "51abcDEF"),
    ("key rk_live_51abcDEF", "rk_live_", "51abcDEF"),
    ("secret whsec_abcDEF123", "whsec_", "abcDEF123"),
    ("Authorization: Bearer abc.def-ghi", "Bearer ", "abc.def-ghi"),
    ("redis://:hunter2@127.0.0.1:6379/0", "redis://:", "hunter2"),
    ("postgresql+psycopg://u:hunter2@db/x", "postgresql+psycopg://u:", "hunter2"),
    ("GET /password/reset/0123abcd 200", "/password/reset/", "0123abcd"),
]


def record(message: str, *values: Any, **more: Any) -> logging.LogRecord:
    """A record as the standard library makes it."""
    made = logging.LogRecord("a.logger", logging.WARNING, __file__, 1, message, values, None)
    made.__dict__.update(more)
    return made


@pytest.fixture
def database() -> str:
    """The log is the same on every database."""
    return "sqlite"


@pytest.mark.parametrize(("text", "kept", "hidden"), SECRETS)
def test_secrets_are_hidden(text: str, kept: str, hidden: str) -> None:
    assert kept in redact(text)
    assert hidden not in redact(text)


def test_what_is_no_secret_stays() -> None:
    text = "GET /artworks/7 200 from http://127.0.0.1:5000 by task_test_it"
    assert redact(text) == text


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize(("text", "kept", "hidden"), SECRETS)
def test_no_secret_reaches_a_line_of_either_kind(
    kind: str, text: str, kept: str, hidden: str
) -> None:
    line = formatter(kind).format(record("%s", text, address=text))
    assert hidden not in line
    assert kept in line


def test_json_lines_are_one_object_each_even_with_a_traceback() -> None:
    made = record("it failed: %s\nand more", "x", amount=3)
    try:
        raise ValueError("redis://:hunter2@127.0.0.1")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    line = formatter("json").format(made)
    assert "\n" not in line
    found = json.loads(line)
    assert found["event"] == "it failed: x\nand more"
    assert found["level"] == "warning"
    assert found["amount"] == 3
    assert found["timestamp"].endswith("Z")
    assert "ValueError" in found["exception"]
    assert "hunter2" not in line


def test_a_line_within_a_request_carries_its_id(app: Flask) -> None:
    lines = []
    with app.test_request_context(headers={"X-Request-ID": "from-the-proxy"}):
        app.preprocess_request()
        lines.append(json.loads(formatter("json").format(record("inside"))))
    lines.append(json.loads(formatter("json").format(record("outside"))))
    assert lines[0]["request_id"] == "from-the-proxy"
    assert "request_id" not in lines[1]


def test_requests_are_logged_once_and_looks_at_health_are_not(
    client: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get("/help?token=secret")
        client.get("/health")
        client.get("/static/css/app.css").close()
    assert [each.getMessage() for each in caplog.records] == ["GET /help 200"]
