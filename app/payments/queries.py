"""Reading payments: as plain values, each with what its reader may know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select

from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.core import clock
from app.core.access import Viewer
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.payments import stripe_clock
from app.payments.attention import holding
from app.payments.models import Attention, Payment
from app.payments.states import CAPTURED, OPEN, UNPAID_WIN, PaymentStatus, told_reason

CLOCK_WARN_SECONDS = stripe_clock.WARN_SECONDS
CLOCK_LIMIT_SECONDS = stripe_clock.LIMIT_SECONDS


@dataclass(frozen=True)
class PaymentView:
    """A payment as its buyer, its artwork's seller or an administrator reads it."""

    id: int
    bid_id: int
    artwork_id: int
    artwork_title: str
    artwork_status: ArtworkStatus
    buyer_id: int
    seller_id: int
    status: PaymentStatus
    amount_cents: int
    currency: str
    failure_reason: str | None
    session_url: str | None
    deadline_at: datetime
    give_up_at: datetime | None
    stripe_session_id: str | None
    refunded_cents: int
    asked_at: datetime | None
    answered_at: datetime | None
    paid_at: datetime | None
    created_at: datetime
    updated_at: datetime
    needs_person: bool

    @property
    def in_time(self) -> bool:
        """Whether the buyer's time to pay is not over."""
        return (
            self.status == PaymentStatus.PENDING
            and self.give_up_at is None
            and self.deadline_at > clock.now()
        )

    @property
    def payable(self) -> bool:
        """Whether the buyer may still pay.

        Not while a person looks at it: the money may have been taken already, or would go where
        the product cannot see it.
        """
        return self.in_time and not self.needs_person

    @property
    def checkout_url(self) -> str | None:
        """Stripe's page, while the payment can be paid there."""
        return self.session_url if self.payable else None

    @property
    def expires_at(self) -> datetime:
        """The buyer's deadline."""
        return self.deadline_at

    @property
    def is_open(self) -> bool:
        """Whether the outcome is still unknown."""
        return self.status in OPEN

    @property
    def held(self) -> bool:
        """Whether nothing goes on until a person has looked at it."""
        return self.is_open and self.needs_person

    @property
    def unanswered(self) -> bool:
        """Whether there is a session to pay by, and no answer to the last question about it."""
        if self.status != PaymentStatus.PENDING or self.stripe_session_id is None:
            return False
        return self.answered_at is None or (
            self.asked_at is not None and self.answered_at < self.asked_at
        )

    def seen_by(self, user_id: int | None) -> dict[str, Any]:
        """The API's shape; Stripe's page is shown only to the buyer."""
        return {
            "id": self.id,
            "bid_id": self.bid_id,
            "artwork_id": self.artwork_id,
            "status": self.status.value,
            "amount": self.amount_cents,
            "currency": self.currency,
            "failure_reason": self.failure_reason and told_reason(self.failure_reason),
            "checkout_url": self.checkout_url if user_id == self.buyer_id else None,
            "expires_at": self.deadline_at,
            "stripe_session_id": self.stripe_session_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def _select() -> Select[*tuple[Any, ...]]:
    return select(Payment, Artwork.title, Artwork.status, exists().where(holding())).join(
        Artwork, Artwork.id == Payment.artwork_id
    )


def _view(row: Any) -> PaymentView:
    payment, title, artwork_status, held = row
    return PaymentView(
        id=payment.id,
        bid_id=payment.bid_id,
        artwork_id=payment.artwork_id,
        artwork_title=title,
        artwork_status=artwork_status,
        buyer_id=payment.buyer_id,
        seller_id=payment.seller_id,
        status=payment.status,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        failure_reason=payment.failure_reason,
        session_url=payment.checkout_url,
        deadline_at=payment.deadline_at,
        give_up_at=payment.give_up_at,
        stripe_session_id=payment.stripe_session_id,
        refunded_cents=payment.refunded_cents,
        asked_at=payment.asked_at,
        answered_at=payment.answered_at,
        paid_at=payment.paid_at,
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        needs_person=bool(held),
    )


def _one(query: Select[*tuple[Any, ...]]) -> PaymentView:
    row = db.session.execute(query.limit(1).execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound
    return _view(row)


def _visible(query: Select[*tuple[Any, ...]], reader: Viewer) -> Select[*tuple[Any, ...]]:
    if reader.is_admin:
        return query
    return query.where((Payment.buyer_id == reader.id) | (Payment.seller_id == reader.id))


def clock_skew() -> float | None:
    """By how many seconds our clock was ahead of Stripe's when last compared; None: never."""
    return stripe_clock.known_skew()


def attentions_waiting() -> int:
    """How many things about money need a person."""
    waiting = select(func.count()).where(Attention.acknowledged_at.is_(None))
    return db.session.scalar(waiting) or 0


def skew_text(skew: float) -> str:
    """How our clock stands beside Stripe's, in words: `3 s ahead of Stripe's`."""
    return f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Stripe's"


def payment(payment_id: int, reader: Viewer) -> PaymentView:
    """One payment, for its buyer, its seller or an administrator; NotFound for anyone else."""
    return _one(_visible(_select().where(Payment.id == payment_id), reader))


def own_payment(payment_id: int, buyer_id: int) -> PaymentView:
    """One payment of this buyer; NotFound for anyone else."""
    return _one(_select().where(Payment.id == payment_id, Payment.buyer_id == buyer_id))


def own_payment_of_bid(bid_id: int, buyer_id: int) -> PaymentView:
    """The payment that a buyer's own winning bid owes; NotFound otherwise."""
    return _one(_select().where(Payment.bid_id == bid_id, Payment.buyer_id == buyer_id))


def payment_by_session(session_id: str, reader: Viewer) -> PaymentView:
    """The payment of a Checkout Session; NotFound as `payment`."""
    return _one(_visible(_select().where(Payment.stripe_session_id == session_id), reader))


def payment_in_force(artwork_id: int, reader: Viewer) -> PaymentView:
    """The captured payment of an artwork, else the open one, else the reader's own latest.

    A buyer sees only payments of their own.
    """
    query = _visible(_select().where(Payment.artwork_id == artwork_id), reader)
    for statuses in (CAPTURED, OPEN):
        row = db.session.execute(query.where(Payment.status.in_(statuses)).limit(1)).first()
        if row is not None:
            return _view(row)
    return _one(query.order_by(Payment.id.desc()))


def counts_against_buyer() -> ColumnElement[bool]:
    """An unpaid win, in SQL: there was a page to pay on; the time passed or the buyer gave up.

    What Stripe refused, or could not offer in time, is nobody's fault.
    """
    return and_(
        Payment.status == PaymentStatus.CANCELED,
        Payment.failure_reason.in_([reason.value for reason in UNPAID_WIN]),
        Payment.payable_at <= Payment.deadline_at,
    )


def payments_of_buyer(buyer_id: int, page: int, per_page: int) -> Page[PaymentView]:
    """A buyer's payments, newest first."""
    theirs = Payment.buyer_id == buyer_id
    query = _select().where(theirs).order_by(Payment.id.desc())
    return paginate(query, page, per_page, counted_by=select(Payment).where(theirs)).map(_view)


def payments_of_bids(bid_ids: list[int]) -> dict[int, PaymentView]:
    """The payments that these bids owe, by bid."""
    if not bid_ids:
        return {}
    rows = db.session.execute(_select().where(Payment.bid_id.in_(bid_ids))).all()
    return {view.bid_id: view for view in map(_view, rows)}


def open_payment_of_buyer(artwork_id: int, buyer_id: int) -> PaymentView | None:
    """The payment that a buyer owes for an artwork now, if any."""
    row = db.session.execute(
        _select()
        .where(Payment.artwork_id == artwork_id, Payment.buyer_id == buyer_id)
        .where(Payment.status.in_(OPEN))
        .limit(1)
    ).first()
    return None if row is None else _view(row)
