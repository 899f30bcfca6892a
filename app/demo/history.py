"""What happened to the demo's artworks before today: bids, sales, endings, spread over days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from flask import current_app
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.audit import AuditLog, record_audit
from app.core.money import CURRENCY
from app.core.transaction import transaction
from app.demo.catalogue import ARTWORKS, DemoArtwork
from app.payments.models import Payment
from app.payments.states import PaymentStatus, Release

SEEDED = "demo_seeded"

_BETWEEN_LISTINGS = timedelta(hours=9)
_SINCE_LAST_LISTING = timedelta(hours=5)
_MEMBERS_FOR = timedelta(days=30)
_TOOK_TO_PAY = timedelta(minutes=3, seconds=20)
_STATUS = {
    "open": ArtworkStatus.ACTIVE,
    "sold": ArtworkStatus.SOLD,
    "ended": ArtworkStatus.EXPIRED,
    "withdrawn": ArtworkStatus.ARCHIVED,
}


@dataclass(frozen=True)
class _Offer:
    artwork_id: int
    seller_id: int
    bidder_id: int
    amount_cents: int
    at: datetime
    wins: bool
    unpaid: bool


def write_history(sellers: Sequence[int], buyers: Sequence[int]) -> tuple[int, int]:
    """Give every listing of the demo its past, in one transaction; how many bids and sales.

    A listing that somebody has touched already is left as it is. Notes that seeding is finished.
    """
    # Repeatable and only for show; nothing secret depends on these numbers.
    rng = Random(17)  # noqa: S311
    moment = clock.now()
    offers: list[_Offer] = []
    with transaction() as session:
        for place, art in enumerate(ARTWORKS):
            artwork_id = session.scalar(
                select(Artwork.id)
                .where(Artwork.seller_id == sellers[art.seller], Artwork.title == art.title)
                .where(Artwork.status == ArtworkStatus.ACTIVE, Artwork.bid_count == 0)
                .order_by(Artwork.id)
                .limit(1)
            )
            if artwork_id is None:
                continue
            listed_at = moment - _SINCE_LAST_LISTING - place * _BETWEEN_LISTINGS
            made = _offers(art, artwork_id, sellers[art.seller], buyers, listed_at, moment, rng)
            _backdate(session, art, artwork_id, listed_at, made, moment)
            offers += made
        # Numbered in the order of time, as bids are.
        for offer in sorted(offers, key=lambda offer: offer.at):
            _record(session, offer)
        session.execute(
            update(User)
            .where(User.id.in_([*sellers, *buyers]))
            .values(created_at=moment - _MEMBERS_FOR)
        )
        record_audit(session, SEEDED, "demo", 0)
    return len(offers), sum(offer.wins for offer in offers)


def _offers(
    art: DemoArtwork,
    artwork_id: int,
    seller_id: int,
    buyers: Sequence[int],
    listed_at: datetime,
    moment: datetime,
    rng: Random,
) -> list[_Offer]:
    amounts = list(art.losing_bids_cents)
    amounts += [cents for cents in (art.winning_bid_cents, art.unpaid_bid_cents) if cents]
    last_at = (_end(art, moment) if art.state == "ended" else None) or moment
    span = (last_at - listed_at) * (0.75 if art.state in {"sold", "withdrawn"} else 0.97)
    shares = sorted(rng.uniform(0.03, 1.0) for _ in amounts)
    bidders = [rng.choice(buyers)]
    while len(bidders) < len(amounts):
        # Nobody outbids themselves.
        bidders.append(rng.choice([buyer for buyer in buyers if buyer != bidders[-1]]))
    return [
        _Offer(
            artwork_id=artwork_id,
            seller_id=seller_id,
            bidder_id=bidder,
            amount_cents=amount,
            at=listed_at + span * share,
            wins=amount == art.winning_bid_cents,
            unpaid=amount == art.unpaid_bid_cents,
        )
        for amount, share, bidder in zip(amounts, shares, bidders, strict=False)
    ]


def _end(art: DemoArtwork, moment: datetime) -> datetime | None:
    if art.ends_in_days is None:
        return None
    # On the hour, as people choose their end dates.
    end = moment + timedelta(days=art.ends_in_days)
    return end.replace(minute=0, second=0, microsecond=0)


def _backdate(
    session: Session,
    art: DemoArtwork,
    artwork_id: int,
    listed_at: datetime,
    offers: Sequence[_Offer],
    moment: datetime,
) -> None:
    changed_at = max([listed_at, *(offer.at for offer in offers)])
    if art.state == "withdrawn":
        changed_at += (moment - changed_at) / 2
    if art.state == "ended":
        changed_at = _end(art, moment) or changed_at
    losing = [offer.amount_cents for offer in offers if not (offer.wins or offer.unpaid)]
    session.execute(
        update(Artwork)
        .where(Artwork.id == artwork_id)
        .values(
            status=_STATUS[art.state],
            end_at=_end(art, moment),
            highest_bid_cents=max(losing, default=None),
            bid_count=len(losing),
            sold_cents=art.winning_bid_cents,
            created_at=listed_at,
            updated_at=changed_at,
        )
    )
    session.execute(
        update(AuditLog)
        .where(AuditLog.resource_type == "artwork", AuditLog.resource_id == artwork_id)
        .values(created_at=listed_at)
    )
    if art.state == "ended":
        _note(session, "artwork.expired", "artwork", artwork_id, changed_at)
    if art.state == "withdrawn":
        seller_id = offers[0].seller_id if offers else None
        _note(session, "artwork.withdrawn", "artwork", artwork_id, changed_at, seller_id)


def _record(session: Session, offer: _Offer) -> None:
    status = BidStatus.OUTBID
    if offer.wins or offer.unpaid:
        status = BidStatus.WON if offer.wins else BidStatus.RELEASED
    bid_id: int = session.execute(
        insert(Bid)
        .values(
            artwork_id=offer.artwork_id,
            bidder_id=offer.bidder_id,
            amount_cents=offer.amount_cents,
            status=status,
            created_at=offer.at,
        )
        .returning(Bid.id)
    ).scalar_one()
    if status == BidStatus.OUTBID:
        _note(
            session, "bid.placed", "bid", bid_id, offer.at, offer.bidder_id,
            artwork_id=offer.artwork_id,
        )  # fmt: skip
        return
    _note(
        session, "artwork.reserved", "artwork", offer.artwork_id, offer.at, offer.bidder_id,
        bid_id=bid_id,
    )  # fmt: skip
    window = timedelta(seconds=current_app.config["SETTINGS"].payment_window_seconds)
    if offer.wins:
        paid_at = offer.at + _TOOK_TO_PAY
        payment_id = _add_payment(
            session, offer, bid_id, PaymentStatus.SUCCEEDED, max(window, _TOOK_TO_PAY), paid_at,
            paid_at=paid_at,
        )  # fmt: skip
        _note(session, "payment.succeeded", "payment", payment_id, paid_at)
        _note(
            session, "artwork.sold", "artwork", offer.artwork_id, paid_at,
            amount_cents=offer.amount_cents,
        )  # fmt: skip
    else:
        closed_at = offer.at + window
        payment_id = _add_payment(
            session, offer, bid_id, PaymentStatus.CANCELED, window, closed_at,
            failure_reason=Release.DEADLINE,
        )  # fmt: skip
        _note(
            session, "payment.canceled", "payment", payment_id, closed_at, reason=Release.DEADLINE
        )
        _note(session, "artwork.freed", "artwork", offer.artwork_id, closed_at)


def _add_payment(
    session: Session,
    offer: _Offer,
    bid_id: int,
    status: PaymentStatus,
    window: timedelta,
    closed_at: datetime,
    **more: Any,
) -> int:
    payment_id: int = session.execute(
        insert(Payment)
        .values(
            bid_id=bid_id,
            artwork_id=offer.artwork_id,
            buyer_id=offer.bidder_id,
            seller_id=offer.seller_id,
            amount_cents=offer.amount_cents,
            currency=CURRENCY,
            livemode=False,
            status=status,
            deadline_at=offer.at + window,
            idempotency_key=f"demo-{bid_id}",
            checkout_params={},
            closed_at=closed_at,
            created_at=offer.at,
            updated_at=closed_at,
            **more,
        )
        .returning(Payment.id)
    ).scalar_one()
    return payment_id


def _note(
    session: Session,
    action: str,
    resource_type: str,
    resource_id: int,
    at: datetime,
    user_id: int | None = None,
    **details: Any,
) -> None:
    session.execute(
        insert(AuditLog).values(
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            user_id=user_id,
            details=details,
            created_at=at,
        )
    )
