"""What browsers are told about every answer."""

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, session

from app.config import Settings
from app.core.at_hand import request_at_hand
from app.web.answers import send_along

_STRIPE_CHECKOUT = "https://checkout.stripe.com"
# What caches are told: keep nothing, or ask before each use.
_NEVER, _ASKING = "no-store", "no-cache"


def script_nonce() -> str:
    """What this answer's own scripts carry; no other script runs."""
    if "script_nonce" not in g:
        g.script_nonce = secrets.token_urlsafe(16)
    return str(g.script_nonce)


def content_security_policy(settings: Settings, nonce: str | None = None) -> str:
    """Everything from this origin, nothing inline; no frame but of a page that allows it.

    Scripts run only with the `nonce`, and without one none does.

    The form that wins a bid is answered with a redirect to Stripe's page, and browsers hold
    `form-action` against redirects too (w3.org/TR/CSP3/#directive-form-action).
    """
    forms = ["'self'", _STRIPE_CHECKOUT]
    if settings.stripe_api_base:
        base = urlsplit(settings.stripe_api_base)
        forms.append(f"{base.scheme}://{base.netloc}")
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'" if nonce else "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "form-action": " ".join(forms),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _stay_here(response: Response, host_url: str) -> None:
    # The router's own redirects name whatever host the request called us.
    if response.location and response.location.startswith(host_url):
        response.location = "/" + response.location.removeprefix(host_url).lstrip("/")


def init_security_headers(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer; what is personal is kept by no cache."""
    usual = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings.https:
        usual["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    usual["Content-Security-Policy"] = content_security_policy(settings)
    session_cookie = app.config["SESSION_COOKIE_NAME"]
    app.jinja_env.globals["script_nonce"] = script_nonce

    # What is worked out of settings alone is worked out once.
    kept = {kind: tuple((usual | {"Cache-Control": kind}).items()) for kind in (_NEVER, _ASKING)}
    names = {name.lower() for name in usual} | {"cache-control"}

    @app.after_request
    def protect(response: Response) -> Response:
        asked = request_at_hand()
        present = {name.lower() for name, _ in response.headers}
        if "location" in present:
            _stay_here(response, asked.host_url)
        personal = (
            asked.method not in {"GET", "HEAD"}
            or "Authorization" in asked.headers
            or session_cookie in asked.cookies
            # A cookie goes along: what is in it is this visitor's.
            or session.modified
        )
        headers = kept[_NEVER if personal else _ASKING]
        nonce = g.get("script_nonce")
        if nonce:
            own = {"Content-Security-Policy": content_security_policy(settings, nonce)}
            headers = tuple((dict(headers) | own).items())
        if not present.isdisjoint(names):
            headers = tuple([each for each in headers if each[0].lower() not in present])
        send_along(response, headers)
        return response
