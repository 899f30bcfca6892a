"""The one clock of the product: the application server's, in UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with `Z`, to the millisecond: `2026-11-23T14:05:00.000Z`."""
    # Of UTC it ends with +00:00.
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
