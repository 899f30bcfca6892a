"""The log of webhook events, and the audit log."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.admin import lists, queries
from app.admin.filtered import filtered_page
from app.admin.forms import OUTCOME_WORDS, AuditFilters, EventFilters
from app.core.access import Who, access, viewer
from app.core.counters import counted
from app.core.errors import Unavailable
from app.payments import service as payments

_DEEDS_PER_PAGE = 50


def add_to(blueprint: Blueprint) -> None:
    """Put these pages into the package's blueprint."""
    blueprint.get("/admin/webhook-events")(events)
    blueprint.get("/admin/webhook-events/<int:event_id>")(event)
    blueprint.post("/admin/webhook-events/<int:event_id>/replay")(replay)
    blueprint.get("/admin/audit-logs")(audit_logs)


@access(Who.ADMIN)
def events() -> ResponseReturnValue:
    """Every webhook event, filtered as the address says."""
    form = EventFilters(request.args)
    form.offer_types(lists.event_types())
    return filtered_page(
        "admin/events.html",
        form,
        lists.webhook_events,
        beside=lambda _page: {"refused": counted("webhooks_refused")},
    )


@access(Who.ADMIN)
def event(event_id: int) -> str:
    """One webhook event, whole."""
    row = lists.webhook_event(event_id)
    return render_template(
        "admin/event.html",
        event=row,
        payload=queries.payload_text(row.payload),
        stripe_address=queries.event_address(row),
    )


@access(Who.ADMIN)
def replay(event_id: int) -> ResponseReturnValue:
    """Handle a stored event again."""
    try:
        outcome = payments.replay_event(event_id, viewer().id)
    except Unavailable as away:
        flash(away.detail, "error")
    else:
        flash(f"Handled again: {dict(OUTCOME_WORDS)[outcome].lower()}.", "success")
    return redirect(url_for("admin.event", event_id=event_id), code=303)


@access(Who.ADMIN)
def audit_logs() -> ResponseReturnValue:
    """What was done, filtered as the address says."""
    return filtered_page(
        "admin/audit_logs.html",
        AuditFilters(request.args),
        lists.audit_logs,
        per_page=_DEEDS_PER_PAGE,
        beside=lambda page: {
            "names": accounts.names(each.user_id for each in page.items if each.user_id)
        },
    )
