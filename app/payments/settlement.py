"""What Stripe says of a session, applied once: sold, still open, or free again."""

import logging
from datetime import timedelta

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from app.artworks import queries as artworks
from app.artworks import service as artwork_service
from app.core import clock
from app.core.audit import record_audit
from app.core.events import PaymentReleased, SaleCompleted, record
from app.payments.attention import flagged, raise_attention
from app.payments.models import Payment
from app.payments.states import (
    CAPTURED,
    PAYMENT_MOVES,
    RELEASED,
    EventOutcome,
    PaymentEvent,
    PaymentStatus,
    Release,
    move_payment,
)
from app.payments.words import CheckoutSession, SaleIds, may_be_one

log = logging.getLogger(__name__)

# Cards answer at once: funds that take longer than a day need a look in Stripe's dashboard.
_FUNDS_TAKE_AT_MOST = timedelta(hours=24)

_LOCK = (
    select(Payment)
    .where(Payment.id == bindparam("payment_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_payment(session: Session, payment_id: int) -> Payment:
    """The payment as it is now, locked until the transaction ends."""
    return session.scalars(_LOCK, {"payment_id": payment_id}).one()


def is_due(payment: Payment) -> bool:
    """Whether the buyer's time is over, by the clock or by their own word."""
    return payment.give_up_at is not None or payment.deadline_at <= clock.now()


def apply_session(session: Session, payment: Payment, word: CheckoutSession) -> EventOutcome:
    """Bring a locked payment to what Stripe says. Repeating it, in any order, changes nothing."""
    if word.status == "complete":
        return _complete(session, payment, word)
    if word.status == "expired":
        if payment.status in RELEASED:
            return EventOutcome.NO_EFFECT
        if payment.stripe_session_id != word.id:
            # Where none is known yet, it may be that of an earlier attempt.
            return EventOutcome.NO_EFFECT
        return close_unpaid(session, payment, PaymentEvent.SESSION_EXPIRED)
    return EventOutcome.NO_EFFECT


def _complete(session: Session, payment: Payment, word: CheckoutSession) -> EventOutcome:
    same = payment.stripe_session_id in (None, word.id)
    if word.payment_status == "unpaid":
        if not same:
            return EventOutcome.NO_EFFECT
        if word.funds_failed:
            return close_unpaid(session, payment, PaymentEvent.FUNDS_FAILED)
        return _await_funds(session, payment, word)
    if payment.status in CAPTURED and same:
        return EventOutcome.NO_EFFECT
    wrong = disagreements(payment, word, same=same)
    if wrong:
        raise_attention(
            session,
            "payment_disagrees",
            f"payment_disagrees:{payment.id}:{word.id}",
            payment.id,
            "Stripe reports this payment as complete, but " + "; ".join(wrong) + ".",
        )
        return EventOutcome.FLAGGED
    return _sell(session, payment, word)


def disagreements(payment: Payment, word: CheckoutSession, *, same: bool) -> list[str]:
    wrong = []
    if payment.status in RELEASED:
        wrong.append("the artwork was released before")
    if not same:
        wrong.append("it was paid through another checkout session")
    if word.payment_status != "paid":
        wrong.append(f"its payment status is {word.payment_status}")
    if word.amount_cents != payment.amount_cents:
        wrong.append(f"it charged {word.amount_cents} cents instead of {payment.amount_cents}")
    if (word.currency or "").lower() != payment.currency:
        wrong.append(f"its currency is {word.currency} instead of {payment.currency}")
    if word.livemode != payment.livemode:
        wrong.append("it is " + ("live" if word.livemode else "a test") + " instead of the other")
    if not belongs_to(word.sale, payment):
        wrong.append("its metadata names another sale")
    return wrong


def belongs_to(sale: SaleIds | None, payment: Payment) -> bool:
    """Whether an object at Stripe bears exactly this payment's numbers."""
    return sale == SaleIds(
        payment_id=payment.id,
        bid_id=payment.bid_id,
        artwork_id=payment.artwork_id,
        buyer_id=payment.buyer_id,
        seller_id=payment.seller_id,
    )


def made_for(word: CheckoutSession, payment: Payment) -> bool:
    """Whether a session at Stripe was made by this installation, and for this payment."""
    # What was found again after a restore does not have its request.
    address = payment.checkout_params.get("success_url")
    return belongs_to(word.sale, payment) and may_be_one(address, word.success_url)


def _await_funds(session: Session, payment: Payment, word: CheckoutSession) -> EventOutcome:
    if payment.status == PaymentStatus.PROCESSING:
        return _wait_on(session, payment)
    if not _allowed(session, payment, PaymentEvent.SESSION_UNPAID):
        return EventOutcome.NO_EFFECT
    _take_identifiers(payment, word)
    _move(session, payment, PaymentEvent.SESSION_UNPAID)
    return EventOutcome.APPLIED


def _wait_on(session: Session, payment: Payment) -> EventOutcome:
    if clock.now() - payment.updated_at < _FUNDS_TAKE_AT_MOST:
        return EventOutcome.NO_EFFECT
    raised = raise_attention(
        session,
        "funds_overdue",
        f"funds_overdue:{payment.id}",
        payment.id,
        "Stripe reports this payment as complete, and after more than 24 hours its funds are still "
        "not confirmed. The artwork stays reserved until Stripe says how it ended.",
    )
    return EventOutcome.FLAGGED if raised else EventOutcome.NO_EFFECT


def _sell(session: Session, payment: Payment, word: CheckoutSession) -> EventOutcome:
    if not _allowed(session, payment, PaymentEvent.SESSION_PAID):
        return EventOutcome.NO_EFFECT
    moment = clock.now()
    _take_identifiers(payment, word)
    payment.failure_reason = None
    payment.paid_at = payment.closed_at = moment
    _move(session, payment, PaymentEvent.SESSION_PAID)
    # Prepared statements read what is in the database, not what the session's objects hold.
    session.flush()
    title = artwork_service.sell_artwork(session, payment.artwork_id, payment.amount_cents)
    record(
        session,
        SaleCompleted(
            payment_id=payment.id,
            artwork_id=payment.artwork_id,
            artwork_title=title,
            buyer_id=payment.buyer_id,
            seller_id=payment.seller_id,
            amount_cents=payment.amount_cents,
            paid_at=moment,
        ),
    )
    return EventOutcome.APPLIED


def close_unpaid(session: Session, payment: Payment, event: PaymentEvent) -> EventOutcome:
    """Close a locked payment that was not paid, and set its artwork free."""
    if not _allowed(session, payment, event):
        return EventOutcome.NO_EFFECT
    reason = _release_reason(session, payment, event)
    payment.failure_reason = reason
    payment.closed_at = clock.now()
    _move(session, payment, event)
    session.flush()
    status = artwork_service.free_artwork(session, payment.artwork_id)
    record(
        session,
        PaymentReleased(
            payment_id=payment.id,
            bid_id=payment.bid_id,
            artwork_id=payment.artwork_id,
            artwork_title=artworks.titles([payment.artwork_id])[payment.artwork_id],
            artwork_status=status.value,
            buyer_id=payment.buyer_id,
            seller_id=payment.seller_id,
            amount_cents=payment.amount_cents,
            reason=reason.value,
        ),
    )
    return EventOutcome.APPLIED


def _release_reason(session: Session, payment: Payment, event: PaymentEvent) -> Release:
    if event == PaymentEvent.FUNDS_FAILED:
        return Release.FUNDS_FAILED
    if event == PaymentEvent.REFUSED_BY_STRIPE:
        return Release.REFUSED
    if payment.give_up_at is not None:
        return Release.GAVE_UP
    if payment.deadline_at > clock.now():
        return Release.SESSION_EXPIRED
    # The buyer was told not to pay: that they did not is nobody's fault.
    told_to_wait = select(Payment.id).where(Payment.id == payment.id, exists().where(flagged()))
    # A row that is written twice in one transaction has its foreign keys looked up, under locks.
    with session.no_autoflush:
        held = session.scalar(told_to_wait) is not None
    return Release.SESSION_EXPIRED if held else Release.DEADLINE


def _take_identifiers(payment: Payment, word: CheckoutSession) -> None:
    payment.stripe_session_id = word.id
    payment.stripe_payment_intent_id = word.payment_intent_id or payment.stripe_payment_intent_id
    payment.stripe_charge_id = word.charge_id or payment.stripe_charge_id


def _allowed(session: Session, payment: Payment, event: PaymentEvent) -> bool:
    if (payment.status, event) in PAYMENT_MOVES:
        return True
    record_audit(
        session,
        "payment.move_refused",
        "payment",
        payment.id,
        status=payment.status.value,
        event=event.value,
    )
    return False


def _move(session: Session, payment: Payment, event: PaymentEvent) -> None:
    before: PaymentStatus = payment.status
    payment.status = move_payment(before, event)
    payment.updated_at = clock.now()
    record_audit(
        session,
        f"payment.{payment.status.lower()}",
        "payment",
        payment.id,
        before=before.value,
        event=event.value,
        reason=payment.failure_reason,
    )


def apply_refund(session: Session, payment: Payment, refunded_cents: int) -> EventOutcome:
    """Record a refund made by hand at Stripe; `refunded_cents` is the sum of all so far."""
    if payment.status not in CAPTURED or refunded_cents <= payment.refunded_cents:
        return EventOutcome.NO_EFFECT
    payment.refunded_cents = min(refunded_cents, payment.amount_cents)
    payment.updated_at = clock.now()
    record_audit(
        session, "payment.refund_recorded", "payment", payment.id, refunded_cents=refunded_cents
    )
    if payment.refunded_cents == payment.amount_cents and payment.status not in RELEASED:
        _move(session, payment, PaymentEvent.REFUNDED)
    return EventOutcome.APPLIED
