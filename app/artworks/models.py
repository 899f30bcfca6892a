"""The table of artworks."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    case,
    column,
    func,
    literal_column,
    table,
    text,
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
        # Every bid writes to each of them. What was listed last has the greatest number.
        Index("ix_artworks_of_status", "status", "id"),
        # The status tells how many are shown without a look at the artworks themselves.
        Index("ix_artworks_of_seller", "seller_id", "id", "status"),
        Index("ix_artworks_most_bids", "bid_count", "id"),
        Index("ix_artworks_of_category", "category", "id", "status"),
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


def time_left() -> tuple[ColumnElement[int], ColumnElement[datetime]]:
    """What "ending soonest" sorts by: 0 for what is open and 1 for what is not; then the end of
    what is open, and infinity for what does not end any more.
    """
    # Literals, as an index has no parameters.
    is_open = literal_column(f"'{ArtworkStatus.ACTIVE}'", Artwork.status.type)
    zero, one = literal_column("0", Integer), literal_column("1", Integer)
    never = literal_column("'infinity'", Artwork.end_at.type)
    return (
        case((is_open, zero), value=Artwork.status, else_=one),
        case((is_open, func.coalesce(Artwork.end_at, never)), value=Artwork.status, else_=never),
    )


# Of `time_left`, written as PostgreSQL gives it back: that is how Alembic compares it.
Index(
    "ix_artworks_ending",
    text("(\nCASE status\n    WHEN 'ACTIVE' THEN 0\n    ELSE 1\nEND)"),
    text(
        "(\nCASE status\n    WHEN 'ACTIVE' THEN COALESCE(end_at, 'infinity')\n"
        "    ELSE 'infinity'\nEND)"
    ),
    Artwork.id.desc(),
)
Index("ix_artworks_asking_price", asking_price().desc(), Artwork.id.desc())


class Favourite(Model):
    """An artwork that somebody keeps an eye on."""

    __tablename__ = "favourites"
    __table_args__ = (Index("ix_favourites_newest", "user_id", "created_at"),)

    user_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"), primary_key=True)
    artwork_id: Mapped[int] = mapped_column(Identifier, ForeignKey("artworks.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


# An artwork's title, artist and description, one below the other, in lower case. PostgreSQL alone
# has this table, and writes it by itself whenever an artwork is listed or edited, see the migration
# that makes it.
TEXTS = table("artwork_texts", column("artwork_id", BigInteger), column("text", Text))
# Of their trigrams, where the server has pg_trgm.
TEXTS_INDEX = "ix_artwork_texts_text"
# What CREATE INDEX is told of it.
TEXTS_INDEXED = f"{TEXTS.name} USING gin (text gin_trgm_ops) WITH (fastupdate = off)"
