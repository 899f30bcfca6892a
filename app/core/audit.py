"""Who did what to which thing, written in the transaction that did it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Connection, ForeignKey, Index, String, bindparam, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.columns import Identifier, Moment
from app.core.extensions import Model
from app.core.statements import Prepared

_DECLINES = text("action = 'payment.declined'")


class AuditLog(Model):
    """One deed. `user_id` is empty when the product itself did it."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("ix_audit_logs_resource", "resource_type", "resource_id", "id"),
        Index("ix_audit_logs_action", "action", "id"),
        Index("ix_audit_logs_user_id", "user_id", "id"),
        Index("ix_audit_logs_created_at", "created_at", "id"),
        Index("ix_audit_logs_declines", "created_at", postgresql_where=_DECLINES,
              sqlite_where=_DECLINES),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    action: Mapped[str] = mapped_column(String(64))
    resource_type: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[int] = mapped_column(Identifier)
    user_id: Mapped[int | None] = mapped_column(Identifier, ForeignKey("users.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Moment)


def _write() -> Any:
    logs: Any = AuditLog.__table__
    columns = ("action", "resource_type", "resource_id", "user_id", "details", "created_at")
    return insert(logs).values({name: bindparam(name) for name in columns})


_WRITE = Prepared(_write)


def record_audit(
    where: Session | Connection,
    action: str,
    resource_type: str,
    resource_id: int,
    user_id: int | None = None,
    **details: Any,
) -> None:
    """Write one audit row. `details` never holds a threshold, a password or a token."""
    _WRITE.run(
        where,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        user_id=user_id,
        details=details,
        created_at=clock.now(),
    )
