"""Reading the outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus


@dataclass(frozen=True)
class EmailView:
    """A mail as administrators see it."""

    id: int
    kind: EmailKind
    to: str
    subject: str
    status: EmailStatus
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


_COLUMNS: tuple[Any, ...] = (
    Email.id,
    Email.kind,
    Email.recipient,
    Email.subject,
    Email.status,
    Email.attempts,
    Email.last_error,
    Email.created_at,
    Email.sent_at,
)


def emails(
    page: int, per_page: int, status: EmailStatus | None = None, kind: EmailKind | None = None
) -> Page[EmailView]:
    """The outbox, newest first; only one status or kind when given."""
    query = select(*_COLUMNS).order_by(Email.id.desc())
    if status is not None:
        query = query.where(Email.status == status)
    if kind is not None:
        query = query.where(Email.kind == kind)
    return paginate(query, page, per_page).map(lambda row: EmailView(*row))


def email(email_id: int) -> EmailView:
    """One mail; raises NotFound."""
    row = db.session.execute(select(*_COLUMNS).where(Email.id == email_id)).one_or_none()
    if row is None:
        raise NotFound
    return EmailView(*row)


def counts() -> dict[EmailStatus, int]:
    """How many mails stand in each status; every status is there."""
    found = dict.fromkeys(EmailStatus, 0)
    for status, number in db.session.execute(
        select(Email.status, func.count()).group_by(Email.status)
    ):
        found[status] = number
    return found


def oldest_unsent_at() -> datetime | None:
    """Since when the mail that has waited longest is owed; None when nothing is owed."""
    return db.session.scalar(
        select(func.min(Email.created_at)).where(Email.status == EmailStatus.PENDING)
    )
