"""The end of a payment's time: the deadline, giving up, and asking Stripe how things stand."""

import logging
from datetime import timedelta

from sqlalchemy import case, select, update

from app.artworks.states import ForbiddenMove
from app.core import clock
from app.core.audit import record_audit
from app.core.errors import Conflict, NotFound
from app.core.extensions import db
from app.core.transaction import transaction
from app.payments import settlement
from app.payments.attention import raise_attention
from app.payments.checkout import find_or_create_session, raise_refusal
from app.payments.gateway import (
    CheckoutSession,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    gateway,
)
from app.payments.models import Payment
from app.payments.states import OPEN, PaymentStatus

log = logging.getLogger(__name__)


class PaymentOver(Conflict):
    """The payment is paid, released or past its deadline."""

    code = "payment_over"
    detail = "This payment is over."


def settle_payment(payment_id: int, *, patient: bool = False) -> Payment:
    """Ask Stripe how an open payment stands and act on the answer; the payment as it is then.

    Past its deadline (or once given up) the session is asked to expire first. The artwork is
    released only on Stripe's word; when Stripe cannot tell, everything stays as it is. Safe to
    run any number of times, at once with itself and with webhooks. Raises NotFound.
    """
    payment = _read(payment_id)
    if payment.status not in OPEN:
        return payment
    if payment.stripe_session_id is None:
        if not find_or_create_session(payment, patient=patient):
            return _read(payment_id)
        payment = _read(payment_id)
        if payment.stripe_session_id is None or payment.status not in OPEN:
            return payment
        if not settlement.is_due(payment):
            return payment
    _note_asked(payment_id)
    word = _ask(payment, patient=patient)
    if word is not None:
        _apply(payment_id, word)
    return _read(payment_id)


def _note_asked(payment_id: int) -> None:
    """Put the payment at the end of the line, whether or not Stripe will answer."""
    with transaction() as session:
        session.execute(
            update(Payment).where(Payment.id == payment_id).values(asked_at=clock.now())
        )


def _apply(payment_id: int, word: CheckoutSession) -> None:
    try:
        with transaction() as session:
            settlement.apply_session(session, settlement.lock_payment(session, payment_id), word)
    except ForbiddenMove as impossible:
        with transaction() as session:
            raise_attention(
                session,
                "state_impossible",
                f"state_impossible:{payment_id}:{word.status}",
                payment_id,
                f"Stripe says that the session is {word.status}, but {impossible}.",
            )


def _ask(payment: Payment, *, patient: bool) -> CheckoutSession | None:
    session_id = str(payment.stripe_session_id)
    asked = gateway(patient=patient)
    try:
        if settlement.is_due(payment) and payment.status == PaymentStatus.PENDING:
            return asked.expire_session(session_id)
        return asked.retrieve_session(session_id)
    except GatewayMisconfigured as failure:
        log.error("payment %s: Stripe does not accept our key: %s", payment.id, failure)
        raise_refusal(payment, failure)
    except GatewayUnavailable as away:
        log.warning("payment %s: no answer from Stripe (%s)", payment.id, away)
    except GatewayRefused as refused:
        with transaction() as session:
            raise_attention(
                session,
                "session_unknown",
                f"session_unknown:{payment.id}:{session_id}",
                payment.id,
                f"Stripe does not know checkout session {session_id} ({refused}). "
                "The artwork stays reserved until this is cleared up.",
            )
    return None


def give_up(payment_id: int, buyer_id: int) -> Payment:
    """The winner gives up: the session is expired at Stripe and the artwork released.

    The payment comes back still PENDING when Stripe cannot be reached; it is asked again.
    Raises NotFound when it is not theirs, PaymentOver when there is nothing left to give up.
    """
    moment = clock.now()
    with transaction() as session:
        given_up = session.execute(
            update(Payment)
            .where(Payment.id == payment_id, Payment.buyer_id == buyer_id)
            .where(Payment.status == PaymentStatus.PENDING, Payment.give_up_at.is_(None))
            .values(give_up_at=moment, updated_at=moment)
            .returning(Payment.id)
        ).first()
        if given_up is not None:
            record_audit(session, "payment.given_up", "payment", payment_id, buyer_id)
    payment = _read(payment_id)
    if payment.buyer_id != buyer_id:
        raise NotFound
    if payment.status != PaymentStatus.PENDING:
        raise PaymentOver
    return settle_payment(payment_id)


def open_payments(limit: int = 200) -> list[int]:
    """The payments to ask Stripe about: those past their time first, then the longest unasked."""
    moment = clock.now()
    due = (Payment.deadline_at <= moment) | Payment.give_up_at.is_not(None)
    found = db.session.scalars(
        select(Payment.id)
        .where(Payment.status.in_(OPEN))
        .order_by(case((due, 0), else_=1), Payment.asked_at.asc().nulls_first(), Payment.id)
        .limit(limit)
    ).all()
    db.session.close()
    return list(found)


def seconds_to_deadline(payment_id: int) -> float:
    """How long until the payment is due; negative when it is past. Raises NotFound."""
    left: timedelta = _read(payment_id).deadline_at - clock.now()
    return left.total_seconds()


def _read(payment_id: int) -> Payment:
    payment = db.session.scalar(
        select(Payment).where(Payment.id == payment_id).execution_options(populate_existing=True)
    )
    db.session.close()
    if payment is None:
        raise NotFound
    return payment
