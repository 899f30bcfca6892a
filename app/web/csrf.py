"""Who asks in a browser must have been given the form by us."""

from functools import lru_cache
from typing import Any

from flask import Flask, Request, current_app, g, session
from flask_wtf.csrf import generate_csrf

from app.core.access import Who
from app.core.at_hand import request_at_hand
from app.core.extensions import csrf
from app.web.areas import for_programs

_SAFE = {"GET", "HEAD", "OPTIONS"}
_TOKENS_KEPT = 10_000


def init_csrf(app: Flask) -> None:
    """Hold every unsafe request against its CSRF token, unless it carries no ambient authority.

    Under `/api` a bearer token is no ambient authority (a foreign page cannot send one), and a
    request without a signed-in cookie has none at all. Stripe signs what it sends.
    """

    # The library's own would sign one for each request.
    app.jinja_env.globals["csrf_token"] = csrf_token

    @app.context_processor
    def form_token() -> dict[str, Any]:
        return {"csrf_token": csrf_token}

    @app.before_request
    def protect_unsafe_requests() -> None:
        asked = request_at_hand()
        if asked.method in _SAFE or asked.endpoint is None:
            return
        view = app.view_functions[asked.endpoint]
        if getattr(view, "__access__", None) == Who.STRIPE:
            return
        if for_programs() and (_bearer(asked) or "_user_id" not in session):
            return
        csrf.protect()


def csrf_token() -> str:
    """What this browser's forms carry. It lasts as long as the browser's session, so it is kept."""
    if "csrf_token" not in g:
        secret = session.get("csrf_token")
        known = isinstance(secret, str)
        g.csrf_token = _signed(current_app.secret_key, secret) if known else generate_csrf()
    return str(g.csrf_token)


@lru_cache(_TOKENS_KEPT)
def _signed(_key: Any, _secret: str) -> str:
    """The token of the session at hand, which has this secret."""
    return str(generate_csrf())


def _bearer(asked: Request) -> bool:
    return asked.headers.get("Authorization", "").lower().startswith("bearer ")
