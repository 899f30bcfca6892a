"""The table of bids."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.bidding.states import BidStatus
from app.core.columns import Identifier, Moment, one_of
from app.core.extensions import Model

_WON = text("status = 'WON'")
_RELEASED = text("status = 'RELEASED'")


class Bid(Model):
    """One accepted offer."""

    __tablename__ = "bids"
    __table_args__ = (
        CheckConstraint("amount_cents BETWEEN 50 AND 99999999", name="amount_limits"),
        Index("uq_bids_won", "artwork_id", unique=True, postgresql_where=_WON, sqlite_where=_WON),
        Index("ix_bids_artwork_id", "artwork_id", "status", "id"),
        Index("ix_bids_bidder_id", "bidder_id", "id"),
        Index("ix_bids_own", "artwork_id", "bidder_id", "id"),
        Index("ix_bids_released", "bidder_id", "artwork_id", postgresql_where=_RELEASED,
              sqlite_where=_RELEASED),
        # A number that Stripe has seen is never given again.
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    artwork_id: Mapped[int] = mapped_column(Identifier, ForeignKey("artworks.id"))
    bidder_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"))
    amount_cents: Mapped[int]
    status: Mapped[BidStatus] = mapped_column(one_of(BidStatus))
    created_at: Mapped[datetime] = mapped_column(Moment)
