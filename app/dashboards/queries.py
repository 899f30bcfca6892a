"""What a seller's business comes to: numbers, days, and the story of each artwork."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from app.accounts.models import User
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.bidding import service as bidding
from app.bidding.models import Bid
from app.bidding.queries import pseudonym
from app.bidding.states import BidStatus
from app.core import days as calendar
from app.core.audit import AuditLog
from app.core.extensions import db
from app.core.money import usd
from app.core.transaction import reading_through
from app.payments.models import Payment
from app.payments.queries import counts_against_buyer
from app.payments.states import CAPTURED, Release

DAYS_SHOWN = 30
_STORY_ENTRIES = 200
_SALES_AT_A_TIME = 500
WHAT_IF_FLOOR = 5


@dataclass(frozen=True)
class SellerNumbers:
    """A seller's totals. Revenue is what buyers paid, less what was refunded.

    Unpaid wins are those that count against a buyer.
    """

    artworks: dict[ArtworkStatus, int]
    revenue_cents: int
    unpaid_wins: int


@dataclass(frozen=True)
class Day:
    """One day in UTC."""

    day: date
    bids: int
    revenue_cents: int


@dataclass(frozen=True)
class StoryEntry:
    """Something that happened to an artwork, in words.

    `tone` is what it means for the sale: `quiet`, `info`, `hold`, `good` or `bad`.
    """

    at: datetime
    text: str
    tone: str = "quiet"


@dataclass(frozen=True)
class Sale:
    """An artwork that was paid for, and who paid: they are the seller's to serve now."""

    artwork_title: str
    buyer_name: str
    buyer_email: str
    amount_cents: int
    refunded_cents: int
    sold_at: datetime
    payment_id: int


@dataclass(frozen=True)
class WhatIf:
    """How many of an artwork's bids would have reached another hidden minimum.

    `reached` is None while there are too few bids for the answer to say anything.
    """

    minimum_cents: int
    bids: int
    reached: int | None


def seller_numbers(seller_id: int) -> SellerNumbers:
    """The totals of one seller."""
    counted = db.session.execute(
        select(Artwork.status, func.count())
        .where(Artwork.seller_id == seller_id)
        .group_by(Artwork.status)
    ).all()
    revenue = db.session.scalar(
        select(func.sum(Payment.amount_cents - Payment.refunded_cents)).where(
            Payment.seller_id == seller_id, Payment.status.in_(CAPTURED)
        )
    )
    unpaid = db.session.scalar(
        select(func.count()).where(Payment.seller_id == seller_id, counts_against_buyer())
    )
    return SellerNumbers(
        dict.fromkeys(ArtworkStatus, 0) | {status: int(count) for status, count in counted},
        int(revenue or 0),
        int(unpaid or 0),
    )


def seller_days(seller_id: int, days: int = DAYS_SHOWN) -> list[Day]:
    """Bids on a seller's artworks and revenue for each of the last days, today last."""
    shown = calendar.last_days(days)
    since = calendar.begin(shown[0])
    bids = bidding.bids_by_day(days, seller_id)
    rows = db.session.execute(
        select(
            calendar.day_of(Payment.paid_at),
            func.sum(Payment.amount_cents - Payment.refunded_cents),
        )
        .where(Payment.seller_id == seller_id, Payment.status.in_(CAPTURED))
        .where(Payment.paid_at >= since)
        .group_by(calendar.day_of(Payment.paid_at))
    )
    revenue = {str(day): int(cents) for day, cents in rows}
    return [Day(day, bids[day], revenue.get(str(day), 0)) for day in shown]


def seller_sales(seller_id: int) -> Iterator[Sale]:
    """Everything that this seller has sold, the newest first; some at a time are in memory."""
    rows: Any = reading_through().execute(
        select(
            Artwork.title,
            User.name,
            User.email,
            Payment.amount_cents,
            Payment.refunded_cents,
            Payment.paid_at,
            Payment.id,
        )
        .join(Artwork, Artwork.id == Payment.artwork_id)
        .join(User, User.id == Payment.buyer_id)
        .where(Payment.seller_id == seller_id, Payment.status.in_(CAPTURED))
        .order_by(Payment.paid_at.desc(), Payment.id.desc()),
        execution_options={"yield_per": _SALES_AT_A_TIME},
    )
    return (Sale(*row) for row in rows)


def what_if(artwork_id: int, minimum_cents: int) -> WhatIf:
    """How many of the bids so far, whatever became of them, were at or above this amount."""
    bids, reached = db.session.execute(
        select(func.count(), func.count().filter(Bid.amount_cents >= minimum_cents)).where(
            Bid.artwork_id == artwork_id
        )
    ).one()
    return WhatIf(minimum_cents, bids, reached if bids >= WHAT_IF_FLOOR else None)


def artwork_story(artwork_id: int) -> list[StoryEntry]:
    """What happened to an artwork, newest first: at most the 200 newest entries."""
    found = [*_deeds(artwork_id), *_bids(artwork_id), *_payments(artwork_id)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:_STORY_ENTRIES]


_DEEDS = {
    "artwork.created": "Listed",
    "artwork.edited": "Listing changed",
    "artwork.withdrawn": "Withdrawn",
    "artwork.relisted": "Listed again",
    "artwork.expired": "Ended without a sale",
}


def _deeds(artwork_id: int) -> list[StoryEntry]:
    rows = db.session.execute(
        select(AuditLog.created_at, AuditLog.action)
        .where(AuditLog.resource_type == "artwork", AuditLog.resource_id == artwork_id)
        .where(AuditLog.action.in_(_DEEDS))
        .order_by(AuditLog.id.desc())
        .limit(_STORY_ENTRIES)
    )
    return [StoryEntry(at, _DEEDS[action]) for at, action in rows]


def _bids(artwork_id: int) -> list[StoryEntry]:
    rows = db.session.execute(
        select(Bid.created_at, Bid.amount_cents, Bid.bidder_id)
        .where(Bid.artwork_id == artwork_id, Bid.status == BidStatus.OUTBID)
        .order_by(Bid.id.desc())
        .limit(_STORY_ENTRIES)
    )
    return [
        StoryEntry(at, f"Bid of {usd(cents)} by {pseudonym(artwork_id, bidder_id)}", "info")
        for at, cents, bidder_id in rows
    ]


_REASONS = {
    Release.DEADLINE: "the time was up",
    Release.GAVE_UP: "the buyer gave up",
    Release.SESSION_EXPIRED: "the payment page ran out",
    Release.REFUSED: "Stripe refused it",
    Release.FUNDS_FAILED: "the funds did not arrive",
}


def _payments(artwork_id: int) -> list[StoryEntry]:
    rows: Sequence[Payment] = db.session.scalars(
        select(Payment)
        .where(Payment.artwork_id == artwork_id)
        .order_by(Payment.id.desc())
        .limit(_STORY_ENTRIES)
    ).all()
    story = []
    for row in rows:
        amount = usd(row.amount_cents)
        story.append(StoryEntry(row.created_at, f"Reserved by a bid of {amount}", "hold"))
        if row.paid_at is not None:
            story.append(StoryEntry(row.paid_at, f"Paid: {amount}", "good"))
        elif row.closed_at is not None:
            why = _REASONS.get(Release(row.failure_reason)) if row.failure_reason else None
            said = f"Not paid ({why}): {amount} released" if why else f"Not paid: {amount} released"
            story.append(StoryEntry(row.closed_at, said, "bad"))
        if row.refunded_cents:
            story.append(StoryEntry(row.updated_at, f"Refunded: {usd(row.refunded_cents)}", "bad"))
    return story
