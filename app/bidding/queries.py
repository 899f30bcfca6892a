"""Reading bids. What is public of a bid says nothing of who made it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.artworks.models import Artwork
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.core.secrets import keyed_digest
from app.payments import queries as payments
from app.payments.queries import PaymentView

# Without the letters and digits that look alike.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class PublicBid:
    """A losing bid as anyone may see it; `bidder` is a pseudonym, stable for one artwork."""

    amount_cents: int
    bidder: str
    created_at: datetime


@dataclass(frozen=True)
class MyBid:
    """A bid as its own bidder sees it."""

    id: int
    artwork_id: int
    artwork_title: str
    amount_cents: int
    status: BidStatus
    created_at: datetime
    payment: PaymentView | None

    @property
    def is_winning(self) -> bool:
        """Whether it reserved or bought the artwork."""
        return self.status == BidStatus.WON


def pseudonym(artwork_id: int, bidder_id: int) -> str:
    """A bidder's name on one artwork, which cannot be traced to them or to other artworks."""
    digest = keyed_digest(current_app.config["SECRET_KEY"], "bidder", artwork_id, bidder_id)
    number = int(digest[:16], 16)
    letters = ""
    for _ in range(5):
        number, rest = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[rest]
    return f"Bidder {letters}"


def losing_bids(artwork_id: int, page: int, per_page: int) -> Page[PublicBid]:
    """The losing bids on an artwork, newest first. Winning and released ones are never there."""
    found = paginate(
        select(Bid.amount_cents, Bid.bidder_id, Bid.created_at, Bid.id)
        .where(Bid.artwork_id == artwork_id, Bid.status == BidStatus.OUTBID)
        .order_by(Bid.id.desc()),
        page,
        per_page,
    )
    return found.map(
        lambda row: PublicBid(
            row.amount_cents, pseudonym(artwork_id, row.bidder_id), row.created_at
        )
    )


def my_bids(bidder_id: int, page: int, per_page: int) -> Page[MyBid]:
    """A person's own bids, newest first, each with the payment it owes or owed."""
    found = paginate(
        select(Bid, Artwork.title)
        .join(Artwork, Artwork.id == Bid.artwork_id)
        .where(Bid.bidder_id == bidder_id)
        .order_by(Bid.id.desc()),
        page,
        per_page,
    )
    owed = payments.payments_of_bids(
        [bid.id for bid, _ in found.items if bid.status != BidStatus.OUTBID]
    )

    def own(row: Any) -> MyBid:
        bid, title = row
        return MyBid(
            id=bid.id,
            artwork_id=bid.artwork_id,
            artwork_title=title,
            amount_cents=bid.amount_cents,
            status=bid.status,
            created_at=bid.created_at,
            payment=owed.get(bid.id),
        )

    return found.map(own)


def latest_own_bid(artwork_id: int, bidder_id: int) -> MyBid | None:
    """A person's newest bid on an artwork, if they made one."""
    row = db.session.execute(
        select(Bid, Artwork.title)
        .join(Artwork, Artwork.id == Bid.artwork_id)
        .where(Bid.artwork_id == artwork_id, Bid.bidder_id == bidder_id)
        .order_by(Bid.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    bid, title = row
    return MyBid(bid.id, artwork_id, title, bid.amount_cents, bid.status, bid.created_at, None)
