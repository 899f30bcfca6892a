"""Wins that were not paid: the bid is released, and too many of them suspend bidding."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.config import Settings
from app.core import clock
from app.core.audit import record_audit
from app.core.events import PaymentReleased
from app.payments.models import Payment
from app.payments.queries import counts_against_buyer
from app.payments.states import UNPAID_WIN


def release_bid(session: Session, event: PaymentReleased) -> None:
    """Mark the bid of an unpaid win, and suspend its bidder when it is one too many.

    A win that could never be paid, because Stripe had no page for it in time, does not count.
    """
    session.execute(
        update(Bid)
        .where(Bid.id == event.bid_id, Bid.status == BidStatus.WON)
        .values(status=BidStatus.RELEASED)
    )
    if event.reason not in set(UNPAID_WIN):
        return
    settings: Settings = current_app.config["SETTINGS"]
    moment = clock.now()
    # The bidder's row is the lock that makes two releases at once count one after the other. Not
    # against who only refers to it: two that both do would wait for each other.
    lock = select(User.id).where(User.id == event.buyer_id).with_for_update(key_share=True)
    session.execute(lock)
    unpaid = session.scalar(
        select(func.count())
        .select_from(Payment)
        .where(
            Payment.buyer_id == event.buyer_id,
            counts_against_buyer(),
            Payment.closed_at > moment - timedelta(days=settings.unpaid_win_days),
        )
    )
    if (unpaid or 0) < settings.unpaid_win_limit:
        return
    until = moment + timedelta(days=settings.bidding_suspension_days)
    session.execute(
        update(User).where(User.id == event.buyer_id).values(bidding_suspended_until=until)
    )
    record_audit(session, "user.bidding_suspended", "user", event.buyer_id, unpaid_wins=unpaid)
