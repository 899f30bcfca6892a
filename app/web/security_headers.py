"""What browsers are told about every answer."""

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request, session

from app.config import Settings

_STRIPE_CHECKOUT = "https://checkout.stripe.com"


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


def init_security_headers(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer; what is personal is kept by no cache."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    without_scripts = content_security_policy(settings)
    session_cookie = app.config["SESSION_COOKIE_NAME"]
    app.jinja_env.globals["script_nonce"] = script_nonce

    @app.after_request
    def protect(response: Response) -> Response:
        if response.location and response.location.startswith(request.host_url):
            # The router's own redirects name whatever host the request called us.
            response.location = "/" + response.location.removeprefix(request.host_url).lstrip("/")
        present = {name.lower() for name, _ in response.headers}
        for name, value in headers.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        if "content-security-policy" not in present:
            nonce = g.get("script_nonce")
            response.headers.add(
                "Content-Security-Policy",
                content_security_policy(settings, nonce) if nonce else without_scripts,
            )
        if "cache-control" not in present:
            personal = (
                session_cookie in request.cookies
                or "Authorization" in request.headers
                or request.method not in {"GET", "HEAD"}
                # A cookie goes along: what is in it is this visitor's.
                or session.modified
            )
            response.headers.add("Cache-Control", "no-store" if personal else "no-cache")
        return response
