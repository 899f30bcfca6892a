"""Placing a bid: one transaction; the first that reaches the threshold reserves the artwork."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.accounts.states import Role
from app.artworks.states import ArtworkStatus
from app.bidding import rules, statements
from app.bidding.states import BidStatus
from app.core import clock
from app.core.access import AccountSuspended, Viewer
from app.core.audit import record_audit
from app.core.crash_points import reached
from app.core.errors import NotFound, NotSignedIn, ProductError, Unavailable
from app.core.events import ArtworkReserved, BidOutbid, record
from app.core.remembered import Remembered
from app.core.transaction import one_statement_changes_all, transact_at_once, transaction
from app.payments import service as payments

# A bid that the guard refused and that yet finds no reason lost to a change in between: again.
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

    A losing offer costs one guarded UPDATE and two INSERTs, the same however near it was. One that
    is known to come too late costs a look. Any other is looked at twice: between the looks a later
    offer may win, or the artwork may change.
    Whether the bidder is still signed in, and still may bid, is asked together with it.
    Raises NotSignedIn, AccountSuspended, NotFound, or one of `rules` saying why it was refused.
    """
    highest = _highest()
    if amount_cents <= (highest.get(artwork_id) or 0):
        # It need not wait for those who write to hear why it is refused.
        check_bid(bidder, artwork_id, amount_cents)
    outcome = _lose_at_once(bidder, artwork_id, amount_cents)
    if outcome is not None:
        highest.put(artwork_id, amount_cents)
        return outcome
    # Refused, nearly always. An offer that no reason speaks against wins below, or something
    # changed just now.
    check_bid(bidder, artwork_id, amount_cents)
    refusal: ProductError = Unavailable("The artwork is changing right now. Try again.")
    with transaction() as session:
        for _ in range(_LOOKS):
            moment = clock.now()
            taken: Any = statements.TAKE_BID.run(
                session,
                for_artwork=artwork_id,
                for_bidder=bidder.id,
                by_token=bidder.token_id,
                amount=amount_cents,
                moment=moment,
            )
            if taken is not None:
                lost = taken.status == ArtworkStatus.ACTIVE
                outcome = (_lose if lost else _win)(
                    session, bidder, artwork_id, amount_cents, moment, taken
                )
                reached("bid.before_commit")
                return outcome
            reason = _why_not(bidder, artwork_id, amount_cents, moment)
            if reason is not None:
                refusal = reason
                break
    # Raised behind the transaction, which changed nothing: to roll it back, the driver would
    # forget every statement that the database holds prepared on this connection.
    raise refusal


def init_bidding(app: Flask) -> None:
    """Have this process remember the bids that it sees."""
    app.extensions["highest_bids"] = Remembered()


def _highest() -> Remembered[int]:
    """By artwork, the cents last seen bid here, within a minute: the highest may be another."""
    seen: Remembered[int] = current_app.extensions["highest_bids"]
    return seen


def check_bid(bidder: Viewer, artwork_id: int, amount_cents: int) -> None:
    """Raise what `place_bid` would refuse this offer with now; writes nothing.

    For who is about to ask the bidder to confirm: the bid itself is judged anew.
    """
    reason = _why_not(bidder, artwork_id, amount_cents, clock.now())
    if reason is not None:
        raise reason


