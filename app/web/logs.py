"""Logs: one event a line, with the request's id; secrets do not reach them."""

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request

from app.config import Settings
from app.core.access import request_id

log = logging.getLogger(__name__)

_HANDLER = "product"
_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"""
    (?P<key>\b(?:sk|rk)_(?:test|live)_|\bwhsec_)[A-Za-z0-9_]+
    | (?P<bearer>\bBearer\s+)[^\s"',}]+
    | (?P<url>\b[a-z][a-z0-9+]*://[^\s:/@]*:)[^\s@]+(?=@)
    | (?P<reset>/password/reset/)[^\s/?"']+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DETAIL = re.compile(r"DETAIL: .*")
# What would only tell that somebody looked.
_QUIET = {"static", "health.alive", "health.ready", "metrics.scrape", "artworks.picture"}


def redact(text: str) -> str:
    """The text without Stripe keys, bearer tokens, passwords in addresses, and reset links.

    Nor with the row that PostgreSQL quotes in the DETAIL of a failed statement.
    """
    text = _DETAIL.sub(f"DETAIL: {_HIDDEN}", text)
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 0]}{_HIDDEN}", text)


def _redact_values(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = redact(value)
    return line


def _drop_message(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    # Left on the record by another handler that formatted it before; it repeats the event.
    line.pop("message", None)
    return line


def _add_request(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    if has_request_context() and "request_id" in g:
        line["request_id"] = request_id()
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
        if request.endpoint not in _QUIET and "began" in g:
            milliseconds = round((time.perf_counter() - g.began) * 1000, 1)
            log.info(
                "%s %s %s", request.method, request.path, response.status_code,
                extra={"milliseconds": milliseconds, "from_address": request.remote_addr},
            )  # fmt: skip
        return response
