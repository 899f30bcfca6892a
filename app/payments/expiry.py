"""The end of a payment's time: the deadline, giving up, and asking Stripe how things stand."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, not_, or_, select, update

from app.artworks.states import ForbiddenMove
from app.core import clock
from app.core.audit import record_audit
from app.core.crash_points import reached
from app.core.errors import Conflict, NotFound
from app.core.extensions import db
from app.core.traces import following
from app.core.transaction import transaction
from app.payments import settlement
from app.payments.attention import raise_attention
from app.payments.checkout import find_or_create_session
from app.payments.gateway import GatewayMisconfigured, GatewayRefused, GatewayUnavailable, gateway
from app.payments.models import Payment
from app.payments.pause import recovering
from app.payments.refusals import raise_refusal
from app.payments.states import OPEN, SESSION_UNKNOWN, PaymentStatus
from app.payments.words import CheckoutSession

log = logging.getLogger(__name__)


class PaymentOver(Conflict):
    """The payment is paid, released or past its deadline."""

    code = "payment_over"
    detail = "This payment is over."


@dataclass(frozen=True)
class Settled:
    """A payment after Stripe was asked about it; `heard` says whether Stripe answered."""

    payment: Payment
    heard: bool = True


def settle_payment(payment_id: int, *, patient: bool = False, unasked: bool = True) -> Payment:
    """Ask Stripe how an open payment stands and act on the answer; the payment as it is then.

    Past its deadline (or once given up) the session is asked to expire first. The artwork is
    released only on Stripe's word; when Stripe cannot tell, everything stays as it is. Safe to
    run any number of times, at once with itself and with webhooks. `unasked` is false for the buyer
    who waits for the page where to pay. Raises NotFound.
    """
    return reconcile_payment(payment_id, patient=patient, unasked=unasked).payment


def reconcile_payment(payment_id: int, *, patient: bool = False, unasked: bool = True) -> Settled:
    """As `settle_payment`, for who asks about many and wants to know whether Stripe is there."""
    payment = read_payment(payment_id)
    if payment.status not in OPEN:
        return Settled(payment)
    with following(payment.request_id):
        settled = _settle(payment, patient=patient, unasked=unasked)
        if settled.payment.status != payment.status:
            log.info("payment %s is %s", payment_id, settled.payment.status.value)
    return settled


def _settle(payment: Payment, *, patient: bool, unasked: bool) -> Settled:
    payment_id = payment.id
    if payment.stripe_session_id is None:
        if recovering():
            # Stripe may have a session already, and after a day it forgets our key for it.
            return Settled(payment)
        if not find_or_create_session(payment, patient=patient, unasked=unasked):
            note_asked(payment_id)
            return Settled(read_payment(payment_id), heard=False)
        payment = read_payment(payment_id)
        if payment.stripe_session_id is None or payment.status not in OPEN:
            return Settled(payment)
        # A session that is found again under its key is told as it was made, not as it stands
        # now; whoever waits for the page where to pay need not wait for that.
        if not patient and not settlement.is_due(payment):
            return Settled(payment)
    note_asked(payment_id)
    reached("expiry.before_asking")
    try:
        word = _ask(payment, patient=patient)
    except GatewayUnavailable as away:
        _note_silence(payment, away)
        return Settled(read_payment(payment_id), heard=False)
    reached("expiry.answered")
    if word is not None:
        _apply(payment_id, word)
    return Settled(read_payment(payment_id))


def note_asked(payment_id: int) -> None:
    """Put the payment at the end of the line, whether or not Stripe will answer."""
    with transaction() as session:
        session.execute(
            update(Payment).where(Payment.id == payment_id).values(asked_at=clock.now())
        )


def _apply(payment_id: int, word: CheckoutSession) -> None:
    try:
        with transaction() as session:
            row = settlement.lock_payment(session, payment_id)
            row.answered_at = clock.now()
            settlement.apply_session(session, row, word)
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
    """Stripe's word; None when it knows no such session. Raises GatewayUnavailable."""
    session_id = str(payment.stripe_session_id)
    asked = gateway(patient=patient)
    try:
        if settlement.is_due(payment) and payment.status == PaymentStatus.PENDING:
            return asked.expire_session(session_id)
        return asked.retrieve_session(session_id)
    except GatewayRefused as refused:
        with transaction() as session:
            raise_attention(
                session,
                SESSION_UNKNOWN,
                f"{SESSION_UNKNOWN}:{payment.id}:{session_id}",
                payment.id,
                f"Stripe does not know checkout session {session_id} ({refused}). "
                "The artwork stays reserved until this is cleared up.",
            )
    return None


def _note_silence(payment: Payment, failure: GatewayUnavailable) -> None:
    if isinstance(failure, GatewayMisconfigured):
        log.error("payment %s: Stripe does not accept our key: %s", payment.id, failure)
        raise_refusal(payment, failure)
    else:
        log.warning("payment %s: no answer from Stripe (%s)", payment.id, failure)


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
    payment = read_payment(payment_id)
    if payment.buyer_id != buyer_id:
        raise NotFound
    if payment.status != PaymentStatus.PENDING:
        raise PaymentOver
    reached("expiry.given_up")
    return settle_payment(payment_id)


def open_payments(limit: int = 200) -> tuple[list[int], list[int]]:
    """The payments to ask Stripe about, the longest unasked first.

    In two lines: those past their time, and the others.
    """
    moment = clock.now()
    due = or_(Payment.deadline_at <= moment, Payment.give_up_at.is_not(None))

    def line(condition: ColumnElement[bool]) -> list[int]:
        return list(
            db.session.scalars(
                select(Payment.id)
                .where(Payment.status.in_(OPEN), condition)
                .order_by(Payment.asked_at.asc().nulls_first(), Payment.id)
                .limit(limit)
            )
        )

    found = line(due), line(not_(due))
    db.session.close()
    return found


def seconds_to_deadline(payment_id: int) -> float:
    """How long until the payment is due; negative when it is past. Raises NotFound."""
    left: timedelta = read_payment(payment_id).deadline_at - clock.now()
    return left.total_seconds()


def read_payment(payment_id: int) -> Payment:
    """The payment as it is now, with no transaction left open. Raises NotFound."""
    payment = db.session.scalar(
        select(Payment).where(Payment.id == payment_id).execution_options(populate_existing=True)
    )
    db.session.close()
    if payment is None:
        raise NotFound
    return payment
