"""Indexes for lists, figures and the sweep on tables that grow; bids counted by day."""

import sqlalchemy as sa
from alembic import op

Identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PRICE = [sa.text("coalesce(sold_cents, highest_bid_cents, 0) DESC")]
_NEWEST = [sa.text("created_at DESC"), sa.text("id DESC")]
_NEW = {
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
_OLD = {
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
    _make(_NEW)
    _drop(_OLD)


def downgrade() -> None:
    _make(_OLD)
    _drop(_NEW)
    op.drop_table("bid_days", if_exists=True)
    # How far it had counted: the next table begins at the first bid again.
    op.execute("DELETE FROM counters WHERE name = 'bids.counted_by_day'")


def _make(indexes: dict) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, (table, columns, where) in indexes.items():
            op.create_index(name, table, columns, sqlite_where=_where(where), if_not_exists=True)
        return
    # Bids go on meanwhile, so this may wait for a long report. What an attempt that was broken off
    # finished is kept; what it left half made is no use (`indisvalid` in PostgreSQL's
    # documentation of pg_index) and made anew.
    with op.get_context().autocommit_block():
        patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
        op.execute("SET lock_timeout = '10min'")
        for name, (table, columns, where) in indexes.items():
            if _is_valid(name):
                continue
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, table, columns, postgresql_where=_where(where), postgresql_concurrently=True
            )
        op.execute(f"SET lock_timeout = '{patience}'")


def _is_valid(name: str) -> bool:
    found = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().execute(found, {"name": name}).scalar())


def _drop(indexes: dict) -> None:
    for name, (table, _columns, _where) in indexes.items():
        op.drop_index(name, table, if_exists=True)


def _where(text: str | None) -> sa.TextClause | None:
    return sa.text(text) if text else None
