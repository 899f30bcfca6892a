"""Addresses in templates: each is built once, as building one takes longer than writing it."""

from functools import lru_cache
from typing import Any

from flask import Flask, request

_KEPT = 10_000


def init_links(app: Flask) -> None:
    """Give templates a `url_for` that remembers what Flask's own answered.

    An address within the site depends on the route, its values (a static file's fingerprint among
    them) and what the server put before the path.
    """

    # `typed`, as 1 and True are equal and are written differently.
    @lru_cache(_KEPT, typed=True)
    def built(_root: str, endpoint: str, *values: Any) -> str:
        return app.url_for(endpoint, **dict(zip(values[::2], values[1::2], strict=True)))

    def url_for(endpoint: str, **values: Any) -> str:
        if not request or endpoint.startswith(".") or any(name[0] == "_" for name in values):
            return app.url_for(endpoint, **values)
        app.inject_url_defaults(endpoint, values)
        pairs = [part for pair in values.items() for part in pair]
        return built(request.environ.get("SCRIPT_NAME", ""), endpoint, *pairs)

    app.jinja_env.globals["url_for"] = url_for
