"""The statements behind a bid. Its guarded UPDATE is the lock, the guard and the judge in one."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    exists,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)

from app.accounts.models import AccessToken, User
from app.accounts.queries import is_live
from app.accounts.states import Role
from app.artworks.models import Artwork
from app.artworks.states import ArtworkEvent, ArtworkStatus, move_artwork
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core.audit import AuditLog
from app.core.columns import Identifier, Moment
from app.core.statements import Prepared
from app.payments.service import recovery_is_on

BID_PLACED = "bid.placed"

_artwork_id = bindparam("for_artwork", type_=Identifier)
_bidder_id = bindparam("for_bidder", type_=Identifier)
_token_id = bindparam("by_token", type_=Identifier)
_amount = bindparam("amount", type_=Artwork.highest_bid_cents.type)
_moment = bindparam("moment", type_=Moment())

_DEFAULTED = exists().where(
    Bid.bidder_id == _bidder_id,
    Bid.artwork_id == _artwork_id,
    # A literal: with a parameter, the plan that PostgreSQL keeps for all bids cannot use the index
    # of released ones, and goes through the bidder's bids.
    Bid.status == literal_column(f"'{BidStatus.RELEASED}'", Bid.status.type),
)
# The bidder may have been known from up to a minute ago.
_SIGNED_IN = exists().where(
    AccessToken.id == _token_id, AccessToken.user_id == _bidder_id, is_live(_moment)
)
_MAY_BID = exists().where(
    User.id == _bidder_id,
    User.active,
    User.role != Role.ADMIN,
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
    _SIGNED_IN,
    _MAY_BID,
    ~recovery_is_on(),
]


def _take_bid() -> Any:
    """One row, changed as the bid's outcome wants it, or none when the guard refuses it."""
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


def _take_losing_bid() -> Any:
    """As `_take_bid`, but no row either for an offer that reaches the threshold.

    Every offer meets it first: what a losing one costs tells nothing of how near it was. It leaves
    the status alone: SQLite rewrites the indexes of whatever is set, also to what it was.
    """
    works: Any = Artwork.__table__
    return (
        update(works)
        .where(*_GUARD, works.c.threshold_cents > _amount)
        .values(highest_bid_cents=_amount, bid_count=works.c.bid_count + 1, updated_at=_moment)
        .returning(works.c.bid_count)
    )


_BID = ("artwork_id", "bidder_id", "amount_cents", "status", "created_at")


def _write_bid() -> Any:
    bids: Any = Bid.__table__
    return insert(bids).values({name: bindparam(name) for name in _BID}).returning(bids.c.id)


def _lose_bid() -> Any:
    """All that a losing bid writes; no row and nothing written when it is not one.

    PostgreSQL carries out each part once, whether or not anybody reads what it returns
    (postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING).
    """
    bids: Any = Bid.__table__
    logs: Any = AuditLog.__table__
    lost = literal(BidStatus.OUTBID, bids.c.status.type)
    taken = _take_losing_bid().cte("taken")
    written = (
        insert(bids)
        .from_select(
            _BID, select(_artwork_id, _bidder_id, _amount, lost, _moment).select_from(taken)
        )
        .returning(bids.c.id)
        .cte("written")
    )
    noted = insert(logs).from_select(
        ("action", "resource_type", "resource_id", "user_id", "details", "created_at"),
        select(
            literal(BID_PLACED, logs.c.action.type),
            literal("bid", logs.c.resource_type.type),
            written.c.id,
            _bidder_id,
            bindparam("details", type_=logs.c.details.type),
            _moment,
        ),
    )
    return (
        select(taken.c.bid_count, written.c.id)
        .join_from(taken, written, true())
        .add_cte(noted.cte("noted"))
    )


def _facts() -> Any:
    """What a refusal is told from: the bidder, an artwork if there is one, and what is between."""
    return (
        select(
            Artwork.status,
            Artwork.end_at,
            Artwork.seller_id,
            Artwork.highest_bid_cents,
            User.active,
            User.role,
            User.bidding_suspended_until,
            _SIGNED_IN.label("signed_in"),
            _DEFAULTED.label("defaulted"),
            recovery_is_on().label("recovering"),
        )
        .select_from(User)
        .outerjoin(Artwork, Artwork.id == _artwork_id)
        .where(User.id == _bidder_id)
    )


TAKE_BID = Prepared(_take_bid)
TAKE_LOSING_BID = Prepared(_take_losing_bid)
WRITE_BID = Prepared(_write_bid)
LOSE_BID = Prepared(_lose_bid)
FACTS = Prepared(_facts)
