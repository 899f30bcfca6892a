"""When the worker does what."""

from datetime import timedelta

from app.core.events import ArtworkReserved, after_commit
from app.core.jobs import hint
from app.jobs.deadlines import settle_what_is_due
from app.jobs.recovery import RecoveryUnderWay, recover
from app.jobs.sweep import COUNTED, MAIL, PAYMENTS, SweepReport, sweep

__all__ = [
    "COUNTED",
    "MAIL",
    "PAYMENTS",
    "RecoveryUnderWay",
    "SweepReport",
    "listen",
    "recover",
    "settle_what_is_due",
    "sweep",
]

_AFTER_THE_WATCH = timedelta(seconds=2)


def listen() -> None:
    """Have every new payment looked after at its deadline by a job as well.

    The worker watches deadlines by itself; the job comes a moment later and finds nothing to do,
    unless that watch has ended.
    """
    after_commit(ArtworkReserved, _schedule_expiry)


def _schedule_expiry(event: ArtworkReserved) -> None:
    at = event.deadline_at + _AFTER_THE_WATCH
    hint("payments", "app.jobs.tasks.settle_payment", event.payment_id, at=at)
