"""Reading the outbox."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import TemplateError
from sqlalchemy import func, select

from app.core.errors import NotFound
from app.core.extensions import db
from app.core.figures import Rows, figure_of
from app.core.paging import Page, paginate
from app.notifications import render
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus

log = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class EmailDetails:
    """What a mail says, as its recipient reads it but for secrets; None when unreadable."""

    text: str | None
    html: str | None
    message_id: str
    next_attempt_at: datetime
    facts: dict[str, Any]


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
    page: int,
    per_page: int,
    status: EmailStatus | None = None,
    kind: EmailKind | None = None,
    q: str = "",
) -> Page[EmailView]:
    """The outbox, newest first; only one status or kind, or part of an address, when given."""
    query = select(*_COLUMNS).order_by(Email.id.desc())
    if status is not None:
        query = query.where(Email.status == status)
    if kind is not None:
        query = query.where(Email.kind == kind)
    if q:
        query = query.where(Email.recipient.icontains(q, autoescape=True))
    return paginate(query, page, per_page).map(lambda row: EmailView(*row))


def email(email_id: int) -> EmailView:
    """One mail; raises NotFound."""
    row = db.session.execute(select(*_COLUMNS).where(Email.id == email_id)).one_or_none()
    if row is None:
        raise NotFound
    return EmailView(*row)


def email_details(email_id: int) -> EmailDetails:
    """What an administrator may see of a mail; raises NotFound.

    Without the link of a password reset, and without text when the template cannot be filled.
    """
    row = db.session.get(Email, email_id, populate_existing=True)
    if row is None:
        raise NotFound
    try:
        text, html = render.bodies(row.kind, row.facts, hide_secrets=True)
    except (TemplateError, KeyError, ValueError):
        # Written by a version with other templates: its row can be shown all the same.
        log.warning("mail %s cannot be shown", email_id)
        text, html = None, None
    return EmailDetails(text, html, row.message_id, row.next_attempt_at, row.facts)


def counts() -> dict[EmailStatus, int]:
    """How many mails stand in each status; every status is there."""
    found = {EmailStatus(status): number for status, number in _emails_by_status()}
    return dict.fromkeys(EmailStatus, 0) | found


@figure_of(Email)
def _emails_by_status() -> Rows:
    rows = db.session.execute(select(Email.status, func.count()).group_by(Email.status))
    return [[status.value, int(count)] for status, count in rows]


def oldest_unsent_at() -> datetime | None:
    """Since when the mail that has waited longest is owed; None when nothing is owed."""
    return db.session.scalar(
        select(func.min(Email.created_at)).where(Email.status == EmailStatus.PENDING)
    )
