"""Indexes for lists, figures and the sweep on tables that grow; bids counted by day."""

import sqlalchemy as sa
from alembic import op

from migrations import indexes

Identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PRICE = [sa.text("coalesce(sold_cents, highest_bid_cents, 0) DESC")]
_NEWEST = [sa.text("created_at DESC"), sa.text("id DESC")]
_NEW: indexes.Indexes = {
    "ix_artworks_bids": ("artworks", ["bid_count", "created_at", "id"], None),
    "ix_artworks_price": ("artworks", _PRICE + _NEWEST, None),
    "ix_payments_paid_at": ("payments", ["paid_at"], None),
    "ix_payments_seller_id": ("payments", ["seller_id", "status"], None),
    "ix_payments_sales": ("payments", ["seller_id", "paid_at", "id"], None),
    "ix_attentions_waiting": ("attentions", ["id"], "acknowledged_at IS NULL"),
    "ix_attentions_payment_id": ("attentions", ["payment_id", "id"], None),
    "ix_emails_kind": ("emails", ["kind", "id"], None),
    "ix_audit_logs_created_at": ("audit_logs", ["created_at", "id"], None),
    "ix_audit_logs_declines": ("audit_logs", ["created_at"], "action = 'payment.declined'"),
    "ix_users_role": ("users", ["role", "id"], None),
    "ix_users_active": ("users", ["active", "id"], None),
    "ix_access_tokens_expires_at": ("access_tokens", ["expires_at"], None),
    "ix_access_tokens_revoked_at": ("access_tokens", ["revoked_at"], None),
    "ix_password_resets_expires_at": ("password_resets", ["expires_at"], None),
}
_OLD: indexes.Indexes = {
    "ix_artworks_highest": ("artworks", ["highest_bid_cents"], None),
    "ix_artworks_bid_count": ("artworks", ["bid_count"], None),
}


def upgrade() -> None:
    op.create_table(
        "bid_days",
        sa.Column("seller_id", Identifier, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("bids", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seller_id", "day", name="pk_bid_days"),
        # The table stays when the indexes below are broken off.
        if_not_exists=True,
    )
    indexes.make(_NEW)
    indexes.drop(_OLD)


def downgrade() -> None:
    indexes.make(_OLD)
    indexes.drop(_NEW)
    op.drop_table("bid_days", if_exists=True)
    # How far it had counted: the next table begins at the first bid again.
    op.execute("DELETE FROM counters WHERE name = 'bids.counted_by_day'")
