"""Everything that live updates may say, and to whom. Pure.

What is not a field of a class here cannot be sent: no threshold, no name, and to the public no
amount of a win before the sale.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from app.core import clock, money

WATCHED_AT_MOST = 200
LARGEST_ID = 2**63 - 1


def artwork_room(artwork_id: int) -> str:
    """The room of everybody who watches an artwork."""
    return f"artwork:{artwork_id}"


def user_room(user_id: int) -> str:
    """The room of one person's sockets."""
    return f"user:{user_id}"


def token_room(token_id: int) -> str:
    """The room of the sockets that one sign-in opened."""
    return f"token:{token_id}"


def read_artwork_id(message: Any) -> int:
    """The id in a `watch` or `unwatch` message; raises ValueError that says what is wrong."""
    artwork_id = message.get("artwork_id") if isinstance(message, dict) else None
    if not isinstance(artwork_id, int) or isinstance(artwork_id, bool):
        raise ValueError("artwork_id must be a whole number")
    if not 1 <= artwork_id <= LARGEST_ID:
        raise ValueError(f"artwork_id must be from 1 to {LARGEST_ID}")
    return artwork_id


@dataclass(frozen=True)
class LiveEvent:
    """One message. Amounts are whole cents and moments aware until `payload` writes them out."""

    name: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """The fields as they go out; those that are None and may be left out are."""
        sent = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in self._addresses or (value is None and field.name in self._optional):
                continue
            if isinstance(value, datetime):
                value = clock.iso(value)
            elif field.name in self._amounts and value is not None:
                value = money.amount_text(value)
            sent[field.name] = value
        return sent

    _addresses: ClassVar[frozenset[str]] = frozenset()
    _optional: ClassVar[frozenset[str]] = frozenset()
    _amounts: ClassVar[frozenset[str]] = frozenset({"amount", "current_highest_bid", "sold_price"})

    @property
    def room(self) -> str:
        """Who hears it."""
        raise NotImplementedError


@dataclass(frozen=True)
class _ToWatchers(LiveEvent):
    """To everybody who watches the artwork."""

    artwork_id: int

    @property
    def room(self) -> str:
        return artwork_room(self.artwork_id)


@dataclass(frozen=True)
class NewBid(_ToWatchers):
    """A losing bid is the highest now."""

    name = "new_bid"
    current_highest_bid: int
    bid_count: int


@dataclass(frozen=True)
class ArtworkStatus(_ToWatchers):
    """The artwork's public state changed."""

    name = "artwork_status"
    _optional = frozenset({"sold_price"})
    status: str
    sold_price: int | None = None


@dataclass(frozen=True)
class PaymentCompleted(_ToWatchers):
    """The artwork is paid."""

    name = "payment_completed"
    status: str = "SOLD"


@dataclass(frozen=True)
class _ToPerson(LiveEvent):
    """To one person alone."""

    _addresses = frozenset({"user_id"})
    user_id: int

    @property
    def room(self) -> str:
        return user_room(self.user_id)


@dataclass(frozen=True)
class PaymentRequired(_ToPerson):
    """To the winner: pay now."""

    name = "payment_required"
    artwork_id: int
    bid_id: int
    payment_id: int
    amount: int
    pay_url: str
    expires_at: datetime


@dataclass(frozen=True)
class PaymentFailed(_ToPerson):
    """To the winner: the card was declined."""

    name = "payment_failed"
    artwork_id: int
    payment_id: int
    reason: str


@dataclass(frozen=True)
class PaymentReleased(_ToPerson):
    """To the winner: the artwork was released, nothing was charged."""

    name = "payment_released"
    artwork_id: int
    payment_id: int
    reason: str


@dataclass(frozen=True)
class SalePending(_ToPerson):
    """To the seller: won, not paid yet."""

    name = "sale_pending"
    artwork_id: int
    payment_id: int
    amount: int
    expires_at: datetime


@dataclass(frozen=True)
class SaleCompleted(_ToPerson):
    """To the seller: sold and paid."""

    name = "sale_completed"
    artwork_id: int
    payment_id: int
    amount: int


@dataclass(frozen=True)
class SaleReleased(_ToPerson):
    """To the seller: the winner did not pay."""

    name = "sale_released"
    artwork_id: int
    payment_id: int
    reason: str
