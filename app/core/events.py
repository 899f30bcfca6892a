"""Facts that one package states and others act upon, without the first knowing the second.

A service calls `record` inside its transaction. Listeners of the first kind run at once, in the
same transaction (the mail owed is written there, or nothing is). Listeners of the second kind run
after the commit and carry hints only (jobs, live updates): losing one loses nothing that is owed.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import jobs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened, stated in the past tense."""


@dataclass(frozen=True)
class BidOutbid(Event):
    """A losing bid was recorded and is now the highest."""

    artwork_id: int
    highest_bid_cents: int
    bid_count: int


@dataclass(frozen=True)
class ArtworkReserved(Event):
    """A bid reached the threshold; its bidder now owes a payment."""

    artwork_id: int
    artwork_title: str
    bid_id: int
    payment_id: int
    buyer_id: int
    seller_id: int
    amount_cents: int
    deadline_at: datetime


@dataclass(frozen=True)
class CheckoutReady(Event):
    """The page where a win is paid was made while nobody waited for it."""

    artwork_id: int
    bid_id: int
    payment_id: int
    buyer_id: int
    amount_cents: int
    deadline_at: datetime


@dataclass(frozen=True)
class ArtworkStatusChanged(Event):
    """An artwork's public state changed by other means than a bid or a payment."""

    artwork_id: int
    status: str


@dataclass(frozen=True)
class ArtworkExpired(Event):
    """An artwork's end date passed without a sale."""

    artwork_id: int
    artwork_title: str
    seller_id: int


@dataclass(frozen=True)
class PaymentDeclined(Event):
    """The card was refused; the buyer may try again until the deadline.

    `occurrence` tells this decline from others of the same payment (Stripe's event id).
    """

    payment_id: int
    artwork_id: int
    artwork_title: str
    buyer_id: int
    amount_cents: int
    reason: str
    deadline_at: datetime
    occurrence: str


@dataclass(frozen=True)
class PaymentReleased(Event):
    """A win was not paid; the artwork is free again (`artwork_status` says how)."""

    payment_id: int
    bid_id: int
    artwork_id: int
    artwork_title: str
    artwork_status: str
    buyer_id: int
    seller_id: int
    amount_cents: int
    reason: str


@dataclass(frozen=True)
class SaleCompleted(Event):
    """The payment was captured and the artwork is sold."""

    payment_id: int
    artwork_id: int
    artwork_title: str
    buyer_id: int
    seller_id: int
    amount_cents: int
    paid_at: datetime


@dataclass(frozen=True)
class AttentionRaised(Event):
    """Something about money needs a person."""

    attention_id: int
    kind: str
    payment_id: int | None
    detail: str


@dataclass(frozen=True)
class PasswordResetRequested(Event):
    """Somebody asked for a link to choose a new password."""

    reset_id: int
    user_id: int
    email: str
    name: str


@dataclass(frozen=True)
class SignedOut(Event):
    """Sign-ins were ended: one (`token_id`), or all of the user's."""

    user_id: int
    token_id: int | None


@dataclass(frozen=True)
class UserSuspended(Event):
    """An administrator suspended an account."""

    user_id: int


@dataclass(frozen=True)
class MailOwed(Event):
    """An e-mail was written to the outbox."""

    email_id: int


InTransaction = Callable[[Session, Any], None]
AfterCommit = Callable[[Any], None]

_in_transaction: dict[type[Event], list[InTransaction]] = {}
_after_commit: dict[type[Event], list[AfterCommit]] = {}


def on_record(kind: type[Event], listener: InTransaction) -> None:
    """Call `listener(session, event)` inside the transaction that records such an event."""
    listeners = _in_transaction.setdefault(kind, [])
    if listener not in listeners:
        listeners.append(listener)


def after_commit(kind: type[Event], listener: AfterCommit) -> None:
    """Call `listener(event)` once the transaction that recorded such an event is durable."""
    listeners = _after_commit.setdefault(kind, [])
    if listener not in listeners:
        listeners.append(listener)


def record(session: Session, event: Event) -> None:
    """State a fact inside the running transaction."""
    session.info["events"].append(event)
    for listener in _in_transaction.get(type(event), []):
        listener(session, event)


def publish(events: list[Event]) -> None:
    """Tell the after-commit listeners. A listener that fails is logged; the rest are told."""
    with jobs.together():
        for event in events:
            for listener in _after_commit.get(type(event), []):
                try:
                    listener(event)
                except Exception:
                    # What is durable stays done: a hint that cannot be given must not undo the
                    # answer.
                    log.exception("a listener of %s failed", type(event).__name__)
