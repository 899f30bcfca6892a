"""Who asks in a browser must have been given the form by us."""

from flask import Flask, current_app, request, session

from app.core.access import Who
from app.core.extensions import csrf
from app.web.areas import for_programs

_SAFE = {"GET", "HEAD", "OPTIONS"}


def init_csrf(app: Flask) -> None:
    """Hold every unsafe request against its CSRF token, unless it carries no ambient authority.

    Under `/api` a bearer token is no ambient authority (a foreign page cannot send one), and a
    request without a signed-in cookie has none at all. Stripe signs what it sends.
    """

    @app.before_request
    def protect_unsafe_requests() -> None:
        if request.method in _SAFE or request.endpoint is None:
            return
        view = current_app.view_functions[request.endpoint]
        if getattr(view, "__access__", None) == Who.STRIPE:
            return
        if for_programs() and (_bearer() or "_user_id" not in session):
            return
        csrf.protect()


def _bearer() -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")
