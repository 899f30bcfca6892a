"""The product with a page for every way in which a page can fail, for tests only."""

from __future__ import annotations

from flask import abort

from app.core.access import Who, access
from app.core.errors import Conflict, TooManyRequests, Unavailable
from wsgi import app

__all__ = ["app"]


def fail(status: int) -> str:
    """Fail as the product does."""
    known = {409: Conflict, 429: lambda: TooManyRequests(30), 503: Unavailable}
    if status in known:
        raise known[status]()
    if status == 500:
        raise RuntimeError("something that nobody foresaw")
    abort(status)


app.get("/fail/<int:status>")(access(Who.ANYONE)(fail))
