"""Reading bids. What is public of a bid says nothing of who made it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import BigInteger, ColumnElement, Integer, Select, bindparam, select

from app.accounts.models import User
from app.artworks import queries as artworks
from app.artworks.models import Artwork
from app.artworks.queries import ArtworkView
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core.access import Viewer
from app.core.extensions import db
from app.core.paging import Page, long_total, paginate, row_count, up_to
from app.core.reads import Read
from app.core.secrets import keyed_digest
from app.payments import queries as payments
from app.payments.queries import PaymentView

# Without the letters and digits that look alike.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class PublicBid(NamedTuple):
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


@dataclass(frozen=True)
class Standing:
    """Where a person stands with an artwork: until when they may not bid, and their newest bid."""

    bidding_suspended_until: datetime | None
    amount_cents: int | None
    status: BidStatus | None


def pseudonym(artwork_id: int, bidder_id: int) -> str:
    """A bidder's name on one artwork, which cannot be traced to them or to other artworks."""
    return _pseudonym(current_app.config["SECRET_KEY"], artwork_id, bidder_id)


@lru_cache(10_000)
def _pseudonym(secret_key: str, artwork_id: int, bidder_id: int) -> str:
    digest = keyed_digest(secret_key, "bidder", artwork_id, bidder_id)
    number = int(digest[:16], 16)
    letters = ""
    for _ in range(5):
        number, rest = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[rest]
    return f"Bidder {letters}"


def _losing() -> ColumnElement[bool]:
    on_artwork = Bid.artwork_id == bindparam("artwork_id", type_=BigInteger)
    return on_artwork & (Bid.status == BidStatus.OUTBID)


def _all_losing() -> Select[Any]:
    return select(Bid.id).where(_losing())


def _losing_bids() -> Select[Any]:
    total = up_to(_all_losing()).correlate(None).scalar_subquery()
    return (
        select(total, Bid.amount_cents, Bid.bidder_id, Bid.created_at)
        .where(_losing())
        .order_by(Bid.id.desc())
        .limit(bindparam("limit", type_=Integer))
        .offset(bindparam("offset", type_=Integer))
    )


_LOSING_BIDS: Read[tuple[int, int, int, datetime]] = Read(_losing_bids, lambda *cells: cells)
_COUNTED: Read[int] = Read(lambda: up_to(_all_losing()), int)
_TOTAL: Read[int] = Read(lambda: row_count(_all_losing()), int)


def losing_bids(artwork_id: int, page: int, per_page: int) -> Page[PublicBid]:
    """The losing bids on an artwork, newest first. Winning and released ones are never there."""
    rows = _LOSING_BIDS.all(artwork_id=artwork_id, limit=per_page, offset=(page - 1) * per_page)
    # Behind the end there is no row that could tell how many they are.
    counted = rows[0][0] if rows else 0 if page == 1 else _COUNTED.all(artwork_id=artwork_id)[0]
    total = long_total(
        ("losing", artwork_id),
        counted,
        lambda: _TOTAL.all(artwork_id=artwork_id)[0],
        page,
        per_page,
        len(rows),
    )
    key = current_app.config["SECRET_KEY"]
    shown = tuple(
        [
            PublicBid(cents, _pseudonym(key, artwork_id, bidder_id), at)
            for _, cents, bidder_id, at in rows
        ]
    )
    return Page(shown, page, per_page, total)


def _standing() -> tuple[ColumnElement[Any], ...]:
    person = bindparam("viewer_id", type_=BigInteger)
    until = select(User.bidding_suspended_until).where(User.id == person)
    artwork = bindparam("artwork_id", type_=BigInteger)

    def of_newest(column: Any) -> ColumnElement[Any]:
        own = select(column).where(Bid.artwork_id == artwork, Bid.bidder_id == person)
        return own.order_by(Bid.id.desc()).limit(1).scalar_subquery()

    # A scalar each: joins would have to be known to whoever selects the artwork.
    return until.scalar_subquery(), of_newest(Bid.amount_cents), of_newest(Bid.status)


_WITH_STANDING = artworks.ArtworkWith(_standing, Standing)


def artwork_and_standing(artwork_id: int, person: Viewer) -> tuple[ArtworkView, Standing]:
    """An artwork, and where a person stands with it; raises NotFound."""
    return _WITH_STANDING.find(artwork_id, person)


def my_bids(bidder_id: int, page: int, per_page: int) -> Page[MyBid]:
    """A person's own bids, newest first, each with the payment it owes or owed."""
    bids = select(Bid).where(Bid.bidder_id == bidder_id)
    found = paginate(
        bids.add_columns(Artwork.title)
        .join(Artwork, Artwork.id == Bid.artwork_id)
        .order_by(Bid.id.desc()),
        page,
        per_page,
        counted_by=bids,
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
