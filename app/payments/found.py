"""Which payment an event of Stripe's is about."""

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from app.core.statements import Prepared
from app.payments.gateway import GatewayRefused, GatewayUnavailable, gateway
from app.payments.models import Payment
from app.payments.words import SaleIds, SignedEvent, may_be_one, read_sale

log = logging.getLogger(__name__)

# What is told of an intent or a charge, and not of its session.
_ABOUT_MONEY = ("payment_intent.payment_failed", "charge.refunded", "charge.dispute.created")


@dataclass(frozen=True)
class Known:
    """A payment as an event finds it: what tells that it is this one, and what began it."""

    sale: SaleIds
    session_id: str | None
    intent_id: str | None
    request_id: str | None
    success_url: str | None

    @property
    def id(self) -> int:
        """The payment's number."""
        return self.sale.payment_id

    def made(self, sale: SaleIds | None, success_url: str | None) -> bool:
        """Whether a session with these was made here, and for this payment."""
        return sale == self.sale and may_be_one(self.success_url, success_url)


def _to_known(*row: Any) -> Known:
    return Known(SaleIds(*row[:5]), *row[5:])


def _known_by(column: Any) -> Prepared:
    def build() -> Any:
        return select(
            Payment.id,
            Payment.bid_id,
            Payment.artwork_id,
            Payment.buyer_id,
            Payment.seller_id,
            Payment.stripe_session_id,
            Payment.stripe_payment_intent_id,
            Payment.request_id,
            Payment.checkout_params["success_url"].as_string(),
        ).where(column == bindparam("value"))

    return Prepared(build, _to_known)


_BY_SESSION = _known_by(Payment.stripe_session_id)
_BY_INTENT = _known_by(Payment.stripe_payment_intent_id)
_BY_NUMBER = _known_by(Payment.id)


def found_payment(event: SignedEvent) -> Known | None:
    """The payment that an event is about, by Stripe's ids or by all of the sale's own numbers.

    It is not locked: whatever changes it reads it again.
    """
    thing = event.thing
    kind = thing.get("object")
    intent = _intent_of(thing)
    found: Known | None = None
    if kind == "checkout.session":
        found = _BY_SESSION.read(value=str(thing.get("id")))
    if found is None and intent:
        found = _BY_INTENT.read(value=str(intent))
    sale = read_sale(thing)
    if found is None and sale is not None:
        found = _BY_NUMBER.read(value=sale.payment_id)
        if found is not None and not (
            found.made(sale, thing.get("success_url")) and _may_have(found, kind, intent)
        ):
            found = None
    return found


def _intent_of(thing: dict[str, Any]) -> str | None:
    """The number of the payment intent that an object is, or belongs to."""
    intent = (
        thing.get("id") if thing.get("object") == "payment_intent" else thing.get("payment_intent")
    )
    if isinstance(intent, dict):
        intent = intent.get("id")
    return None if intent is None else str(intent)


def _may_have(found: Known, kind: Any, intent: Any) -> bool:
    return kind == "checkout.session" or found.intent_id in (None, intent)


def payment_numbered(payment_id: int) -> Known | None:
    """The payment with that number, not locked."""
    found: Known | None = _BY_NUMBER.read(value=payment_id)
    return found


def is_made_elsewhere(event: SignedEvent, found: Known) -> bool:
    """Whether another installation's sale, with the same numbers as ours, is what this is about.

    Only a session tells who made it. Where Stripe gives none, the numbers have to be enough.
    """
    intent = _intent_of(event.thing)
    if event.type not in _ABOUT_MONEY or found.intent_id is not None or intent is None:
        return False
    try:
        made = gateway().list_sessions_of(intent)
    except (GatewayUnavailable, GatewayRefused) as away:
        log.warning("webhook %s: whose it is could not be asked of Stripe (%s)", event.id, away)
        return False
    return bool(made) and not any(found.made(word.sale, word.success_url) for word in made)
