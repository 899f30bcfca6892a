"""Refunds and disputes made known by no webhook: asked for among the events that Stripe keeps.

A sale that is paid for comes to light by asking about its session. What happens to the money
later does not, and may happen months later.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

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


def hear_missed(*, patient: bool = False, budget_seconds: float = 10.0) -> int:
    """Take in the refunds and disputes that Stripe tells and no webhook brought; how many.

    Asks for what came since the newest that it was told of, so after a restore for everything
    since the backup. After `budget_seconds` no new question begins and no more is taken in. What
    is left then, or without an answer, comes the next time, which asks for the same again.
    """
    ends_at = time.monotonic() + budget_seconds
    note = read_note(_NOTE)
    db.session.close()
    oldest = clock.now() - _KEPT
    since = oldest if note is None else datetime.fromisoformat(note.content["until"])
    # What came by webhook before its sale was found again had nothing to change.
    again = recovering()
    try:
        events, finished = gateway(patient=patient).list_events(
            EVENTS_ASKED_FOR, max(since - _OVERLAP, oldest), budget_seconds
        )
    except (GatewayUnavailable, GatewayRefused) as away:
        log.warning("refunds and disputes could not be asked of Stripe (%s)", away)
        _note(since)
        return 0
    taken = 0
    unheard = _unheard(events, since, again=again)
    for number, event in enumerate(unheard, 1):
        done = _take(event, again=again)
        taken += done
        finished = finished and done
        # However slow Stripe is, one is taken in each time.
        if time.monotonic() >= ends_at and number < len(unheard):
            finished = False
            break
    # Stripe's clock tells: should ours be wrong, nothing is passed over.
    _note(_made_at(events[-1]) if events and finished else since)
    return taken


def _note(until: datetime) -> None:
    with transaction() as session:
        write_note(session, _NOTE, {"until": clock.iso(until)})


def _made_at(event: SignedEvent) -> datetime:
    return datetime.fromtimestamp(int(event.payload["created"]), UTC)


def _unheard(events: list[SignedEvent], since: datetime, *, again: bool) -> list[SignedEvent]:
    done = select(StripeEvent.stripe_event_id).where(
        StripeEvent.type.in_(EVENTS_ASKED_FOR),
        StripeEvent.outcome.in_(DONE),
        StripeEvent.received_at >= since - 2 * _OVERLAP,
    )
    if again:
        done = done.where(StripeEvent.payment_id.is_not(None))
    heard = set(db.session.scalars(done))
    db.session.close()
    return [event for event in events if event.id not in heard]


def _take(event: SignedEvent, *, again: bool) -> bool:
    try:
        outcome = handle_event(event, again=again)
    except Exception:
        # It is kept as failed; one event that cannot be handled must not keep the others from it.
        log.exception("event %s %s could not be handled", event.id, event.type)
        return False
    log.warning("event %s %s came by no webhook: %s", event.id, event.type, outcome)
    return True
