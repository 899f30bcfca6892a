"""Placing a bid: one transaction; the first that reaches the threshold reserves the artwork."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.artworks.models import Artwork
from app.artworks.states import ArtworkEvent, ArtworkStatus, move_artwork
from app.bidding import rules
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.access import AccountSuspended, Viewer
from app.core.audit import record_audit
from app.core.errors import NotFound, Unavailable
from app.core.events import ArtworkReserved, BidOutbid, record
from app.core.transaction import transaction
from app.payments import service as payments

# A bid that failed both guards and yet finds no reason lost to a change in between: look again.
_LOOKS = 3


@dataclass(frozen=True)
class BidOutcome:
    """What became of an offer; `payment_id` for a winner."""

    bid_id: int
    artwork_id: int
    amount_cents: int
    status: BidStatus
    created_at: datetime
    payment_id: int | None = None
    deadline_at: datetime | None = None

    @property
    def won(self) -> bool:
        """Whether this bid reserved the artwork."""
        return self.status == BidStatus.WON


def place_bid(bidder: Viewer, artwork_id: int, amount_cents: int) -> BidOutcome:
    """Record an offer; the first to reach the threshold reserves the artwork.

    A losing offer costs one guarded UPDATE and two INSERTs, the same however near it was.
    Raises NotFound, or one of `rules` saying why the offer was refused.
    """
    if bidder.is_admin:
        raise rules.AdministratorsDoNotBid
    with transaction() as session:
        for _ in range(_LOOKS):
            moment = clock.now()
            open_to_it = _open_to(bidder.id, artwork_id, amount_cents, moment)
            outcome = _lose(session, bidder, artwork_id, amount_cents, moment, open_to_it)
            if outcome is None:
                outcome = _win(session, bidder, artwork_id, amount_cents, moment, open_to_it)
            if outcome is not None:
                return outcome
            _say_why(session, bidder, artwork_id, amount_cents, moment)
    raise Unavailable("The artwork is changing right now. Try again.")


def _open_to(
    bidder_id: int, artwork_id: int, amount_cents: int, moment: datetime
) -> list[ColumnElement[bool]]:
    """The guard of both outcomes: everything but the threshold."""
    return [
        Artwork.id == artwork_id,
        Artwork.status == ArtworkStatus.ACTIVE,
        or_(Artwork.end_at.is_(None), Artwork.end_at > moment),
        Artwork.seller_id != bidder_id,
        or_(Artwork.highest_bid_cents.is_(None), Artwork.highest_bid_cents < amount_cents),
        ~exists().where(
            Bid.bidder_id == bidder_id,
            Bid.artwork_id == artwork_id,
            Bid.status == BidStatus.RELEASED,
        ),
        exists().where(
            User.id == bidder_id,
            User.active,
            or_(User.bidding_suspended_until.is_(None), User.bidding_suspended_until <= moment),
        ),
    ]


def _lose(
    session: Session,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    moment: datetime,
    guard: list[ColumnElement[bool]],
) -> BidOutcome | None:
    row = session.execute(
        update(Artwork)
        .where(*guard, Artwork.threshold_cents > amount_cents)
        .values(
            highest_bid_cents=amount_cents,
            bid_count=Artwork.bid_count + 1,
            updated_at=moment,
        )
        .returning(Artwork.bid_count)
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        return None
    bid_id = _write_bid(session, bidder, artwork_id, amount_cents, BidStatus.OUTBID, moment)
    record(session, BidOutbid(artwork_id, amount_cents, row.bid_count))
    return BidOutcome(bid_id, artwork_id, amount_cents, BidStatus.OUTBID, moment)


def _win(
    session: Session,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    moment: datetime,
    guard: list[ColumnElement[bool]],
) -> BidOutcome | None:
    row: Any = session.execute(
        update(Artwork)
        .where(*guard, Artwork.threshold_cents <= amount_cents)
        .values(status=move_artwork(ArtworkStatus.ACTIVE, ArtworkEvent.BID_WON), updated_at=moment)
        .returning(Artwork.title, Artwork.seller_id)
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        return None
    bid_id = _write_bid(session, bidder, artwork_id, amount_cents, BidStatus.WON, moment)
    payment = payments.open_payment(
        session,
        bid_id=bid_id,
        artwork_id=artwork_id,
        artwork_title=row.title,
        buyer_id=bidder.id,
        buyer_email=bidder.email,
        seller_id=row.seller_id,
        amount_cents=amount_cents,
        moment=moment,
    )
    record_audit(session, "artwork.reserved", "artwork", artwork_id, bidder.id, bid_id=bid_id)
    record(
        session,
        ArtworkReserved(
            artwork_id=artwork_id,
            artwork_title=row.title,
            bid_id=bid_id,
            payment_id=payment.id,
            buyer_id=bidder.id,
            seller_id=row.seller_id,
            amount_cents=amount_cents,
            deadline_at=payment.deadline_at,
        ),
    )
    return BidOutcome(
        bid_id,
        artwork_id,
        amount_cents,
        BidStatus.WON,
        moment,
        payment.id,
        payment.deadline_at,
    )


def _write_bid(
    session: Session,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    status: BidStatus,
    moment: datetime,
) -> int:
    bid_id = session.execute(
        insert(Bid)
        .values(
            artwork_id=artwork_id,
            bidder_id=bidder.id,
            amount_cents=amount_cents,
            status=status,
            created_at=moment,
        )
        .returning(Bid.id)
    ).scalar_one()
    record_audit(session, "bid.placed", "bid", bid_id, bidder.id, artwork_id=artwork_id)
    return bid_id


def _say_why(
    session: Session, bidder: Viewer, artwork_id: int, amount_cents: int, moment: datetime
) -> None:
    """Raise the reason for a refusal; return when there is none any more."""
    artwork: Any = session.execute(
        select(Artwork.status, Artwork.end_at, Artwork.seller_id, Artwork.highest_bid_cents).where(
            Artwork.id == artwork_id
        )
    ).first()
    if artwork is None:
        raise NotFound
    if artwork.seller_id == bidder.id:
        raise rules.OwnArtwork
    person: Any = session.execute(
        select(User.active, User.bidding_suspended_until).where(User.id == bidder.id)
    ).one()
    if not person.active:
        raise AccountSuspended
    until = person.bidding_suspended_until
    if until is not None and until > moment:
        raise rules.BiddingSuspended(f"{until:%d %B %Y, %H:%M} UTC")
    if artwork.status != ArtworkStatus.ACTIVE:
        raise rules.ArtworkNotActive(artwork.status.value)
    if artwork.end_at is not None and artwork.end_at <= moment:
        raise rules.ArtworkNotActive(ArtworkStatus.EXPIRED.value)
    if _has_defaulted(session, bidder.id, artwork_id):
        raise rules.AlreadyDefaulted
    if artwork.highest_bid_cents is not None and artwork.highest_bid_cents >= amount_cents:
        raise rules.BidTooLow(artwork.highest_bid_cents)


def _has_defaulted(session: Session, bidder_id: int, artwork_id: int) -> bool:
    return bool(
        session.scalar(
            select(
                exists().where(
                    Bid.bidder_id == bidder_id,
                    Bid.artwork_id == artwork_id,
                    Bid.status == BidStatus.RELEASED,
                )
            )
        )
    )