def _lose_at_once(bidder: Viewer, artwork_id: int, amount_cents: int) -> BidOutcome | None:
    """What becomes of an offer below the threshold; None for any other, and for a refused one."""
    moment = clock.now()
    offer = {
        "for_artwork": artwork_id,
        "for_bidder": bidder.id,
        "by_token": bidder.token_id,
        "amount": amount_cents,
        "moment": moment,
    }

    def lose(connection: Connection) -> tuple[int, int] | None:
        if one_statement_changes_all():
            lost: Any = statements.LOSE_BID.run(
                connection, **offer, details={"artwork_id": artwork_id}
            )
            return lost and (lost.id, lost.bid_count)
        taken: Any = statements.TAKE_LOSING_BID.run(connection, **offer)
        if taken is None:
            return None
        bid_id = _write_bid(connection, bidder, artwork_id, amount_cents, BidStatus.OUTBID, moment)
        reached("bid.before_commit")
        return bid_id, taken.bid_count

    lost = transact_at_once(lose, lambda lost: BidOutbid(artwork_id, amount_cents, lost[1]))
    if lost is None:
        return None
    return BidOutcome(lost[0], artwork_id, amount_cents, BidStatus.OUTBID, moment)


def _lose(
    session: Session,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    moment: datetime,
    taken: Any,
) -> BidOutcome:
    bid_id = _write_bid(session, bidder, artwork_id, amount_cents, BidStatus.OUTBID, moment)
    record(session, BidOutbid(artwork_id, amount_cents, taken.bid_count))
    return BidOutcome(bid_id, artwork_id, amount_cents, BidStatus.OUTBID, moment)


def _win(
    session: Session,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    moment: datetime,
    taken: Any,
) -> BidOutcome:
    bid_id = _write_bid(session, bidder, artwork_id, amount_cents, BidStatus.WON, moment)
    payment = payments.open_payment(
        session,
        bid_id=bid_id,
        artwork_id=artwork_id,
        artwork_title=taken.title,
        buyer_id=bidder.id,
        buyer_email=bidder.email,
        seller_id=taken.seller_id,
        amount_cents=amount_cents,
        moment=moment,
    )
    record_audit(session, "artwork.reserved", "artwork", artwork_id, bidder.id, bid_id=bid_id)
    record(
        session,
        ArtworkReserved(
            artwork_id=artwork_id,
            artwork_title=taken.title,
            bid_id=bid_id,
            payment_id=payment.id,
            buyer_id=bidder.id,
            seller_id=taken.seller_id,
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
    where: Session | Connection,
    bidder: Viewer,
    artwork_id: int,
    amount_cents: int,
    status: BidStatus,
    moment: datetime,
) -> int:
    bid_id: int = statements.WRITE_BID.run(
        where,
        artwork_id=artwork_id,
        bidder_id=bidder.id,
        amount_cents=amount_cents,
        status=status.value,
        created_at=moment,
    ).id
    record_audit(where, statements.BID_PLACED, "bid", bid_id, bidder.id, artwork_id=artwork_id)
    return bid_id


def _why_not(
    bidder: Viewer, artwork_id: int, amount_cents: int, moment: datetime
) -> ProductError | None:
    """The reason for a refusal; None when there is none any more."""
    found: Any = statements.FACTS.read(
        for_artwork=artwork_id, for_bidder=bidder.id, by_token=bidder.token_id, moment=moment
    )
    if found is None or not found.signed_in:
        return NotSignedIn()
    if not found.active:
        return AccountSuspended()
    if found.role == Role.ADMIN:
        return rules.AdministratorsDoNotBid()
    if found.status is None:
        return NotFound()
    if found.recovering:
        return rules.BidsPaused()
    if found.seller_id == bidder.id:
        return rules.OwnArtwork()
    until = found.bidding_suspended_until
    if until is not None and until > moment:
        return rules.BiddingSuspended(f"{until:%-d %B %Y, %H:%M} UTC")
    if found.status != ArtworkStatus.ACTIVE:
        return rules.ArtworkNotActive(found.status.value)
    if found.end_at is not None and found.end_at <= moment:
        return rules.ArtworkNotActive(ArtworkStatus.EXPIRED.value)
    if found.defaulted:
        return rules.AlreadyDefaulted()
    if found.highest_bid_cents is not None and found.highest_bid_cents >= amount_cents:
        _highest().put(artwork_id, found.highest_bid_cents)
        return rules.BidTooLow(found.highest_bid_cents)
    return None
