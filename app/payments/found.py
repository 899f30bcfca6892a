"""Which payment an event of Stripe's is about."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from app.core.statements import Prepared
from app.payments.models import Payment
from app.payments.words import SaleIds, SignedEvent, may_be_one, read_sale


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
    intent = thing.get("id") if kind == "payment_intent" else thing.get("payment_intent")
    if isinstance(intent, dict):
        intent = intent.get("id")
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


def _may_have(found: Known, kind: Any, intent: Any) -> bool:
    return kind == "checkout.session" or found.intent_id in (None, intent)


def payment_numbered(payment_id: int) -> Known | None:
    """The payment with that number, not locked."""
    found: Known | None = _BY_NUMBER.read(value=payment_id)
    return found
