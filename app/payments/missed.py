"""Refunds and disputes made known by no webhook: asked for among the events that Stripe keeps.

A sale that is paid for comes to light by asking about its session. What happens to the money
later does not, and may happen months later.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.core.notes import read_note, write_note
from app.core.transaction import transaction
from app.payments.gateway import GatewayRefused, GatewayUnavailable, gateway
from app.payments.models import StripeEvent
from app.payments.pause import recovering
from app.payments.states import EVENTS_ASKED_FOR
from app.payments.webhook import DONE, handle_event
from app.payments.words import SignedEvent

log = logging.getLogger(__name__)

_NOTE = "stripe_events"
_AGAIN_AFTER = timedelta(minutes=10)
# Two clocks differ, and an event may show in the list a little after its time.
_OVERLAP = timedelta(hours=1)
# No longer does Stripe keep them: docs.stripe.com/api/events
_KEPT = timedelta(days=30)


def hear_missed_when_due() -> int:
    """What the sweep does: ask now and then; how many events no webhook had brought.

    Nothing during a recovery: what an event is about may not have been found again.
    """
    note = read_note(_NOTE)
    db.session.close()
    if note is not None and timedelta(0) <= clock.now() - note.noted_at < _AGAIN_AFTER:
        return 0
    return 0 if recovering() else hear_missed(patient=True)


def hear_missed(*, patient: bool = False) -> int:
    """Take in the refunds and disputes that Stripe tells and no webhook brought; how many.

    Asks for what came since it last had an answer, so after a restore for everything since the
    backup. Without an answer nothing changes and the next time asks for the same.
    """
    note, moment = read_note(_NOTE), clock.now()
    db.session.close()
    oldest = moment - _KEPT
    since = oldest if note is None else datetime.fromisoformat(note.content["until"])
    try:
        events = gateway(patient=patient).list_events(
            EVENTS_ASKED_FOR, max(since - _OVERLAP, oldest)
        )
    except (GatewayUnavailable, GatewayRefused) as away:
        log.warning("refunds and disputes could not be asked of Stripe (%s)", away)
        _note(since)
        return 0
    taken = [_take(event) for event in _unheard(events, since)]
    _note(moment if all(taken) else since)
    return sum(taken)


def _note(until: datetime) -> None:
    with transaction() as session:
        write_note(session, _NOTE, {"until": clock.iso(until)})


def _unheard(events: list[SignedEvent], since: datetime) -> list[SignedEvent]:
    heard = set(
        db.session.scalars(
            select(StripeEvent.stripe_event_id).where(
                StripeEvent.type.in_(EVENTS_ASKED_FOR),
                StripeEvent.outcome.in_(DONE),
                StripeEvent.received_at >= since - 2 * _OVERLAP,
            )
        )
    )
    db.session.close()
    return [event for event in events if event.id not in heard]


def _take(event: SignedEvent) -> bool:
    try:
        outcome = handle_event(event)
    except Exception:
        # It is kept as failed; one event that cannot be handled must not keep the others from it.
        log.exception("event %s %s could not be handled", event.id, event.type)
        return False
    log.warning("event %s %s came by no webhook: %s", event.id, event.type, outcome)
    return True
