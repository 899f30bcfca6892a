"""Our clock beside Stripe's: deadlines, and the age of a webhook's signature, hang on it."""

import logging
from datetime import datetime, timedelta

from app.core import clock
from app.core.extensions import db
from app.core.notes import read_note, write_note
from app.core.transaction import transaction
from app.payments.gateway import GatewayRefused, GatewayUnavailable, gateway

log = logging.getLogger(__name__)

# A second or two is the answer's own way; Stripe's webhooks are refused when 300 s apart.
WARN_SECONDS = 5.0
LIMIT_SECONDS = 30.0
_NOTE = "stripe_clock"
_AGAIN_AFTER = timedelta(minutes=10)


def known_skew() -> float | None:
    """How far our clock was ahead of Stripe's, in seconds, when last compared; None: never."""
    note = read_note(_NOTE)
    return None if note is None else float(note.content["skew_seconds"])


def compared_at() -> datetime | None:
    """When Stripe last told the time, which it does only to a key that it accepts; None: never."""
    note = read_note(_NOTE)
    return None if note is None else note.noted_at


def compare_clock(*, patient: bool = False) -> float:
    """Ask Stripe for the time and note the difference; negative when ours is behind.

    Raises GatewayRefused or GatewayUnavailable.
    """
    skew = gateway(patient=patient).measure_skew()
    with transaction() as session:
        write_note(session, _NOTE, {"skew_seconds": round(skew, 1)})
    return skew


def compare_clock_when_due() -> None:
    """What the sweep does: compare now and then, and say so when the clocks differ."""
    note = read_note(_NOTE)
    db.session.close()
    if note is not None and timedelta(0) <= clock.now() - note.noted_at < _AGAIN_AFTER:
        return
    try:
        skew = compare_clock(patient=True)
    except (GatewayRefused, GatewayUnavailable) as away:
        log.warning("the clock could not be compared with Stripe's (%s)", away)
        return
    if abs(skew) > LIMIT_SECONDS:
        log.error("this machine's clock differs from Stripe's by %.0f s; set it right", skew)
