"""The administrators' pages."""

from flask import Blueprint, render_template

from app.admin import numbers, queries
from app.core.access import Who, access

blueprint = Blueprint("admin", __name__)


@blueprint.get("/admin")
@access(Who.ADMIN)
def home() -> str:
    """What needs a person, and how things stand."""
    return render_template(
        "admin/home.html",
        attentions=queries.open_attentions(),
        payments=numbers.payments_by_status(),
        events=queries.latest_events(),
        emails=queries.unsent_emails(),
        people=queries.people_counts(),
        newest=queries.newest_people(),
    )
