"""From a winning bid to a page where it can be paid."""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.core import clock
from app.core.audit import record_audit
from app.core.crash_points import reached
from app.core.events import CheckoutReady, record
from app.core.money import CURRENCY
from app.core.traces import trace_id
from app.core.transaction import transaction
from app.payments import settlement
from app.payments.attention import raise_attention
from app.payments.checkout_request import CheckoutRequest, checkout_params
from app.payments.gateway import (
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    ServerErrorAnswered,
    gateway,
)
from app.payments.models import Payment
from app.payments.refusals import raise_refusal
from app.payments.states import STRAY_SESSION, PaymentEvent, PaymentStatus
from app.payments.words import CheckoutSession

log = logging.getLogger(__name__)

# Stripe wants `expires_at` at least 30 minutes ahead whenever the request first reaches it, which
# may be as late as the deadline; the rest is margin for clocks that differ.
_BACKSTOP = timedelta(minutes=35)
# A 5xx that is not marked as stored may pass; after so many for one key it is taken as stored.
_SERVER_ERRORS_PER_KEY = 2
# A session bears the time of Stripe's clock, a payment that of ours.
_CLOCKS_DIFFER = timedelta(minutes=10)
# A fresh attempt is made at once only while whoever waits can wait for that one as well.
_AGAIN_WITHIN_SECONDS = 2.0
_MOST_RENEWALS = 20


def open_payment(
    session: Session,
    *,
    bid_id: int,
    artwork_id: int,
    artwork_title: str,
    buyer_id: int,
    buyer_email: str,
    seller_id: int,
    amount_cents: int,
    moment: datetime,
) -> Payment:
    """Write down what the winner owes, with the request that will be sent to Stripe for it."""
    settings: Settings = current_app.config["SETTINGS"]
    payment = Payment(
        bid_id=bid_id,
        artwork_id=artwork_id,
        buyer_id=buyer_id,
        seller_id=seller_id,
        amount_cents=amount_cents,
        currency=CURRENCY,
        livemode=settings.live_payments,
        status=PaymentStatus.PENDING,
        deadline_at=moment + timedelta(seconds=settings.payment_window_seconds),
        request_id=trace_id(),
        idempotency_key=f"bid-{bid_id}",
        checkout_params={},
        created_at=moment,
        updated_at=moment,
    )
    session.add(payment)
    session.flush()
    payment.idempotency_key = _key(payment.id, 1, moment)
    payment.checkout_params = checkout_params(
        CheckoutRequest(
            payment_id=payment.id,
            bid_id=bid_id,
            artwork_id=artwork_id,
            buyer_id=buyer_id,
            seller_id=seller_id,
            buyer_email=buyer_email,
            artwork_title=artwork_title,
            amount_cents=amount_cents,
            expires_at=payment.deadline_at + _BACKSTOP,
            public_url=settings.public_url,
        )
    )
    session.flush()
    return payment


def find_or_create_session(
    payment: Payment, *, patient: bool = False, unasked: bool = True
) -> bool:
    """Make sure that Stripe has the session of an open payment, and that we know it.

    Always asks under the persisted key, so a session whose answer was lost is found again. When it
    comes `unasked` by its buyer, they may have a page open that still promises it, and hear of it.
    True when the payment has its session now, or is over because Stripe refused for good; False
    when Stripe cannot tell.
    """
    started = time.monotonic()
    others: list[CheckoutSession] = []
    while True:
        reached("checkout.before_create")
        try:
            word = gateway(patient=patient).create_session(
                payment.checkout_params, payment.idempotency_key
            )
        except ServerErrorAnswered as failure:
            log.warning("payment %s: %s", payment.id, failure)
            if not _key_is_spent(payment, stored=failure.replayed):
                return False
            if time.monotonic() - started > _AGAIN_WITHIN_SECONDS and not patient:
                return False
            made = _find_made(payment, patient=patient)
            if made == []:
                renewed = _take_new_key(payment)
                if renewed is None or time.monotonic() - started > _AGAIN_WITHIN_SECONDS:
                    return False
                payment = renewed
                continue
            if not made:
                return False
            [word, *others] = made
        except GatewayRefused as refused:
            renewed = _refused(payment, refused)
            if renewed is None:
                return True
            if time.monotonic() - started > _AGAIN_WITHIN_SECONDS:
                return False
            payment = renewed
            continue
        except GatewayMisconfigured as failure:
            log.error("payment %s: Stripe does not accept our request: %s", payment.id, failure)
            raise_refusal(payment, failure)
            return False
        except GatewayUnavailable as failure:
            log.warning("payment %s: no answer from Stripe (%s)", payment.id, failure)
            return False
        reached("checkout.created")
        known = _record_session(payment, word, unasked=unasked)
        for made_beside in (word, *others):
            if made_beside.id != known:
                _close_stray(payment, made_beside, patient=patient)
        return True


def _record_session(payment: Payment, word: CheckoutSession, *, unasked: bool) -> str | None:
    """Note the session of an open payment that has none; the one that the payment has now.

    Also when an earlier attempt made it and comes late. So whatever session finds another one noted
    is nobody's: it can be closed, and none of those who still look for one will take it.
    """
    moment = clock.now()
    with transaction() as session:
        recorded = session.execute(
            update(Payment)
            .where(
                Payment.id == payment.id,
                Payment.stripe_session_id.is_(None),
                Payment.status == PaymentStatus.PENDING,
            )
            .values(
                stripe_session_id=word.id,
                checkout_url=word.url,
                payable_at=moment,
                server_errors=0,
                updated_at=moment,
            )
            .returning(Payment.id)
        ).first()
        if recorded is not None:
            record_audit(
                session, "payment.session_created", "payment", payment.id, session_id=word.id
            )
            if unasked and not settlement.is_due(payment):
                record(
                    session,
                    CheckoutReady(
                        artwork_id=payment.artwork_id,
                        bid_id=payment.bid_id,
                        payment_id=payment.id,
                        buyer_id=payment.buyer_id,
                        amount_cents=payment.amount_cents,
                        deadline_at=payment.deadline_at,
                    ),
                )
            return word.id
        return session.scalar(select(Payment.stripe_session_id).where(Payment.id == payment.id))


