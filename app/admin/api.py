"""The administrators' API."""

from typing import Any

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.queries import Person
from app.admin import alerts, lists, numbers
from app.admin.schemas import (
    AdminUserOut,
    AuditLogIn,
    AuditLogOut,
    EmailOut,
    EmailsIn,
    PlatformStats,
    UserChange,
    UsersIn,
    WebhookEventOut,
    WebhookEventsIn,
)
from app.core.access import Who, access, viewer
from app.core.api import ApiBlueprint, page_of, refuses
from app.core.audit import AuditLog
from app.core.errors import Conflict
from app.core.paging import Page
from app.notifications import queries as mails
from app.notifications import service as notifications
from app.notifications.queries import EmailView
from app.payments import service as payments
from app.payments.models import StripeEvent

blueprint = ApiBlueprint(
    "admin_api", __name__, url_prefix="/api", description="What administrators see and do"
)


@blueprint.get("/stats/platform")
@access(Who.ADMIN)
@blueprint.response(200, PlatformStats)
def platform_stats() -> dict[str, Any]:
    """Success rate, time to pay, failures, revenue, bids and open alerts."""
    counts = numbers.payments_by_status()
    return {
        "payments": {status.value: count for status, count in counts.items()},
        "success_rate": numbers.success_rate(counts),
        "seconds_to_pay": numbers.time_to_pay(),
        "failures_by_reason": numbers.failures_by_reason(),
        "revenue_by_day": numbers.revenue_by_day(),
        "bids_by_day": numbers.bids_by_day(),
        "alerts": alerts.everything_open(),
    }


@blueprint.get("/admin/users")
@access(Who.ADMIN)
@blueprint.arguments(UsersIn, location="query")
@blueprint.response(200, page_of(AdminUserOut))
def users(asked: dict[str, Any]) -> Page[User]:
    """Everybody who has an account, newest first."""
    return lists.users(**asked)


@blueprint.patch("/admin/users/<int:user_id>")
@access(Who.ADMIN)
@blueprint.arguments(UserChange)
@blueprint.response(200, AdminUserOut)
@refuses(Conflict)
def change_user(body: dict[str, Any], user_id: int) -> Person:
    """Give a role, suspend, or let in again."""
    return accounts.change_user(viewer().id, user_id, **body)


@blueprint.get("/admin/webhook-events")
@access(Who.ADMIN)
@blueprint.arguments(WebhookEventsIn, location="query")
@blueprint.response(200, page_of(WebhookEventOut))
def webhook_events(asked: dict[str, Any]) -> Page[StripeEvent]:
    """Every verified webhook event, newest first."""
    return lists.webhook_events(**asked)


@blueprint.post("/admin/webhook-events/<int:event_id>/replay")
@access(Who.ADMIN)
@blueprint.response(200, WebhookEventOut)
def replay(event_id: int) -> StripeEvent:
    """Handle a stored event again; safe at any time."""
    payments.replay_event(event_id, viewer().id)
    return lists.webhook_event(event_id)


@blueprint.get("/admin/emails")
@access(Who.ADMIN)
@blueprint.arguments(EmailsIn, location="query")
@blueprint.response(200, page_of(EmailOut))
def emails(asked: dict[str, Any]) -> Page[EmailView]:
    """The outbox, newest first."""
    return mails.emails(**asked)


@blueprint.post("/admin/emails/<int:email_id>/send")
@access(Who.ADMIN)
@blueprint.response(200, EmailOut)
def send_email(email_id: int) -> EmailView:
    """Send a mail again."""
    notifications.send_again(email_id, viewer().id)
    return mails.email(email_id)


@blueprint.get("/admin/audit-logs")
@access(Who.ADMIN)
@blueprint.arguments(AuditLogIn, location="query")
@blueprint.response(200, page_of(AuditLogOut))
def audit_logs(asked: dict[str, Any]) -> Page[AuditLog]:
    """What was done, newest first."""
    return lists.audit_logs(**asked)
