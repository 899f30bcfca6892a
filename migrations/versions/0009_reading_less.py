"""Indexes for what ends next, a seller's totals and a person's bids on an artwork; smaller ones."""

import sqlalchemy as sa

from migrations import indexes

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ENDING = [
    sa.text("(CASE status WHEN 'ACTIVE' THEN 0 ELSE 1 END)"),
    sa.text("(CASE status WHEN 'ACTIVE' THEN coalesce(end_at, 'infinity') ELSE 'infinity' END)"),
    sa.text("id DESC"),
]
_PRICE = sa.text("coalesce(sold_cents, highest_bid_cents, 0) DESC")
_EARNINGS = ["seller_id", "paid_at", "id", "status", "amount_cents", "refunded_cents"]
_NEW: indexes.Indexes = {
    "ix_artworks_of_status": ("artworks", ["status", "id"], None),
    "ix_artworks_of_seller": ("artworks", ["seller_id", "id", "status"], None),
    "ix_artworks_of_category": ("artworks", ["category", "id", "status"], None),
    "ix_artworks_most_bids": ("artworks", ["bid_count", "id"], None),
    "ix_artworks_asking_price": ("artworks", [_PRICE, sa.text("id DESC")], None),
    "ix_artworks_ending": ("artworks", _ENDING, None),
    "ix_bids_own": ("bids", ["artwork_id", "bidder_id", "id"], None),
    "ix_payments_earnings": ("payments", _EARNINGS, None),
}
_NEWEST = [sa.text("created_at DESC"), sa.text("id DESC")]
_OLD: indexes.Indexes = {
    "ix_artworks_newest": ("artworks", ["created_at", "id"], None),
    "ix_artworks_status": ("artworks", ["status", "created_at"], None),
    "ix_artworks_seller_id": ("artworks", ["seller_id", "created_at"], None),
    "ix_artworks_category": ("artworks", ["category", "created_at"], None),
    "ix_artworks_bids": ("artworks", ["bid_count", "created_at", "id"], None),
    "ix_artworks_price": ("artworks", [_PRICE, *_NEWEST], None),
    "ix_artworks_end": ("artworks", ["status", "end_at"], None),
    "ix_payments_sales": ("payments", ["seller_id", "paid_at", "id"], None),
}


def upgrade() -> None:
    indexes.make(_NEW)
    indexes.drop(_OLD)


def downgrade() -> None:
    indexes.make(_OLD)
    indexes.drop(_NEW)
