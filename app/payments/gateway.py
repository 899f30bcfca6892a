"""Stripe, in the product's own types. The only file that imports `stripe`.

Facts: docs.stripe.com/api/checkout/sessions, docs.stripe.com/api/idempotent_requests,
docs.stripe.com/payments/checkout/managing-limited-inventory, docs.stripe.com/webhooks.
"""

import json
import math
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import stripe
from flask import current_app, has_request_context, request

from app.config import Settings
from app.core import clock
from app.core.timely_http import TimelySession
from app.core.transaction import leave_database
from app.payments.words import (
    CheckoutSession,
    ListedSession,
    SignedEvent,
    read_event,
    read_listed,
    read_session,
)

# The most that Stripe gives at once.
_PAGE = 100


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


# Python's own takes NaN for a number, and 1e999 for infinity: no database keeps them as JSON.
_STRICT_JSON = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


class GatewayUnavailable(Exception):
    """Stripe gave no usable answer; whether the request took effect is unknown."""


class ServerErrorAnswered(GatewayUnavailable):
    """Stripe answered 5xx. `replayed` when that answer is stored for the idempotency key."""

    def __init__(self, message: str, replayed: bool) -> None:
        super().__init__(message)
        self.replayed = replayed


class GatewayMisconfigured(GatewayUnavailable):
    """Stripe does not accept our secret key, or not the request's idempotency key."""


class KeyUsedOtherwise(GatewayMisconfigured):
    """The idempotency key was used for another request."""


class GatewayRefused(Exception):
    """Stripe refused the request for good: it had no effect."""

    def __init__(self, message: str, parameter: str | None, code: str | None) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.code = code


class InvalidSignature(Exception):
    """The request does not bear a fresh signature of ours: not Stripe's word."""


