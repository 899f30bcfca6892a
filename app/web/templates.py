"""What makes templates quick: modules imported once, addresses built once."""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from flask import Flask, request
from flask.templating import Environment

_ADDRESSES_KEPT = 10_000
# Longer texts are what visitors sent: there is no end of them, and a form's may have 500 kB.
_LONGEST_TEXT_KEPT = 100
_ADDRESS_OPTIONS = frozenset({"_anchor", "_method", "_scheme", "_external"})


class _Environment(Environment):
    """Templates with the same globals, all of them: none is ever loaded with some of its own.

    Jinja's own makes a chain of two mappings for each template, and compares two of them whenever
    one template imports another: a fifth of the time that a page takes.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


def init_templates(app: Flask) -> None:
    """Bind the environment of templates, with `url_for`. Before anything else asks for it."""
    app.jinja_environment = _Environment
    app.jinja_env.globals["url_for"] = _remembering(app)


def _remembering(app: Flask) -> Any:
    """A `url_for` that remembers what Flask's own answered.

    An address within the site depends on the route, its values (a static file's fingerprint among
    them) and what the server put before the path.
    """

    # `typed`, as 1 and True are equal and are written differently.
    @lru_cache(_ADDRESSES_KEPT, typed=True)
    def built(_root: str, endpoint: str, *values: Any) -> str:
        return app.url_for(endpoint, **dict(zip(values[::2], values[1::2], strict=True)))

    def url_for(endpoint: str, **values: Any) -> str:
        if (
            not request
            or endpoint[0] == "."
            or not _ADDRESS_OPTIONS.isdisjoint(values)
            or _is_long(values)
        ):
            return app.url_for(endpoint, **values)
        app.inject_url_defaults(endpoint, values)
        pairs = [part for pair in values.items() for part in pair]
        return built(request.environ.get("SCRIPT_NAME", ""), endpoint, *pairs)

    return url_for


def _is_long(values: dict[str, Any]) -> bool:
    return any(isinstance(v, str) and len(v) > _LONGEST_TEXT_KEPT for v in values.values())
