"""The administrators' lists, newest first."""

from typing import Any

from sqlalchemy import Select, select

from app.accounts.models import User
from app.core.audit import AuditLog
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import Page, paginate
from app.payments.models import StripeEvent


def users(page: int, per_page: int) -> Page[User]:
    """Everybody who has an account."""
    return _rows(select(User).order_by(User.id.desc()), page, per_page)


def webhook_events(page: int, per_page: int) -> Page[StripeEvent]:
    """Every verified webhook event."""
    return _rows(select(StripeEvent).order_by(StripeEvent.id.desc()), page, per_page)


def audit_logs(filters: dict[str, Any], page: int, per_page: int) -> Page[AuditLog]:
    """What was done; `filters` are columns of the audit log and the values asked for."""
    query = select(AuditLog).order_by(AuditLog.id.desc())
    for name, value in filters.items():
        query = query.where(getattr(AuditLog, name) == value)
    return _rows(query, page, per_page)


def _rows(query: Select[*tuple[Any, ...]], page: int, per_page: int) -> Page[Any]:
    return paginate(query, page, per_page).map(lambda row: row[0])


def webhook_event(event_id: int) -> StripeEvent:
    """One webhook event as it is now; raises NotFound."""
    event = db.session.get(StripeEvent, event_id, populate_existing=True)
    if event is None:
        raise NotFound
    return event
