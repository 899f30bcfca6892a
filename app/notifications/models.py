"""The outbox: every mail the product owes somebody."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Identifier, Moment, one_of
from app.core.extensions import Model
from app.notifications.states import EmailKind, EmailStatus

_UNSENT = text("status = 'PENDING'")


class Email(Model):
    """One mail owed. `facts` is what its template is filled with; it holds no secret."""

    __tablename__ = "emails"
    __table_args__ = (
        Index("ix_emails_unsent", "next_attempt_at", postgresql_where=_UNSENT,
              sqlite_where=_UNSENT),
        Index("ix_emails_status", "status", "id"),
        Index("ix_emails_kind", "kind", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    kind: Mapped[EmailKind] = mapped_column(one_of(EmailKind))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    occasion: Mapped[str] = mapped_column(String(400), unique=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    status: Mapped[EmailStatus] = mapped_column(one_of(EmailStatus))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(Moment)
    claimed_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(String(500))
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
