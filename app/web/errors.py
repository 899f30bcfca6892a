"""Every failure as an answer: problem+json (RFC 9457) under `/api`, a page elsewhere.

Nothing here asks the database, the session or who is signed in: all of them may be what failed.
"""

import errno
import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, json, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from app.core import errors
from app.core.access import request_id
from app.web.areas import for_programs
from app.web.limits import MEGABYTE, UPLOADS, too_many

log = logging.getLogger(__name__)

_STATUS: dict[type[errors.ProductError], int] = {
    errors.Invalid: 422,
    errors.NotSignedIn: 401,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Conflict: 409,
    errors.Unavailable: 503,
    errors.TooManyRequests: 429,
}
_AGAIN_SECONDS = 5
# Of the disk, of what one user may have there, of what one process may write.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# What PostgreSQL says on a standby that is not yet promoted
# (postgresql.org/docs/current/errcodes-appendix.html).
_READ_ONLY = "25006"

_WORDS: dict[int, tuple[str, str]] = {
    400: ("That request made no sense", "Go back, reload the page and try once more."),
    401: ("Log in first", "This page is for people who are logged in."),
    403: ("Not allowed", "Your account may not do this."),
    404: ("Nothing here", "There is no such page, or it is not yours to see."),
    405: ("That does not work here", "This address does not take that kind of request."),
    409: ("Not possible now", "Things have changed in the meantime. Look again."),
    413: ("Too large", "What was sent is too large."),
    415: ("Wrong kind", "This kind of file or text is not understood here."),
    422: ("Something is not valid", "Go back and check what was entered."),
    429: ("One moment, please", "Too many requests came from you in a short time."),
    500: ("Something broke on our side", "It was noted. Nothing was half done."),
    503: ("Back in a moment", "The service cannot answer right now. Nothing was half done."),
}
_FORM_TOO_OLD = "This form is too old, or it came from elsewhere. Go back, reload and send again."
_FORM_TOO_OLD_TITLE = "Please send that again"


def status_of(error: errors.ProductError) -> int:
    """The HTTP status of something that the product refuses."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 400)


def init_errors(app: Flask) -> None:
    """Answer every exception. To be called after everything else that registers handlers."""
    app.register_error_handler(errors.ProductError, _refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(RateLimitExceeded, lambda error: _refused(too_many(error)))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _away)
    app.register_error_handler(PoolTimeout, _away)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _broken)


def _refused(error: errors.ProductError) -> ResponseReturnValue:
    status = status_of(error)
    members: dict[str, Any] = dict(error.extras())
    headers = {}
    if error.code:
        members["code"] = error.code
    if isinstance(error, errors.Invalid):
        members["errors"] = error.errors
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = str(_AGAIN_SECONDS)
    if isinstance(error, errors.NotSignedIn):
        if not for_programs():
            return redirect(url_for("accounts.login", next=_way_back()), code=303)
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(status, error.detail, members, headers)


def _way_back() -> str:
    """Where to go after logging in: this page, or the one whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    return _came_from() or "/"


def _came_from() -> str | None:
    """The page of ours whose form or link was used, if the browser tells."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host or not came_from.path:
        return None
    # Two slashes would begin the name of another host.
    return "/" + came_from.path.lstrip("/")


def _forged(error: CSRFError) -> ResponseReturnValue:
    errors_found = {"errors": {"csrf_token": [_FORM_TOO_OLD]}}
    return _answer(400, _FORM_TOO_OLD, errors_found, title=_FORM_TOO_OLD_TITLE)


def _http(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, RoutingException) or error.response is not None or error.code is None:
        return error.get_response()
    if error.code >= 500:
        log.error("answered %s", error.code, exc_info=error)
    # Allow, Retry-After and the like stay; the body and its type are ours.
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    members = {}
    sent = getattr(error, "data", None) or {}
    if "messages" in sent:
        members["errors"] = flatten(sent["messages"])
    detail = None
    if error.code < 500 and error.description != type(error).description:
        detail = error.description
    if error.code == 422:
        detail = errors.Invalid.detail
    if error.code == 413 and detail is None:
        detail = _too_large()
    return _answer(error.code, detail, members, headers)


def _too_large() -> str:
    """The limit that the request at hand went beyond, in words."""
    most, length = request.max_content_length or 0, request.content_length
    if length is not None and length <= most:
        limit = f"A field of a form may have up to {(request.max_form_memory_size or 0) // 1024} kB"
    elif request.endpoint in UPLOADS:
        limit = "A picture may have up to 10 MB"
    else:
        limit = f"Here it may have up to {most // MEGABYTE} MB"
    return f"What was sent is too large. {limit}."


def flatten(messages: Mapping[Any, Any]) -> dict[str, list[str]]:
    """What webargs found, by field: `{"json": {"size": {"w": ["…"]}}}` as `{"size.w": ["…"]}`.

    What concerns the whole body stands under `body` (`query` for an address's query).
    """
    flat: dict[str, list[str]] = {}
    for location, found in messages.items():
        whole = {"json": "body", "form": "body"}.get(location, str(location))
        for name, said in _leaves(found):
            flat.setdefault(name or whole, []).extend(said)
    return flat


def _leaves(found: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    if isinstance(found, Mapping):
        for key, below in found.items():
            part = "" if key == "_schema" else str(key)
            yield from _leaves(below, ".".join(filter(None, (name, part))))
    else:
        said = found if isinstance(found, list) else [found]
        yield name, [str(line) for line in said]


def _away(error: Exception) -> ResponseReturnValue:
    log.error("the database cannot answer: %s", type(error).__name__, exc_info=error)
    return _answer(503, None, {}, {"Retry-After": str(_AGAIN_SECONDS)})


def _database(error: DBAPIError) -> ResponseReturnValue:
    read_only = getattr(error.orig, "sqlstate", None) == _READ_ONLY
    return _away(error) if error.connection_invalidated or read_only else _broken(error)


def _system(error: OSError) -> ResponseReturnValue:
    """A large upload waits in a file, and a picture is kept in some: either may find no room."""
    if error.errno not in _NO_ROOM:
        return _broken(error)
    log.error("a file could not be written: %s", error.strerror)
    return _refused(errors.Unavailable("There is no room for files here right now. Try later."))


def _broken(error: Exception) -> ResponseReturnValue:
    log.error("unforeseen: %s", type(error).__name__, exc_info=error)
    return _answer(500, None, {})


def _answer(
    status: int,
    detail: str | None,
    members: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Response:
    """`title` is a page's heading, unless it is the usual one of that status."""
    heading, usual = _WORDS.get(status, ("That did not work", "Go back and try once more."))
    title, detail = title or heading, detail or usual
    if for_programs():
        phrase = HTTPStatus(status).phrase
        problem = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
        response = Response(
            json.dumps(problem | dict(members)), status, content_type="application/problem+json"
        )
    else:
        # Not render_template: that would ask who is signed in, and so the database.
        page = current_app.jinja_env.get_template("errors/error.html")
        back = _came_from() if status == 413 else None
        html = page.render(
            status=status, title=title, detail=detail, back=back, request_id=request_id()
        )
        response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers.update(headers or {})
    return response
