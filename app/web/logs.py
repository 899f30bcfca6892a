"""Logs: one event a line, with the request's id; secrets do not reach them."""

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, has_app_context, request
from sqlalchemy import Engine, event

from app.config import Settings
from app.core.access import request_id
from app.core.redaction import redact
from app.core.traces import trace_id

log = logging.getLogger(__name__)

_HANDLER = "product"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STATEMENT_LENGTH = 500
# What would only tell that somebody looked.
_QUIET = {"static", "health.alive", "health.ready", "metrics.scrape", "artworks.picture"}


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _redact_values(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    for name, value in line.items():
        if isinstance(value, str):
            value = redact(value)
            # Who sends a line break in an address must not write a line of their own.
            line[name] = value if name == "exception" else _CONTROL.sub(_escaped, value)
    return line


def _drop_message(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    # Left on the record by another handler that formatted it before; it repeats the event.
    line.pop("message", None)
    return line


def _add_request(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    if has_app_context():
        followed = trace_id()
        own = request_id() if "request_id" in g else followed
        if own is not None:
            line["request_id"] = own
        if followed not in (None, own):
            line["sale_request_id"] = followed
    return line


def formatter(log_format: str) -> logging.Formatter:
    """How a record of the standard library becomes a line: `json`, or `text` for people."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _drop_message,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request,
        structlog.processors.format_exc_info,
    ]
    final: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[remove, _redact_values, final]
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
    # One line a request is written below; Alembic's and Stripe's own say nothing that is needed.
    for name in ("werkzeug", "alembic", "stripe", "engineio", "socketio"):
        logging.getLogger(name).setLevel(logging.WARNING)

    @app.after_request
    def note(response: Response) -> Response:
        if "began" not in g:
            return response
        seconds = time.perf_counter() - g.began
        slow = seconds > settings.slow_request_seconds
        if slow or request.endpoint not in _QUIET:
            more = {
                "milliseconds": round(seconds * 1000, 1),
                "from_address": request.remote_addr,
            } | ({"slow": True} if slow else {})
            log.log(
                logging.WARNING if slow else logging.INFO,
                "%s %s %s", request.method, request.path, response.status_code, extra=more,
            )  # fmt: skip
        return response


def init_slow_queries(engine: Engine, settings: Settings) -> None:
    """Log every statement that takes long: its text with placeholders, never its values."""

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: Any, *_: Any) -> None:
        connection.info["statement_began"] = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def end(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seconds = time.perf_counter() - connection.info["statement_began"]
        if seconds > settings.slow_query_seconds:
            shown = " ".join(statement.split())[:_STATEMENT_LENGTH]
            log.warning(
                "slow statement: %s", shown, extra={"milliseconds": round(seconds * 1000, 1)}
            )
