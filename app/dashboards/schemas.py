"""The JSON shapes of the dashboards."""

from marshmallow import Schema, fields

from app.artworks.states import ArtworkStatus
from app.core.api import Amount

ArtworkCounts = Schema.from_dict(
    {status.value: fields.Integer() for status in ArtworkStatus}, name="ArtworkCounts"
)


class BidsOfDay(Schema):
    """How many bids came on one day in UTC."""

    day = fields.Date()
    count = fields.Integer(attribute="bids")


class RevenueOfDay(Schema):
    """What was taken on one day in UTC."""

    day = fields.Date()
    amount = Amount(attribute="revenue_cents")


class SellerStats(Schema):
    """A seller's numbers."""

    artworks = fields.Nested(ArtworkCounts)
    revenue = Amount(attribute="revenue_cents")
    unpaid_wins = fields.Integer()
    bids_by_day = fields.List(fields.Nested(BidsOfDay))
    revenue_by_day = fields.List(fields.Nested(RevenueOfDay))
