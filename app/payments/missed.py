"""Refunds and disputes made known by no webhook: asked for among the events that Stripe keeps.

A sale that is paid for comes to light by asking about its session. What happens to the money
later does not, and may happen months later.
"""

import logging
import time
from dataclasses import dataclass, replace
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
    since the backup. After `budget_seconds` no new question begins and no more is taken in: the
    next time goes on from there. Without an answer nothing changes and the next time asks again.
    """
    ends_at = time.monotonic() + budget_seconds
    oldest = clock.now() - _KEPT
    reached = _read_reached() or _Reached(oldest)
    # What came by webhook before its sale was found again had nothing to change. It is taken in
    # anew by the first time that comes to its end, be that after the recovery's.
    again = reached.again or recovering()
    reached = replace(reached, again=again)
    try:
        events, listed = gateway(patient=patient).list_events(
            EVENTS_ASKED_FOR,
            max(reached.until - _OVERLAP, oldest),
            budget_seconds,
            reached.older_than,
        )
    except GatewayUnavailable as away:
        log.warning("refunds and disputes could not be asked of Stripe (%s)", away)
        _write_reached(reached)
        return 0
    except GatewayRefused as refused:
        log.warning("Stripe does not list refunds and disputes (%s)", refused)
        # The event to go on from may be too old for Stripe to know.
        _write_reached(_Reached(reached.until, again=again))
        return 0
    taken, finished = 0, True
    unheard = _unheard(events, reached.until, again=again)
    for number, event in enumerate(unheard, 1):
        done = _take(event, again=again)
        taken += done
        finished = finished and done
        if time.monotonic() >= ends_at and number < len(unheard):
            finished = False
            break
    if finished:
        # Stripe's clock tells: should ours be wrong, nothing is passed over.
        newest = reached.newest or (_made_at(events[-1]) if events else reached.until)
        reached = (
            _Reached(newest) if listed else _Reached(reached.until, newest, events[0].id, again)
        )
    _write_reached(reached)
    return taken


@dataclass(frozen=True)
class _Reached:
    """All events up to `until` were taken in; and, of a list that was too long for one time, all
    from `newest` back to `older_than`. `again` when those that changed nothing are to be taken in
    anew.
    """

    until: datetime
    newest: datetime | None = None
    older_than: str | None = None
    again: bool = False


def _read_reached() -> _Reached | None:
    note = read_note(_NOTE)
    db.session.close()
    if note is None:
        return None
    newest = note.content.get("newest")
    return _Reached(
        datetime.fromisoformat(note.content["until"]),
        datetime.fromisoformat(newest) if newest else None,
        note.content.get("older_than"),
        bool(note.content.get("again")),
    )


def _write_reached(reached: _Reached) -> None:
    content = {
        "until": clock.iso(reached.until),
        "newest": clock.iso(reached.newest) if reached.newest else None,
        "older_than": reached.older_than,
        "again": reached.again,
    }
    with transaction() as session:
        write_note(session, _NOTE, content)


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
