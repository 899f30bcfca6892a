"""How much one caller may ask for: requests by time, and the size of what is sent.

Counted in Redis, so that all web processes count together; while Redis is away each process counts
by itself. Limits on guessing are fixed; those on mere volume grow with RATELIMIT_FACTOR.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RateLimitExceeded
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core import clock
from app.core.access import viewer_or_none
from app.core.at_hand import request_at_hand
from app.core.errors import TooManyRequests
from app.core.networks import household
from app.core.secrets import keyed_digest
from app.core.statements import await_body

MEGABYTE = 1024 * 1024
UPLOADS = {"artworks.create", "artworks.save", "artworks_api.set_image"}
_LARGEST_UPLOAD = 11 * MEGABYTE
# Every form without a picture, and every body of the API but pictures and Stripe's largest events.
_SMALL_BODY = 64 * 1024
_REDIS_SECONDS = 0.3
# Longer than any address that has an account; what is longer is refused by the form.
_ADDRESS_LENGTH = 254


@dataclass(frozen=True)
class Limit:
    """`times` within `period` for each `whose`; with `only`, other answers do not count."""

    times: int
    period: str
    whose: Callable[[], str]
    only: frozenset[int] = frozenset()
    # Several routes that count together.
    together: str | None = None


def address() -> str:
    """The network address of the caller."""
    return household(request.remote_addr)


def person() -> str:
    """The signed-in person, or the address of somebody who is not."""
    try:
        viewer = viewer_or_none()
    except SQLAlchemyError:
        # The route will meet the same, and answer for it.
        viewer = None
    return f"person {viewer.id}" if viewer else address()


def account() -> str:
    """The account that somebody tries to get into, whether or not there is one."""
    sent: Any = request.form
    if request.is_json:
        try:
            sent = request.get_json(silent=True)
        except RecursionError:
            sent = None
    email = sent.get("email") if hasattr(sent, "get") else None
    typed = email.strip().lower()[:_ADDRESS_LENGTH] if isinstance(email, str) else ""
    key = current_app.config["SETTINGS"].secret_key
    return keyed_digest(key, "account", typed.encode("utf-8", "replace").decode())[:24]


def account_from_here() -> str:
    """The account, and the address of who tries."""
    return f"{account()} from {address()}"


_REFUSED = frozenset({401})
# Only failures count, and each window is short: whoever guesses at somebody's password can keep
# them from logging in for minutes, never for good.
_LOG_IN = (
    Limit(10, "5 minutes", account_from_here, _REFUSED, "log in to an account from an address"),
    Limit(60, "15 minutes", account, _REFUSED, "log in to an account"),
    Limit(100, "5 minutes", address, _REFUSED, "log in from an address"),
)
_REGISTER = (Limit(60, "hour", address, together="register"),)
_BID = (Limit(60, "minute", person, together="bid"),)
_UPLOAD = (Limit(120, "hour", person, together="upload"),)
_PASSWORD_TYPED = (Limit(10, "15 minutes", person, frozenset({422})),)

LIMITS: dict[str, tuple[Limit, ...]] = {
    "accounts.start_session": _LOG_IN,
    "accounts_api.create_token": _LOG_IN,
    "accounts.create_account": _REGISTER,
    "accounts_api.register": _REGISTER,
    "accounts.send_reset_link": (Limit(30, "hour", address),),
    "accounts.use_reset_link": (Limit(60, "hour", address),),
    "accounts.change_password": _PASSWORD_TYPED,
    "accounts.create_token": (Limit(30, "hour", person),),
    "bidding.place_bid": _BID,
    "bidding_api.place_bid": _BID,
    "artworks.create": _UPLOAD,
    "artworks.save": _UPLOAD,
    "artworks_api.set_image": _UPLOAD,
    # What Stripe signed is never counted: an event turned away comes hours later. Forgeries are.
    "payments_api.webhook": (Limit(300, "minute", address, frozenset({400})),),
}
# Everything else. Static files, pictures and looks at health are not worth counting.
_USUAL = Limit(3000, "minute", address, together="anything")
_UNCOUNTED = {"static", "artworks.picture", "health.alive", "health.ready", "metrics.scrape"}


def init_limits(app: Flask, settings: Settings) -> None:
    """Bind the counting, and the size that each route takes. Before anything reads a body."""
    storage: dict[str, Any] = {"storage_uri": "memory://"}
    if settings.redis_url:
        patience = {
            "socket_connect_timeout": _REDIS_SECONDS,
            "socket_timeout": _REDIS_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        storage = {"storage_uri": settings.redis_url, "storage_options": patience}
    limiter = Limiter(
        address,
        enabled=settings.ratelimit_enabled,
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        # Two deployments on one Redis must not count together.
        key_prefix=keyed_digest(settings.secret_key, "limits")[:16],
        **storage,
    )
    limiter.init_app(app)
    app.extensions["limits"] = limiter

    @app.before_request
    def bound_body() -> None:
        asked = request_at_hand()
        asked.max_content_length = (
            _LARGEST_UPLOAD if asked.endpoint in UPLOADS else app.config["MAX_CONTENT_LENGTH"]
        )
        await_body(asked, _SMALL_BODY)


def limit_routes(app: Flask, settings: Settings) -> None:
    """Hold every route against its limits, if they are on; after all of them are registered."""
    unknown = set(LIMITS) - set(app.view_functions)
    if unknown:
        raise LookupError(f"limits for routes that do not exist: {sorted(unknown)}")
    if not settings.ratelimit_enabled:
        return
    for endpoint, view in app.view_functions.items():
        if endpoint in _UNCOUNTED:
            continue
        for limit in LIMITS.get(endpoint, (_USUAL,)):
            view = _held(app.extensions["limits"], view, limit, settings.ratelimit_factor)
        app.view_functions[endpoint] = view


def _held(limiter: Limiter, view: Any, limit: Limit, factor: int) -> Any:
    counts = None
    if limit.only:
        # Guesses do not become right by being many: no factor.
        factor = 1

        def counts(response: Response) -> bool:
            return response.status_code in limit.only

    said = f"{limit.times * factor} per {limit.period}"
    if limit.together is None:
        return limiter.limit(said, key_func=limit.whose, deduct_when=counts)(view)
    shared = limiter.shared_limit(
        said, scope=limit.together, key_func=limit.whose, deduct_when=counts
    )
    return shared(view)


def too_many(_error: RateLimitExceeded) -> TooManyRequests:
    """What to tell who asked too often: when the present window is over."""
    limiter: Limiter = current_app.extensions["limits"]
    broken = limiter.current_limit
    try:
        left = broken.reset_at - clock.now().timestamp() if broken else 60.0
        if broken:
            # A window begins on a whole second, and must not look longer than it is.
            left = min(left, broken.limit.get_expiry())
    except Exception:
        # The count is lost with its Redis: a guess is better than none.
        left = 60.0
    return TooManyRequests(max(1, round(left)))
