"""The administrators' first page, its numbers, and what all their pages share."""

from typing import Any

from flask import Blueprint, render_template

from app.admin import (
    alerts,
    lists,
    numbers,
    pages_mails,
    pages_money,
    pages_people,
    pages_records,
    queries,
)
from app.core.access import Who, access
from app.notifications import queries as mails
from app.notifications.states import EmailStatus
from app.payments import queries as payments

blueprint = Blueprint("admin", __name__)
for _pages in (pages_money, pages_records, pages_mails, pages_people):
    _pages.add_to(blueprint)

_WAITING_SHOWN = 5


@blueprint.context_processor
def _shared() -> dict[str, Any]:
    """How much waits for a person: the navigation of every page says it."""
    return {"waiting": payments.attentions_waiting()}


@blueprint.get("/admin")
@access(Who.ADMIN)
def home() -> str:
    """What needs a person, what is alarming, and how things stand."""
    counts = numbers.payments_by_status()
    return render_template(
        "admin/home.html",
        attentions=lists.attentions(1, _WAITING_SHOWN, acknowledged=False),
        alerts=alerts.open_alerts(),
        payments=counts,
        success_rate=numbers.success_rate(counts),
        taken_cents=sum(day.revenue_cents for day in numbers.revenue_by_day()),
        days=numbers.DAYS_SHOWN,
        mails=mails.counts(),
        mail_states=EmailStatus,
        people=queries.people_counts(),
    )


@blueprint.get("/admin/numbers")
@access(Who.ADMIN)
def numbers_page() -> str:
    """The platform in numbers and charts."""
    counts = numbers.payments_by_status()
    return render_template(
        "admin/numbers.html",
        payments=counts,
        success_rate=numbers.success_rate(counts),
        time_to_pay=numbers.time_to_pay(),
        failures=numbers.failures_by_reason(),
        days=list(zip(numbers.revenue_by_day(), numbers.bids_by_day(), strict=True)),
    )
