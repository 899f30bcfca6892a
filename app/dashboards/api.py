"""The JSON API of the dashboards."""

from typing import Any

from app.core.access import Who, access, viewer
from app.core.api import ApiBlueprint
from app.dashboards import queries
from app.dashboards.schemas import SellerStats

blueprint = ApiBlueprint(
    "stats", __name__, url_prefix="/api/stats", description="Numbers of one's own business"
)


@blueprint.get("/seller")
@access(Who.SELLER)
@blueprint.response(200, SellerStats)
def seller_stats() -> dict[str, Any]:
    """A seller's artworks by status, revenue, unpaid wins, and the last 30 days."""
    person = viewer()
    numbers = queries.seller_numbers(person.id)
    days = queries.seller_days(person.id)
    return {
        "artworks": {status.value: count for status, count in numbers.artworks.items()},
        "revenue_cents": numbers.revenue_cents,
        "unpaid_wins": numbers.unpaid_wins,
        "bids_by_day": days,
        "revenue_by_day": days,
    }
