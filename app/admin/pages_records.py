"""The log of webhook events, and the audit log."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.admin import lists, queries
from app.admin.forms import OUTCOME_WORDS, AuditFilters, EventFilters
from app.core.access import Who, access, viewer
from app.core.counters import counted
from app.core.errors import Unavailable
from app.core.paging import DEFAULT_PER_PAGE
from app.payments import service as payments
from app.payments.states import EventOutcome

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
    right = form.validate()
    chosen = form.chosen if right else {}
    if "outcome" in chosen:
        chosen["outcome"] = EventOutcome(chosen["outcome"])
    page = lists.webhook_events(form.number, DEFAULT_PER_PAGE, **chosen)
    html = render_template(
        "admin/events.html",
        form=form,
        page=page,
        filtered=bool(chosen),
        refused=counted("webhooks_refused"),
    )
    return html, 200 if right else 422


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
    form = AuditFilters(request.args)
    right = form.validate()
    chosen = form.chosen if right else {}
    page = lists.audit_logs(form.number, _DEEDS_PER_PAGE, **chosen)
    html = render_template(
        "admin/audit_logs.html",
        form=form,
        page=page,
        filtered=bool(chosen),
        names=accounts.names(each.user_id for each in page.items if each.user_id),
    )
    return html, 200 if right else 422
