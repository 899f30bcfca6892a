"""A win that a restored backup does not know and Stripe does: written down again."""

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.artworks import service as artworks
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.audit import record_audit
from app.core.events import ArtworkReserved, record
from app.core.transaction import transaction
from app.payments import service as payments
from app.payments.models import Payment

BUYER_LOST = "its buyer's account is lost"


def restore_win(found: payments.LostSale) -> str | None:
    """Reserve the artwork for its buyer again, as it was; None when done, else why not.

    Buyer and artwork must be those of the backup: since it was restored, a number may have been
    given anew.
    """
    sale, listed = found.sale, found.first
    moment = clock.now()
    with transaction() as session:
        buyer = session.scalar(select(User).where(User.id == sale.buyer_id))
        if buyer is None or buyer.created_at > found.restored_at:
            return BUYER_LOST
        if listed.buyer_email not in (None, buyer.email):
            return "its buyer's address is another's"
        if _is_taken(session, found):
            return "its numbers are another sale's"
        released = payments.release_unmade(session, found)
        title = artworks.reserve_again(
            session, sale.artwork_id, seller_id=sale.seller_id, listed_before=found.restored_at
        )
        if title is None and released:
            # Undone: a win gives way to nothing but another one.
            raise LookupError("the artwork cannot be reserved")
        if title is None:
            return "its artwork is lost, sold or reserved"
        session.execute(
            insert(Bid).values(
                id=sale.bid_id,
                artwork_id=sale.artwork_id,
                bidder_id=sale.buyer_id,
                amount_cents=listed.word.amount_cents,
                status=BidStatus.WON,
                created_at=listed.created_at,
            )
        )
        payment = payments.reopen_payment(session, found, moment)
        record_audit(
            session, "artwork.win_restored", "artwork", sale.artwork_id, sale.buyer_id,
            bid_id=sale.bid_id, payment_id=sale.payment_id, session_id=listed.word.id,
        )  # fmt: skip
        if listed.word.status == "open" and payment.deadline_at > moment:
            record(
                session,
                ArtworkReserved(
                    artwork_id=sale.artwork_id,
                    artwork_title=title,
                    bid_id=sale.bid_id,
                    payment_id=sale.payment_id,
                    buyer_id=sale.buyer_id,
                    seller_id=sale.seller_id,
                    amount_cents=payment.amount_cents,
                    deadline_at=payment.deadline_at,
                ),
            )
    return None


def number_bids_beyond(highest_bid: int, highest_payment: int) -> None:
    """Give no number that Stripe has seen to another bid or payment."""
    with transaction() as session:
        payments.number_beyond(session, Bid, highest_bid)
        payments.number_beyond(session, Payment, highest_payment)


def _is_taken(session: Session, found: payments.LostSale) -> bool:
    sale = found.sale
    same = session.scalar(
        select(func.count()).select_from(Bid).where(Bid.id == sale.bid_id)
    ) or session.scalar(
        select(func.count()).select_from(Payment).where(Payment.id == sale.payment_id)
    )
    return bool(same)
