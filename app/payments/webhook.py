"""Stripe's events: verified, stored and applied in one transaction, answered only then."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.artworks import queries as artworks
from app.core import clock
from app.core.audit import record_audit
from app.core.counters import count
from app.core.crash_points import reached
from app.core.errors import NotFound, Unavailable
from app.core.events import PaymentDeclined, record
from app.core.extensions import db
from app.core.statements import Prepared
from app.core.traces import following
from app.core.transaction import transaction
from app.core.upsert import insert_into
from app.payments import expiry, settlement
from app.payments.attention import raise_attention
from app.payments.found import Known, found_payment, is_made_elsewhere, payment_numbered
from app.payments.gateway import GatewayRefused, GatewayUnavailable, InvalidSignature, gateway
from app.payments.models import Payment, StripeEvent
from app.payments.states import CAPTURED, OPEN, EventOutcome, PaymentStatus
from app.payments.words import CheckoutSession, SignedEvent, read_session

log = logging.getLogger(__name__)

DONE = (EventOutcome.APPLIED, EventOutcome.NO_EFFECT, EventOutcome.FLAGGED)

# What an event does to its locked payment, inside the transaction that stores the event.
Effect = Callable[[Session, Payment], EventOutcome]


def _insert_or_count() -> Any:
    columns = ("stripe_event_id", "type", "payload", "received_at")
    return (
        insert_into(db.session(), StripeEvent)
        .values({name: bindparam(name) for name in columns})
        .values(outcome=EventOutcome.RECEIVED, attempts=1)
        .on_conflict_do_update(
            index_elements=["stripe_event_id"], set_={"attempts": StripeEvent.attempts + 1}
        )
        .returning(StripeEvent.id, StripeEvent.outcome)
    )


def _write_outcome() -> Any:
    events: Any = StripeEvent.__table__
    columns = ("outcome", "payment_id", "handled_at")
    return (
        update(events)
        .where(events.c.id == bindparam("stored_id"))
        .values({name: bindparam(name) for name in columns})
        .values(last_error=None)
    )


_INSERT_OR_COUNT = Prepared(_insert_or_count)
_WRITE_OUTCOME = Prepared(_write_outcome)


def receive_event(body: bytes, signature: str) -> EventOutcome:
    """Take one webhook request. When this returns, its effect is durable.

    Raises InvalidSignature with no effect; any other error leaves no effect either, and the
    request must then be answered so that Stripe sends it again.
    """
    try:
        event = gateway().verify_event(body, signature)
    except InvalidSignature:
        count("webhooks_refused")
        raise
    reached("webhook.verified")
    outcome = handle_event(event)
    reached("webhook.before_answer")
    return outcome


def replay_event(event_id: int, admin_id: int) -> EventOutcome:
    """Handle a stored event again; safe at any time.

    Raises NotFound, Unavailable when Stripe must be asked and gives no answer.
    """
    stored = db.session.get(StripeEvent, event_id)
    db.session.close()
    if stored is None:
        raise NotFound
    payload = dict(stored.payload)
    event = SignedEvent(
        id=stored.stripe_event_id,
        type=stored.type,
        livemode=bool(payload.get("livemode")),
        thing=dict(payload["data"]["object"]),
        payload=payload,
    )
    with transaction() as session:
        record_audit(session, "webhook.replayed", "stripe_event", event_id, admin_id)
    try:
        return handle_event(event, again=True)
    except GatewayUnavailable as away:
        raise Unavailable("Stripe gave no answer. Try again in a moment.") from away


def handle_event(event: SignedEvent, *, again: bool = False) -> EventOutcome:
    """Store an event that is Stripe's and do what it asks for, in one transaction.

    What was done before is not done again, unless `again`. Raises GatewayUnavailable when Stripe
    must be asked and gives no answer; the event is kept as failed then.
    """
    try:
        found = found_payment(event)
        if found is not None and is_made_elsewhere(event, found):
            found = None
        with following(found.request_id if found else None):
            outcome = _apply(event, found, again=again)
            about = found.id if found else None
            log.info("webhook %s %s: payment %s, %s", event.id, event.type, about, outcome)
            return outcome
    except Exception as failure:
        _note_failure(event, failure)
        raise


def _apply(event: SignedEvent, found: Known | None, *, again: bool) -> EventOutcome:
    effect = _prepare(event, found) if found is not None else None
    with transaction() as session:
        stored_id, outcome = _store(session, event)
        if outcome in DONE and not again:
            return outcome
        if outcome == EventOutcome.APPLIED and event.type == "payment_intent.payment_failed":
            # A decline is an occurrence, not a state: told twice it would count twice.
            return outcome
        outcome = EventOutcome.NO_EFFECT
        if effect is not None and found is not None:
            outcome = effect(session, settlement.lock_payment(session, found.id))
        _WRITE_OUTCOME.run(
            session,
            stored_id=stored_id,
            outcome=outcome,
            payment_id=found.id if found else None,
            handled_at=clock.now(),
        )
        reached("webhook.before_commit")
        return outcome


def _store(session: Session, event: SignedEvent) -> tuple[int, EventOutcome]:
    """Insert the event, or count one more delivery; either way its row is locked from here on."""
    row = _INSERT_OR_COUNT.run(
        session,
        stripe_event_id=event.id,
        type=event.type[:100],
        payload=event.payload,
        received_at=clock.now(),
    )
    return row.id, row.outcome


def _note_failure(event: SignedEvent, failure: Exception) -> None:
    """Keep the event and why it failed for the log of events; Stripe will send it again."""
    try:
        with transaction() as session:
            stored_id, outcome = _store(session, event)
            if outcome not in DONE:
                session.execute(
                    update(StripeEvent)
                    .where(StripeEvent.id == stored_id)
                    .values(outcome=EventOutcome.FAILED, last_error=type(failure).__name__)
                )
    except SQLAlchemyError:
        log.warning("webhook %s failed, and that could not be noted", event.id)


def _prepare(event: SignedEvent, found: Known) -> Effect | None:
    """What the event will do; whatever must be asked of Stripe is asked here, before."""
    payment_id = found.id
    match event.type:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return _session_effect(_completed_session(event, found))
        case "checkout.session.async_payment_failed":
            if _status(payment_id) in OPEN:
                return _session_effect(_present_session(str(event.thing.get("id")), payment_id))
            said = read_session(event.thing)
            # Too late to matter; the table of moves refuses it, and the audit says so.
            return _session_effect(replace(said, funds_failed=True))
        case "checkout.session.expired":
            if found.session_id is None and _status(payment_id) in OPEN:
                # The present attempt's may be another one.
                expiry.settle_payment(payment_id)
            return _session_effect(_present_session(str(event.thing.get("id")), payment_id))
        case "payment_intent.payment_failed":
            return lambda session, payment: _decline(session, payment, event)
        case "charge.refunded":
            if _status(payment_id) in OPEN:
                expiry.settle_payment(payment_id)
            return _refund_effect(event, _own_session(payment_id))
        case "charge.dispute.created":
            return lambda session, payment: _dispute(session, payment, event)
        case _:
            return None


def _session_effect(word: CheckoutSession | None) -> Effect | None:
    if word is None:
        return None
    return lambda session, payment: settlement.apply_session(session, payment, word)


def _completed_session(event: SignedEvent, found: Known) -> CheckoutSession | None:
    said = read_session(event.thing)
    if found.session_id is None:
        # Only the metadata ties this session to the payment: Stripe itself must confirm it.
        return _retrieve(said.id, found.id)
    return said


def _present_session(session_id: str, payment_id: int) -> CheckoutSession | None:
    """The session as Stripe has it now; None when that no longer matters or it has none such."""
    return _retrieve(session_id, payment_id) if _status(payment_id) in OPEN else None


def _retrieve(session_id: str, payment_id: int) -> CheckoutSession | None:
    """The session as Stripe has it now; None when it has none such, or it is another sale's."""
    try:
        word = gateway().retrieve_session(session_id)
    except GatewayRefused:
        return None
    found = payment_numbered(payment_id)
    return word if found is not None and found.made(word.sale, word.success_url) else None


