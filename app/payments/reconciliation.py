"""Payments that are finished, held against what Stripe says of them.

What is open is settled by the sweep anyway. What is finished should never change, so each is asked
about once a day for a week: enough to find out what went wrong with nobody noticing.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import or_, select

from app.core import clock
from app.core.audit import record_audit
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.transaction import transaction
from app.payments import expiry, settlement
from app.payments.attention import raise_attention
from app.payments.gateway import GatewayRefused, GatewayUnavailable, gateway
from app.payments.missed import hear_missed
from app.payments.models import Payment
from app.payments.pause import recovering
from app.payments.states import CAPTURED, OPEN, RELEASED, SESSION_UNKNOWN, PaymentStatus
from app.payments.words import CheckoutSession

log = logging.getLogger(__name__)

_FIRST_AFTER = timedelta(hours=1)
_AGAIN_AFTER = timedelta(days=1)
_ASKED_FOR = timedelta(days=7)


class Finding(StrEnum):
    """How our record stands beside Stripe's."""

    AGREES = "agrees"
    CHANGED = "changed"
    CONTRADICTS = "contradicts"
    NO_SESSION = "no_session"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class Answer:
    """What came of asking Stripe; `word` is how Stripe put it, when it answered."""

    finding: Finding
    status: PaymentStatus
    word: str | None = None


def ask_stripe(payment_id: int, admin_id: int) -> Answer:
    """Ask Stripe about a payment for an administrator, and act on the answer; raises NotFound."""
    with transaction() as session:
        before = session.scalar(select(Payment.status).where(Payment.id == payment_id))
        if before is None:
            raise NotFound
        record_audit(session, "payment.asked", "payment", payment_id, admin_id)
    if before in OPEN:
        expiry.settle_payment(payment_id)
    elif before in CAPTURED and not recovering():
        # An administrator waits for the answer.
        hear_missed(budget_seconds=1)
    return _compare(payment_id, before)


def compare_finished(limit: int = 10, budget_seconds: float = 10.0) -> int:
    """Ask about finished payments whose turn it is; how many Stripe answered for.

    No new question begins after `budget_seconds`: the open ones wait for the next sweep.
    """
    ends_at = time.monotonic() + budget_seconds
    moment = clock.now()
    # What was asked before it was closed has not been asked since.
    first = Payment.asked_at <= Payment.closed_at
    again = Payment.asked_at < moment - _AGAIN_AFTER
    due = db.session.execute(
        select(Payment.id, Payment.status)
        .where(Payment.status.in_((*CAPTURED, *RELEASED)), Payment.stripe_session_id.is_not(None))
        .where(Payment.closed_at.between(moment - _ASKED_FOR, moment - _FIRST_AFTER))
        .where(or_(Payment.asked_at.is_(None), first, again))
        .order_by(Payment.asked_at.asc().nulls_first(), Payment.id)
        .limit(limit)
    ).all()
    db.session.close()
    answered = 0
    for payment_id, status in due:
        answer = _compare(payment_id, status, patient=True)
        if answer.finding == Finding.NO_ANSWER:
            # Stripe is away: the others' turn comes with the next sweep.
            break
        answered += 1
        if time.monotonic() >= ends_at:
            break
    return answered


def compare_newest(limit: int) -> tuple[int, list[str]]:
    """Hold our newest payments against Stripe, changing nothing: how many, and what differs.

    Raises GatewayUnavailable.
    """
    newest = db.session.scalars(
        select(Payment)
        .where(Payment.stripe_session_id.is_not(None))
        .order_by(Payment.id.desc())
        .limit(limit)
    ).all()
    db.session.close()
    wrong = []
    for payment in newest:
        try:
            word = gateway().retrieve_session(str(payment.stripe_session_id))
        except GatewayRefused:
            wrong.append(f"payment {payment.id}: Stripe does not know its session")
            continue
        found = contradictions(payment, word)
        if payment.status in OPEN and word.status != "open":
            found = [f"it is {payment.status.value}, and its session is {word.status}"]
        wrong += [f"payment {payment.id}: {each}" for each in found]
    return len(newest), wrong


def _compare(payment_id: int, before: PaymentStatus, *, patient: bool = False) -> Answer:
    payment = expiry.read_payment(payment_id)
    if payment.stripe_session_id is None:
        changed = Finding.CHANGED if payment.status != before else Finding.NO_SESSION
        return Answer(changed, payment.status)
    try:
        word = gateway(patient=patient).retrieve_session(payment.stripe_session_id)
    except GatewayUnavailable as away:
        log.warning("payment %s: no answer from Stripe (%s)", payment_id, away)
        changed = Finding.CHANGED if payment.status != before else Finding.NO_ANSWER
        return Answer(changed, payment.status)
    except GatewayRefused as refused:
        said = f"Stripe does not know checkout session {payment.stripe_session_id} ({refused})."
        return _contradicted(payment, SESSION_UNKNOWN, payment.stripe_session_id, said)
    told = f"{word.status}, {word.payment_status}"
    wrong = contradictions(payment, word)
    if wrong:
        said = f"Recorded as {payment.status.value}, but Stripe says otherwise: " + "; ".join(wrong)
        return _contradicted(payment, "payment_disagrees", f"{word.id}:{told}", f"{said}.", told)
    _note_agreement(payment_id, word)
    changed = Finding.CHANGED if payment.status != before else Finding.AGREES
    return Answer(changed, payment.status, told)


def _note_agreement(payment_id: int, word: CheckoutSession) -> None:
    """With what the news of the sale did not tell: Stripe's event names no charge."""
    with transaction() as session:
        payment = settlement.lock_payment(session, payment_id)
        payment.asked_at = clock.now()
        if payment.status in CAPTURED:
            payment.stripe_charge_id = payment.stripe_charge_id or word.charge_id


def contradictions(payment: Payment, word: CheckoutSession) -> list[str]:
    """What of Stripe's word a finished payment cannot be true beside; nothing for an open one."""
    if payment.status in CAPTURED:
        wrong = [] if word.status == "complete" else [f"its session is {word.status}"]
        return wrong + settlement.disagreements(payment, word, same=True)
    if payment.status in RELEASED:
        if word.status == "open":
            return ["the artwork was released, and the session can still be paid"]
        if word.payment_status == "paid":
            return ["the artwork was released, and the session is paid"]
    return []


def _contradicted(
    payment: Payment, kind: str, what: str, said: str, word: str | None = None
) -> Answer:
    expiry.note_asked(payment.id)
    with transaction() as session:
        raise_attention(session, kind, f"{kind}:{payment.id}:{what}", payment.id, said)
    return Answer(Finding.CONTRADICTS, payment.status, word)
