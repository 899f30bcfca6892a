"""The log: one event a line, with the request's id, and no secret in it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.config import Settings
from app.core.extensions import db
from app.core.redaction import redact
from app.core.traces import following, trace_id
from app.web.logs import formatter
from tests.conftest import release
from tests.people import Browser, anonymous

SECRETS = [
    ("key sk_test_51abcDEF", "sk_test_", "51abcDEF"),
    ("key rk_live_51abcDEF", "rk_live_", "51abcDEF"),
    ("secret whsec_abcDEF123", "whsec_", "abcDEF123"),
    ("Authorization: Bearer abc.def-ghi", "Bearer ", "abc.def-ghi"),
    ("redis://:hunter2@127.0.0.1:6379/0", "redis://:", "hunter2"),
    ("postgresql+psycopg://u:hunter2@db/x", "postgresql+psycopg://u:", "hunter2"),
    ("GET /password/reset/0123abcd 200", "/password/reset/", "0123abcd"),
    ("Cookie: __Host-session=eyJ.abc-1; a=b", "__Host-session=", "eyJ.abc-1"),
    ("session=eyJ.abc-1", "session=", "eyJ.abc-1"),
    ("token " + "a-B_9" * 8 + "xyz", "token ", "a-B_9a-B_9"),
    ("hash $argon2id$v=19$m=1,t=2$c2FsdA$aGFzaA", "$argon2id$", "c2FsdA"),
    ("card 4242424242424242", "card ", "424242"),
    ("card 4242 4242 4242 4242 was", "was", "4242 4242"),
    ("card 3782-822463-10005", "card ", "822463"),
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
    text = (
        "GET /artworks/7 200 from http://127.0.0.1:5000 by task_test_it at 2026-11-24 02:45:00.123 "
        "request 0123456789abcdef0123456789abcdef session cs_test_a1b2c3d4 took 123456789 ns"
    )
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
    assert found["event"] == "it failed: x\\nand more"
    assert found["level"] == "warning"
    assert found["amount"] == 3
    assert found["timestamp"].endswith("Z")
    assert "ValueError" in found["exception"]
    assert "hunter2" not in line


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_traceback_asked_for_where_nothing_was_raised_costs_no_line(kind: str) -> None:
    line = formatter(kind).format(record("it stopped", exc_info=(None, None, None)))
    assert "it stopped" in line
    assert "exception" not in line


@pytest.mark.parametrize("message", ["it went well", "", "ends with a space ", "é"])
@pytest.mark.parametrize("stack", [None, "Stack:\n  a line"])
@pytest.mark.parametrize("failure", [None, ValueError("no\nway")])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"empty": "", "spaces": "a b", "quote": 'a"b', "other": "it's", "equals": "a=b"},
        {"z": 3, "Y": 1.5, "x": None, "w": True, "list": ["a b"], "logger_name": "another"},
    ],
)
def test_a_line_for_people_is_as_structlog_writes_it_without_colours(
    message: str, stack: str | None, failure: Exception | None, more: dict[str, Any]
) -> None:
    made = record(message, stack_info=stack, **more)
    if failure is not None:
        made.exc_info = (type(failure), failure, None)
    found = json.loads(formatter("json").format(made))
    usual = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    assert formatter("text").format(made) == usual(None, "", found)


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


def test_slow_statements_and_requests_are_warnings_without_values(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    changed = {"slow_query_seconds": 0.02, "slow_request_seconds": 0.001}
    app = create_app(settings.model_copy(update=changed))
    count = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) "
                 "SELECT count(*), :private FROM n")  # fmt: skip
    with app.app_context(), caplog.at_level(logging.INFO):
        db.session.execute(text("SELECT 1"))
        db.session.execute(count, {"most": 400_000, "private": "a threshold"})
        db.session.remove()
    anonymous(app).get("/help")
    slow, request = caplog.records
    assert slow.levelno == request.levelno == logging.WARNING
    assert "slow statement: WITH RECURSIVE" in slow.getMessage()
    assert "threshold" not in formatter("json").format(slow)
    assert request.__dict__["slow"] is True
    release(app)


def test_what_a_request_sets_off_bears_its_id_and_the_sales(app: Flask) -> None:
    def line() -> dict[str, Any]:
        return dict(json.loads(formatter("json").format(record("inside"))))

    with app.app_context(), following("the-bid-itself"):
        assert line()["request_id"] == "the-bid-itself"
    with app.test_request_context(headers={"X-Request-ID": "stripes-webhook"}):
        app.preprocess_request()
        with following("the-bid-itself"):
            assert trace_id() == "the-bid-itself"
            assert line()["request_id"] == "stripes-webhook"
            assert line()["sale_request_id"] == "the-bid-itself"
        assert "sale_request_id" not in line()


@pytest.mark.parametrize("kind", ["text", "json"])
def test_nobody_writes_a_line_of_their_own(kind: str) -> None:
    forged = "GET /x\n2026-11-24T00:00:00Z [info] all is well \x1b[2J\u2028 200"
    line = formatter(kind).format(record("%s", forged, agent=forged))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "all is well" in line
