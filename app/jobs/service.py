"""When the worker does what."""

from app.core.events import ArtworkReserved, after_commit
from app.core.jobs import hint
from app.jobs.sweep import SweepReport, sweep

__all__ = ["SweepReport", "listen", "sweep"]


def listen() -> None:
    """Wake the worker at the deadline of every new payment."""
    after_commit(ArtworkReserved, _schedule_expiry)


def _schedule_expiry(event: ArtworkReserved) -> None:
    hint("payments", "app.jobs.tasks.settle_payment", event.payment_id, at=event.deadline_at)