class Gateway:
    """Stripe's operations around Checkout.

    `patience` is (connect, read) seconds of one try, which takes no longer than both together
    however slowly its answer comes; `retries` are made by Stripe's library under the same
    idempotency key. A web request that began to ask `begin_within_seconds` ago asks no more: every
    method raises GatewayUnavailable then. No transaction may be open while a method runs.
    """

    def __init__(
        self,
        settings: Settings,
        patience: tuple[float, float],
        retries: int,
        begin_within_seconds: float = math.inf,
    ) -> None:
        base = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        self._client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses=base,  # type: ignore[arg-type]
            http_client=stripe.RequestsClient(
                timeout=patience, session=TimelySession(sum(patience))
            ),
            max_network_retries=retries,
        )
        self._webhook_secret = settings.stripe_webhook_secret
        self._begin_within = begin_within_seconds

    def _begin(self) -> None:
        leave_database()
        if not has_request_context():
            return
        moment = time.monotonic()
        began = request.environ.setdefault("guesstheworth.stripe_asked_at", moment)
        if moment - began > self._begin_within:
            raise GatewayUnavailable("no time is left in this request")

    def create_session(self, params: dict[str, Any], idempotency_key: str) -> CheckoutSession:
        """Create the session, or get the one already created under this key.

        Raises GatewayRefused (none was created) or GatewayUnavailable (unknown).
        """
        self._begin()
        try:
            made = self._client.v1.checkout.sessions.create(
                params,  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            )
        except stripe.StripeError as failure:
            _translate(failure)
        return read_session(made.to_dict())

    def retrieve_session(self, session_id: str) -> CheckoutSession:
        """What Stripe says of the session now. Raises GatewayRefused or GatewayUnavailable."""
        self._begin()
        try:
            found = self._client.v1.checkout.sessions.retrieve(
                session_id, {"expand": ["payment_intent"]}
            )
        except stripe.StripeError as failure:
            _translate(failure)
        return read_session(found.to_dict())

    def expire_session(self, session_id: str) -> CheckoutSession:
        """Close the session to payment, and tell how it stands: `expired`, or `complete`.

        Stripe expires only an open session; when it refuses, its present state is the answer.
        Raises GatewayRefused (no such session) or GatewayUnavailable.
        """
        self._begin()
        try:
            return read_session(self._client.v1.checkout.sessions.expire(session_id).to_dict())
        except stripe.InvalidRequestError:
            return self.retrieve_session(session_id)
        except stripe.StripeError as failure:
            _translate(failure)

    def list_sessions(self, since: datetime) -> list[ListedSession]:
        """Every Checkout Session made at `since` or later, the oldest first.

        Asks page by page (docs.stripe.com/api/checkout/sessions/list). Raises GatewayUnavailable
        or GatewayRefused.
        """
        self._begin()
        asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
        try:
            page = self._client.v1.checkout.sessions.list(asked)
            found = list(page.data)
            while page.has_more:
                self._begin()
                page = page.next_page()
                found += page.data
        except stripe.StripeError as failure:
            _translate(failure)
        return [read_listed(each.to_dict()) for each in reversed(found)]

    def list_sessions_of(self, intent_id: str) -> list[CheckoutSession]:
        """The sessions that a payment intent belongs to; raises as `list_sessions`."""
        self._begin()
        try:
            page = self._client.v1.checkout.sessions.list({"payment_intent": intent_id})
        except stripe.StripeError as failure:
            _translate(failure)
        return [read_session(each.to_dict()) for each in page.data]

    def list_events(
        self,
        types: tuple[str, ...],
        since: datetime,
        budget_seconds: float,
        older_than: str | None = None,
    ) -> tuple[list[SignedEvent], bool]:
        """The events of these types that Stripe made at `since` or later, the oldest first; and
        whether these are all.

        Stripe gives the newest first (docs.stripe.com/api/events/list), and is asked for no more
        of them after `budget_seconds`: the oldest are missing then, and come to who asks again
        for those `older_than` the event of this number. It keeps them for 30 days. Raises
        GatewayUnavailable or GatewayRefused.
        """
        self._begin()
        ends_at = time.monotonic() + budget_seconds
        asked: Any = {
            "types": list(types),
            "created": {"gte": int(since.timestamp())},
            "limit": _PAGE,
        }
        if older_than is not None:
            asked["starting_after"] = older_than
        try:
            page = self._client.v1.events.list(asked)
            found = list(page.data)
            while page.has_more and time.monotonic() < ends_at:
                page = page.next_page()
                found += page.data
        except stripe.StripeError as failure:
            _translate(failure)
        return [read_event(each.to_dict()) for each in reversed(found)], not page.has_more

    def measure_skew(self) -> float:
        """By how many seconds our clock is ahead of Stripe's, told by an answer's `Date`.

        The cheapest question of all, which also shows whether Stripe accepts the key. Raises
        GatewayUnavailable or GatewayRefused.
        """
        self._begin()
        before = clock.now()
        try:
            answer = self._client.v1.checkout.sessions.list({"limit": 1})
        except stripe.StripeError as failure:
            _translate(failure)
        after = clock.now()
        headers: Any = answer.last_response.headers if answer.last_response else {}
        told = {str(name).lower(): str(value) for name, value in dict(headers).items()}.get("date")
        if told is None:
            raise GatewayUnavailable("the answer bears no date")
        # The header tells whole seconds, cut off: on the average half a second is missing.
        said = parsedate_to_datetime(told) + timedelta(seconds=0.5)
        return (before + (after - before) / 2 - said).total_seconds()

    def verify_event(self, body: bytes, signature: str) -> SignedEvent:
        """The event in a webhook request. Raises InvalidSignature when it is not Stripe's."""
        try:
            # The library's construct_event makes an object of each part, which takes longer.
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            return read_event(_STRICT_JSON.decode(body.decode()))
        except (
            stripe.SignatureVerificationError,
            ValueError,
            KeyError,
            TypeError,
            RecursionError,  # the JSON is nested deeper than Stripe ever does
        ) as wrong:
            raise InvalidSignature(type(wrong).__name__) from None


def _translate(failure: stripe.StripeError) -> NoReturn:
    status = failure.http_status or 0
    said = f"{type(failure).__name__} {status or ''} {failure.code or ''}".strip()
    if isinstance(failure, stripe.IdempotencyError):
        raise KeyUsedOtherwise(said) from failure
    if status in (401, 403):
        raise GatewayMisconfigured(said) from failure
    if status >= 500:
        headers = {name.lower(): value for name, value in dict(failure.headers or {}).items()}
        raise ServerErrorAnswered(
            said, replayed=headers.get("idempotent-replayed") == "true"
        ) from failure
    if isinstance(failure, stripe.InvalidRequestError) and status in (400, 404):
        raise GatewayRefused(
            str(failure.user_message or said)[:300], failure.param, failure.code
        ) from failure
    raise GatewayUnavailable(said) from failure


def init_gateway(settings: Settings) -> dict[str, Gateway]:
    """The two ways to ask: `prompt` while somebody waits (13 s at the most, and 15 s for all
    questions of a web request together), `patient` (27 s) in jobs and the sweep.
    """
    return {
        "prompt": Gateway(settings, patience=(2, 4), retries=1, begin_within_seconds=2),
        "patient": Gateway(settings, patience=(3, 10), retries=1),
    }


def gateway(*, patient: bool = False) -> Gateway:
    """The application's gateway."""
    gateways: dict[str, Gateway] = current_app.extensions["stripe_gateways"]
    return gateways["patient" if patient else "prompt"]
