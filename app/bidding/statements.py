"""The statements behind a bid. The first of them is the lock, the guard and the judge in one."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    exists,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)

from app.accounts.models import User
from app.artworks.models import Artwork
from app.artworks.states import ArtworkEvent, ArtworkStatus, move_artwork
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core.columns import Identifier, Moment
from app.core.statements import Prepared
from app.payments.service import recovery_is_on

_artwork_id = bindparam("for_artwork", type_=Identifier)
_bidder_id = bindparam("for_bidder", type_=Identifier)
_amount = bindparam("amount", type_=Artwork.highest_bid_cents.type)
_moment = bindparam("moment", type_=Moment())

_DEFAULTED = exists().where(
    Bid.bidder_id == _bidder_id,
    Bid.artwork_id == _artwork_id,
    # A literal: PostgreSQL finds the index of released bids without planning every bid anew.
    Bid.status == literal_column(f"'{BidStatus.RELEASED}'", Bid.status.type),
)
_MAY_BID = exists().where(
    User.id == _bidder_id,
    User.active,
    or_(User.bidding_suspended_until.is_(None), User.bidding_suspended_until <= _moment),
)
# Everything that a bid must meet but the threshold.
_GUARD: list[ColumnElement[bool]] = [
    Artwork.id == _artwork_id,
    Artwork.status == ArtworkStatus.ACTIVE,
    or_(Artwork.end_at.is_(None), Artwork.end_at > _moment),
    Artwork.seller_id != _bidder_id,
    or_(Artwork.highest_bid_cents.is_(None), Artwork.highest_bid_cents < _amount),
    ~_DEFAULTED,
    _MAY_BID,
    ~recovery_is_on(),
]


def _take_bid() -> Any:
    """One row, changed as the bid's outcome wants it, or none when the guard refuses it.

    The same statement whatever the outcome: what it costs tells nothing of the threshold.
    """
    works: Any = Artwork.__table__
    won = works.c.threshold_cents <= _amount
    reserved = move_artwork(ArtworkStatus.ACTIVE, ArtworkEvent.BID_WON)
    return (
        update(works)
        .where(*_GUARD)
        .values(
            status=case((won, reserved), else_=works.c.status),
            highest_bid_cents=case((won, works.c.highest_bid_cents), else_=_amount),
            bid_count=case((won, works.c.bid_count), else_=works.c.bid_count + 1),
            updated_at=_moment,
        )
        .returning(works.c.status, works.c.bid_count, works.c.title, works.c.seller_id)
    )


def _write_bid() -> Any:
    bids: Any = Bid.__table__
    columns = ("artwork_id", "bidder_id", "amount_cents", "status", "created_at")
    return insert(bids).values({name: bindparam(name) for name in columns}).returning(bids.c.id)


def _facts() -> Any:
    """What a refusal is told from: the artwork, the bidder, and what is between them."""
    return (
        select(
            Artwork.status,
            Artwork.end_at,
            Artwork.seller_id,
            Artwork.highest_bid_cents,
            User.active,
            User.bidding_suspended_until,
            _DEFAULTED.label("defaulted"),
            recovery_is_on().label("recovering"),
        )
        .join(User, true())
        .where(Artwork.id == _artwork_id, User.id == _bidder_id)
    )


TAKE_BID = Prepared(_take_bid)
WRITE_BID = Prepared(_write_bid)
FACTS = Prepared(_facts)
