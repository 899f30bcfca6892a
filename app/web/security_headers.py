"""What browsers are told about every answer."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from app.config import Settings

_STRIPE_CHECKOUT = "https://checkout.stripe.com"


def content_security_policy(settings: Settings) -> str:
    """Everything from this origin, nothing inline, no frames.

    The form that wins a bid is answered with a redirect to Stripe's page, and browsers hold
    `form-action` against redirects too (w3.org/TR/CSP3/#directive-form-action).
    """
    forms = ["'self'", _STRIPE_CHECKOUT]
    if settings.stripe_api_base:
        base = urlsplit(settings.stripe_api_base)
        forms.append(f"{base.scheme}://{base.netloc}")
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": " ".join(forms),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def init_security_headers(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer; what is personal is kept by no cache."""
    headers = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    session_cookie = app.config["SESSION_COOKIE_NAME"]

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            personal = (
                session_cookie in request.cookies
                or "Authorization" in request.headers
                or request.method not in {"GET", "HEAD"}
            )
            response.headers["Cache-Control"] = "no-store" if personal else "no-cache"
        return response
