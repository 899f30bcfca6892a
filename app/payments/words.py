"""What Stripe says, in the product's own types. Pure.

Facts: docs.stripe.com/api/checkout/sessions/object, docs.stripe.com/api/events/object.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

# docs.stripe.com/upgrades, on what may be stored of an object's id
LONGEST_ID = 255


@dataclass(frozen=True)
class SaleIds:
    """Which sale an object at Stripe belongs to, by the metadata that we gave it.

    All five together: another installation on the same Stripe account counts its payments too. One
    that began with the same database may have the very same; its sessions lead back to another
    address.
    """

    payment_id: int
    bid_id: int
    artwork_id: int
    buyer_id: int
    seller_id: int


@dataclass(frozen=True)
class CheckoutSession:
    """A Checkout Session as Stripe describes it; amounts in cents."""

    id: str
    status: str
    payment_status: str
    url: str | None
    amount_cents: int | None
    currency: str | None
    livemode: bool
    payment_intent_id: str | None
    charge_id: str | None
    sale: SaleIds | None
    success_url: str | None
    funds_failed: bool


@dataclass(frozen=True)
class ListedSession:
    """A session as a list of all shows it."""

    word: CheckoutSession
    created_at: datetime
    buyer_email: str | None


@dataclass(frozen=True)
class SignedEvent:
    """An event that is Stripe's for certain: signed, or asked for. `thing` is its `data.object`."""

    id: str
    type: str
    livemode: bool
    thing: dict[str, Any]
    payload: dict[str, Any]


def may_be_one(known: str | None, told: str | None) -> bool:
    """Whether two addresses are the same, as far as both are there."""
    return None in (known, told) or known == told


def read_listed(data: dict[str, Any]) -> ListedSession:
    """A session object with what only a search for lost sales needs."""
    details = data.get("customer_details")
    found: dict[str, Any] = details if isinstance(details, dict) else {}
    email = data.get("customer_email") or found.get("email")
    return ListedSession(
        word=read_session(data),
        created_at=datetime.fromtimestamp(int(data["created"]), UTC),
        buyer_email=None if email is None else str(email),
    )


def read_event(payload: dict[str, Any]) -> SignedEvent:
    """An event object in our words; raises KeyError, TypeError or ValueError when it is none."""
    if len(str(payload["id"])) > LONGEST_ID:
        raise ValueError("the id is longer than any of Stripe's")
    return SignedEvent(
        id=str(payload["id"]),
        type=str(payload["type"]),
        livemode=bool(payload.get("livemode")),
        thing=dict(payload["data"]["object"]),
        payload=payload,
    )


def read_session(data: dict[str, Any]) -> CheckoutSession:
    """A session object of the API, or of an event, in our words."""
    intent = data.get("payment_intent")
    expanded: dict[str, Any] = intent if isinstance(intent, dict) else {}
    intent_id = expanded.get("id") if expanded else intent
    return CheckoutSession(
        id=str(data["id"]),
        status=str(data.get("status")),
        payment_status=str(data.get("payment_status")),
        url=data.get("url"),
        amount_cents=data.get("amount_total"),
        currency=data.get("currency"),
        livemode=bool(data.get("livemode")),
        payment_intent_id=intent_id,
        charge_id=_identifier(expanded.get("latest_charge")),
        sale=read_sale(data),
        success_url=data.get("success_url"),
        funds_failed=expanded.get("status") in ("requires_payment_method", "canceled"),
    )


def read_sale(data: dict[str, Any]) -> SaleIds | None:
    """The sale that an object's metadata names; None when it names none, or not completely."""
    metadata = data.get("metadata")
    if not isinstance(metadata, dict):
        return None
    texts = [str(metadata.get(each.name, "")) for each in fields(SaleIds)]
    if not all(text.isascii() and text.isdigit() and len(text) < 18 for text in texts):
        return None
    return SaleIds(*map(int, texts))


def _identifier(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else value
    return None if found is None else str(found)
