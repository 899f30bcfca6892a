"""Whether bids wait, because a backup was restored and Stripe may know of more sales than we do."""

from datetime import datetime

from sqlalchemy import ColumnElement

from app.core.extensions import db
from app.core.notes import is_noted, read_note

RECOVERING = "recovering"


def recovering() -> bool:
    """Whether bids wait for a recovery."""
    found = recovering_since() is not None
    db.session.close()
    return found


def recovering_since() -> datetime | None:
    """When the backup was restored that bids still wait for; None when they do not."""
    note = read_note(RECOVERING)
    return None if note is None else note.noted_at


def recovery_is_on() -> ColumnElement[bool]:
    """The same question as part of another statement."""
    return is_noted(RECOVERING)