def _own_session(payment_id: int) -> CheckoutSession | None:
    """The open payment's session as Stripe has it now; None when it has none or is closed."""
    known = db.session.scalar(select(Payment.stripe_session_id).where(Payment.id == payment_id))
    db.session.close()
    return None if known is None else _present_session(known, payment_id)


def _refund_effect(event: SignedEvent, word: CheckoutSession | None) -> Effect:
    """A refund that comes before the news of its sale brings that news along."""

    def effect(session: Session, payment: Payment) -> EventOutcome:
        if word is not None and payment.status in OPEN:
            settlement.apply_session(session, payment, word)
        return _refund(session, payment, event)

    return effect


def _status(payment_id: int) -> PaymentStatus:
    status = db.session.scalars(select(Payment.status).where(Payment.id == payment_id)).one()
    db.session.close()
    return status


def _decline(session: Session, payment: Payment, event: SignedEvent) -> EventOutcome:
    if payment.status != PaymentStatus.PENDING or settlement.is_due(payment):
        return EventOutcome.NO_EFFECT
    problem: dict[str, Any] = event.thing.get("last_payment_error") or {}
    reason = str(problem.get("decline_code") or problem.get("code") or "card_declined")[:64]
    payment.failure_reason = reason
    payment.updated_at = clock.now()
    record_audit(session, "payment.declined", "payment", payment.id, reason=reason)
    record(
        session,
        PaymentDeclined(
            payment_id=payment.id,
            artwork_id=payment.artwork_id,
            artwork_title=artworks.titles([payment.artwork_id])[payment.artwork_id],
            buyer_id=payment.buyer_id,
            amount_cents=payment.amount_cents,
            reason=reason,
            deadline_at=payment.deadline_at,
            occurrence=event.id,
        ),
    )
    return EventOutcome.APPLIED


def _refund(session: Session, payment: Payment, event: SignedEvent) -> EventOutcome:
    if payment.status not in CAPTURED:
        raise_attention(
            session,
            "refund_without_sale",
            f"refund_without_sale:{payment.id}",
            payment.id,
            "Stripe reports a refund for a payment that is not recorded as paid.",
        )
        return EventOutcome.FLAGGED
    payment.stripe_charge_id = payment.stripe_charge_id or str(event.thing.get("id"))
    return settlement.apply_refund(session, payment, int(event.thing.get("amount_refunded") or 0))


def _dispute(session: Session, payment: Payment, event: SignedEvent) -> EventOutcome:
    raise_attention(
        session,
        "dispute",
        f"dispute:{event.thing.get('id')}",
        payment.id,
        f"The buyer's bank disputes this payment ({event.thing.get('reason') or 'no reason given'}"
        "). Answer it in the Stripe dashboard before its deadline.",
    )
    return EventOutcome.FLAGGED
