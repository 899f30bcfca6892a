"""Logs: one event a line, with the request's id; secrets do not reach them."""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, Response, has_app_context
from sqlalchemy import Engine, event

from app.config import Settings
from app.core.at_hand import notes_at_hand, request_at_hand
from app.core.redaction import redact

log = logging.getLogger(__name__)

_HANDLER = "product"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STATEMENT_LENGTH = 500
# What would only tell that somebody looked.
_QUIET = {"static", "health.alive", "health.ready", "metrics.scrape", "artworks.picture"}


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


# What every record has; the rest of one was given with `extra`.
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _Lines(logging.Formatter):
    """A record of the standard library as one line."""

    def __init__(self, render: Callable[[Any, str, dict[str, Any]], Any]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """The line: secrets hidden, and nothing in it that looks like another line."""
        line: dict[str, Any] = {
            "event": _clean(record.getMessage()),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        for name, value in record.__dict__.items():
            if name not in _USUAL:
                line[name] = _clean(value) if isinstance(value, str) else value
        line["timestamp"] = _moment(record.created)
        _add_request(line)
        # Three times None when there was no exception to tell of.
        if record.exc_info and record.exc_info[1]:
            # Its lines are its own: only JSON folds them into one.
            line["exception"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = redact(record.stack_info)
        return str(self._render(None, "", line))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _clean(text: str) -> str:
    # Who sends a line break in an address must not write a line of their own.
    return _CONTROL.sub(_escaped, redact(text))


def _add_request(line: dict[str, Any]) -> None:
    if has_app_context():
        here = notes_at_hand()
        followed = here.get("followed")
        own = here.get("request_id", followed)
        if own is not None:
            line["request_id"] = _clean(own)
        if followed not in (None, own):
            line["sale_request_id"] = _clean(followed)


# With these, values that hold one are quoted.
_DIVIDING = re.compile(r"""[ \t=\r\n"']""")


def _text(key: str, value: object) -> str:
    return str(value)


def _in_brackets(key: str, value: object) -> str:
    return f"[{value}]"


def _pair(key: str, value: object) -> str:
    plain = isinstance(value, str) and not _DIVIDING.search(value)
    return f"{key}={value if plain else repr(value)}"


# As structlog writes a line without colours; its own formatters piece each part of it together
# from what colours and widths there might be, a tenth of what a small request takes.
_COLUMNS = [
    structlog.dev.Column("timestamp", _text),
    structlog.dev.Column("level", _in_brackets),
    structlog.dev.Column("event", _text),
    structlog.dev.Column("logger", _in_brackets),
    structlog.dev.Column("logger_name", _in_brackets),
    structlog.dev.Column("", _pair),
]


def formatter(log_format: str) -> logging.Formatter:
    """How a record of the standard library becomes a line: `json`, or `text` for people."""
    return _Lines(
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(columns=_COLUMNS)
    )


def init_logs(app: Flask, settings: Settings) -> None:
    """Write the whole process's log to standard error, and a line for every request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.name = _HANDLER
    handler.setFormatter(formatter(settings.log_format))
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.name == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # What no line tells, of ours or Gunicorn's, need not be found out for each
    # (docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logMultiprocessing = False
    # One line a request is written below; Alembic's and Stripe's own say nothing that is needed.
    for name in ("werkzeug", "alembic", "stripe", "engineio", "socketio"):
        logging.getLogger(name).setLevel(logging.WARNING)

    @app.after_request
    def note(response: Response) -> Response:
        began = notes_at_hand().get("began")
        if began is None:
            return response
        asked = request_at_hand()
        seconds = time.perf_counter() - began
        slow = seconds > settings.slow_request_seconds
        if slow or asked.endpoint not in _QUIET:
            more = {
                "milliseconds": round(seconds * 1000, 1),
                "from_address": asked.remote_addr,
            } | ({"slow": True} if slow else {})
            log.log(
                logging.WARNING if slow else logging.INFO,
                "%s %s %s", asked.method, asked.path, response.status_code, extra=more,
            )  # fmt: skip
        return response


def init_slow_queries(engine: Engine, settings: Settings) -> None:
    """Log every statement that takes long: its text with placeholders, never its values."""

    # A thread runs one statement after another.
    running = threading.local()

    # What is to run is given back, which spares SQLAlchemy a function around this one.
    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def begin(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> Any:
        running.began = time.perf_counter()
        return statement, given

    @event.listens_for(engine, "after_cursor_execute")
    def end(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seconds = time.perf_counter() - running.began
        if seconds > settings.slow_query_seconds:
            shown = " ".join(statement.split())[:_STATEMENT_LENGTH]
            log.warning(
                "slow statement: %s", shown, extra={"milliseconds": round(seconds * 1000, 1)}
            )