def _close_stray(payment: Payment, word: CheckoutSession, *, patient: bool) -> None:
    """Expire a session that came to light after its payment had another, or was closed.

    Nobody was ever shown its address; should it be paid all the same, a person is told. So they are
    when it cannot be closed: nobody else will.
    """
    try:
        closed = gateway(patient=patient).expire_session(word.id)
    except (GatewayUnavailable, GatewayRefused) as failure:
        log.warning("payment %s: stray session %s stays (%s)", payment.id, word.id, failure)
        _flag_stray(payment, word)
        return
    with transaction() as session:
        row = settlement.lock_payment(session, payment.id)
        record_audit(session, "payment.stray_closed", "payment", row.id, session_id=word.id)
        settlement.apply_session(session, row, closed)


def _flag_stray(payment: Payment, word: CheckoutSession) -> None:
    with transaction() as session:
        raise_attention(
            session,
            STRAY_SESSION,
            f"{STRAY_SESSION}:{word.id}",
            payment.id,
            f"Stripe made a second checkout session {word.id} for this payment and could not be "
            "reached to close it. Nobody knows its address; it lapses by itself within the hour. "
            "The buyer can pay as usual.",
        )


def _waiting_for_session(session: Session, payment: Payment) -> Payment | None:
    """The payment locked, if it still waits for the session of this very attempt."""
    return session.scalar(
        select(Payment)
        .where(Payment.id == payment.id, Payment.attempt == payment.attempt)
        .where(Payment.status == PaymentStatus.PENDING, Payment.stripe_session_id.is_(None))
        .with_for_update()
    )


def _key_is_spent(payment: Payment, *, stored: bool) -> bool:
    """Note a 5xx; whether this attempt's key will never give more."""
    with transaction() as session:
        row = _waiting_for_session(session, payment)
        if row is None:
            return False
        row.server_errors += 1
        return stored or row.server_errors >= _SERVER_ERRORS_PER_KEY


def _find_made(payment: Payment, *, patient: bool) -> list[CheckoutSession] | None:
    """The sessions that Stripe made for a payment all the same, a paid one first; None when it
    cannot tell.

    A key that gives only errors may have made one whose answer was lost. Taking a new key without
    looking would leave two sessions that can be paid.
    """
    try:
        listed = gateway(patient=patient).list_sessions(payment.created_at - _CLOCKS_DIFFER)
    except (GatewayUnavailable, GatewayRefused) as failure:
        log.warning("payment %s: Stripe does not tell its sessions (%s)", payment.id, failure)
        return None
    own = [each.word for each in listed if settlement.made_for(each.word, payment)]
    open_or_paid = [word for word in own if word.status != "expired"]
    return sorted(open_or_paid, key=lambda word: word.status != "complete")


def _take_new_key(payment: Payment) -> Payment | None:
    """The payment with a fresh attempt; None when it went on meanwhile."""
    with transaction() as session:
        row = _waiting_for_session(session, payment)
        if row is not None:
            _renew(session, row)
        return row


def _renew(session: Session, row: Payment, without: str | None = None) -> None:
    moment = clock.now()
    row.attempt += 1
    row.server_errors = 0
    row.idempotency_key = _key(row.id, row.attempt, row.created_at)
    params: dict[str, Any] = {
        name: value for name, value in row.checkout_params.items() if name != without
    }
    params["expires_at"] = int((max(row.deadline_at, moment) + _BACKSTOP).timestamp())
    row.checkout_params = params
    row.updated_at = moment
    record_audit(session, "payment.attempt_renewed", "payment", row.id, attempt=row.attempt)


def _refused(payment: Payment, refused: GatewayRefused) -> Payment | None:
    """Stripe took no effect and will not: a fresh attempt, or None when the payment is closed."""
    with transaction() as session:
        row = settlement.lock_payment(session, payment.id)
        if row.attempt != payment.attempt or row.stripe_session_id is not None:
            return None
        if row.status != PaymentStatus.PENDING:
            return None
        if settlement.is_due(row):
            settlement.close_unpaid(session, row, PaymentEvent.NEVER_CREATED)
            return None
        if refused.parameter == "expires_at" and row.attempt < _MOST_RENEWALS:
            _renew(session, row)
            return row
        if refused.parameter == "customer_email" and "customer_email" in row.checkout_params:
            # Stripe's idea of an address is narrower than ours; its page asks for one then.
            _renew(session, row, without="customer_email")
            return row
        raise_attention(
            session,
            "checkout_refused",
            f"checkout_refused:{row.id}",
            row.id,
            f"Stripe refused to make the checkout page: {refused}",
        )
        settlement.close_unpaid(session, row, PaymentEvent.REFUSED_BY_STRIPE)
        return None


def _key(payment_id: int, attempt: int, created_at: datetime) -> str:
    # The moment tells apart equal numbers of two databases that share one Stripe account.
    return f"payment-{payment_id}-attempt-{attempt}-{int(created_at.timestamp() * 1000)}"
