"""The table of artworks."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.artworks.states import ArtworkStatus
from app.core.columns import Identifier, Moment, one_of
from app.core.extensions import Model


class Artwork(Model):
    """A listing. The threshold is unreadable unless a query names it: reading it is deliberate."""

    __tablename__ = "artworks"
    __table_args__ = (
        CheckConstraint("threshold_cents BETWEEN 50 AND 99999999", name="threshold_limits"),
        CheckConstraint("(status = 'SOLD') = (sold_cents IS NOT NULL)", name="sold_has_price"),
        Index("ix_artworks_newest", "created_at", "id"),
        Index("ix_artworks_status", "status", "created_at"),
        Index("ix_artworks_seller_id", "seller_id", "created_at"),
        Index("ix_artworks_end", "status", "end_at"),
        Index("ix_artworks_bids", "bid_count", "created_at", "id"),
        Index("ix_artworks_category", "category", "created_at"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    seller_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(String(120))
    artist_name: Mapped[str] = mapped_column(String(120), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(String(40), default="Other")
    picture_key: Mapped[str | None] = mapped_column(String(64))
    picture_width: Mapped[int | None]
    picture_height: Mapped[int | None]
    image_alt: Mapped[str] = mapped_column(String(300), default="")
    threshold_cents: Mapped[int] = mapped_column(deferred=True, deferred_raiseload=True)
    status: Mapped[ArtworkStatus] = mapped_column(one_of(ArtworkStatus))
    end_at: Mapped[datetime | None] = mapped_column(Moment)
    highest_bid_cents: Mapped[int | None]
    bid_count: Mapped[int] = mapped_column(default=0)
    sold_cents: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


def asking_price() -> ColumnElement[int]:
    """What lists are sorted by: what it was sold for, else its highest losing bid, else 0."""
    return func.coalesce(Artwork.sold_cents, Artwork.highest_bid_cents, literal_column("0"))


Index("ix_artworks_price", asking_price().desc(), Artwork.created_at.desc(), Artwork.id.desc())


class Favourite(Model):
    """An artwork that somebody keeps an eye on."""

    __tablename__ = "favourites"
    __table_args__ = (Index("ix_favourites_newest", "user_id", "created_at"),)

    user_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"), primary_key=True)
    artwork_id: Mapped[int] = mapped_column(Identifier, ForeignKey("artworks.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
