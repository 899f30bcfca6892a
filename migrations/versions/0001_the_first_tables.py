"""The first tables."""

import sqlalchemy as sa
from alembic import op

# SQLite only numbers rows by itself for a column of type INTEGER.
Identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emails",
        sa.Column("id", Identifier, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "payment_required",
                "payment_failed",
                "payment_released",
                "payment_receipt",
                "sale_completed",
                "sale_pending",
                "sale_released",
                "artwork_expired",
                "password_reset",
                "attention_needed",
                name="emailkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("occasion", sa.String(length=400), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "SENT",
                "DEAD",
                name="emailstatus",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_emails_message_id")),
        sa.UniqueConstraint("occasion", name=op.f("uq_emails_occasion")),
    )
    op.create_index("ix_emails_status", "emails", ["status", "id"], unique=False)
    op.create_index(
        "ix_emails_unsent",
        "emails",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING'"),
        sqlite_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "users",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "BUYER",
                "SELLER",
                "ADMIN",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("bidding_suspended_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("user_id", Identifier, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "BROWSER",
                "API",
                name="tokenkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_access_tokens_digest")),
    )
    op.create_index(
        "ix_access_tokens_live",
        "access_tokens",
        ["user_id"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NULL"),
        sqlite_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "artworks",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("seller_id", Identifier, nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("artist_name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("picture_key", sa.String(length=64), nullable=True),
        sa.Column("picture_width", sa.Integer(), nullable=True),
        sa.Column("picture_height", sa.Integer(), nullable=True),
        sa.Column("image_alt", sa.String(length=300), nullable=False),
        sa.Column("threshold_cents", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ACTIVE",
                "PENDING_PAYMENT",
                "SOLD",
                "EXPIRED",
                "ARCHIVED",
                name="artworkstatus",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("highest_bid_cents", sa.Integer(), nullable=True),
        sa.Column("bid_count", sa.Integer(), nullable=False),
        sa.Column("sold_cents", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'SOLD') = (sold_cents IS NOT NULL)", name=op.f("ck_artworks_sold_has_price")
        ),
        sa.CheckConstraint(
            "threshold_cents BETWEEN 50 AND 99999999", name=op.f("ck_artworks_threshold_limits")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["users.id"], name=op.f("fk_artworks_seller_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artworks")),
    )
    op.create_index("ix_artworks_bid_count", "artworks", ["bid_count"], unique=False)
    op.create_index("ix_artworks_category", "artworks", ["category", "created_at"], unique=False)
    op.create_index("ix_artworks_end", "artworks", ["status", "end_at"], unique=False)
    op.create_index("ix_artworks_highest", "artworks", ["highest_bid_cents"], unique=False)
    op.create_index("ix_artworks_newest", "artworks", ["created_at", "id"], unique=False)
    op.create_index("ix_artworks_seller_id", "artworks", ["seller_id", "created_at"], unique=False)
    op.create_index("ix_artworks_status", "artworks", ["status", "created_at"], unique=False)
    op.create_table(
        "audit_logs",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", Identifier, nullable=False),
        sa.Column("user_id", Identifier, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_audit_logs_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_logs")),
    )
    op.create_index("ix_audit_logs_action", "audit_logs", ["action", "id"], unique=False)
    op.create_index(
        "ix_audit_logs_resource", "audit_logs", ["resource_type", "resource_id", "id"], unique=False
    )
    op.create_index("ix_audit_logs_user_id", "audit_logs", ["user_id", "id"], unique=False)
    op.create_table(
        "password_resets",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("user_id", Identifier, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_resets_digest")),
    )
    op.create_index(
        op.f("ix_password_resets_user_id"), "password_resets", ["user_id"], unique=False
    )
    op.create_table(
        "bids",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("artwork_id", Identifier, nullable=False),
        sa.Column("bidder_id", Identifier, nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "OUTBID",
                "WON",
                "RELEASED",
                name="bidstatus",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_cents BETWEEN 50 AND 99999999", name=op.f("ck_bids_amount_limits")
        ),
        sa.ForeignKeyConstraint(
            ["artwork_id"], ["artworks.id"], name=op.f("fk_bids_artwork_id_artworks")
        ),
        sa.ForeignKeyConstraint(["bidder_id"], ["users.id"], name=op.f("fk_bids_bidder_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bids")),
    )
    op.create_index("ix_bids_artwork_id", "bids", ["artwork_id", "status", "id"], unique=False)
    op.create_index("ix_bids_bidder_id", "bids", ["bidder_id", "id"], unique=False)
    op.create_index(
        "ix_bids_released",
        "bids",
        ["bidder_id", "artwork_id"],
        unique=False,
        postgresql_where=sa.text("status = 'RELEASED'"),
        sqlite_where=sa.text("status = 'RELEASED'"),
    )
    op.create_index(
        "uq_bids_won",
        "bids",
        ["artwork_id"],
        unique=True,
        postgresql_where=sa.text("status = 'WON'"),
        sqlite_where=sa.text("status = 'WON'"),
    )
    op.create_table(
        "payments",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("bid_id", Identifier, nullable=False),
        sa.Column("artwork_id", Identifier, nullable=False),
        sa.Column("buyer_id", Identifier, nullable=False),
        sa.Column("seller_id", Identifier, nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "PROCESSING",
                "SUCCEEDED",
                "REFUNDED",
                "CANCELED",
                "FAILED",
                name="paymentstatus",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("server_errors", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("checkout_params", sa.JSON(), nullable=False),
        sa.Column("stripe_session_id", sa.String(length=255), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("payable_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_charge_id", sa.String(length=255), nullable=True),
        sa.Column("failure_reason", sa.String(length=64), nullable=True),
        sa.Column("refunded_cents", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_cents BETWEEN 50 AND 99999999", name=op.f("ck_payments_amount_limits")
        ),
        sa.ForeignKeyConstraint(
            ["artwork_id"], ["artworks.id"], name=op.f("fk_payments_artwork_id_artworks")
        ),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_payments_bid_id_bids")),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["users.id"], name=op.f("fk_payments_buyer_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["users.id"], name=op.f("fk_payments_seller_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("bid_id", name=op.f("uq_payments_bid_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payments_idempotency_key")),
        sa.UniqueConstraint("stripe_session_id", name=op.f("uq_payments_stripe_session_id")),
    )
    op.create_index("ix_payments_artwork_id", "payments", ["artwork_id", "id"], unique=False)
    op.create_index("ix_payments_buyer_id", "payments", ["buyer_id", "id"], unique=False)
    op.create_index(
        "ix_payments_due",
        "payments",
        ["deadline_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
        sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
    )
    op.create_index("ix_payments_status", "payments", ["status", "id"], unique=False)
    op.create_index(
        op.f("ix_payments_stripe_payment_intent_id"),
        "payments",
        ["stripe_payment_intent_id"],
        unique=False,
    )
    op.create_index(
        "uq_payments_captured",
        "payments",
        ["artwork_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('SUCCEEDED', 'REFUNDED')"),
        sqlite_where=sa.text("status IN ('SUCCEEDED', 'REFUNDED')"),
    )
    op.create_index(
        "uq_payments_open",
        "payments",
        ["artwork_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
        sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
    )
    op.create_table(
        "attentions",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("payment_id", Identifier, nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", Identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["users.id"], name=op.f("fk_attentions_acknowledged_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_attentions_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attentions")),
        sa.UniqueConstraint("reference", name=op.f("uq_attentions_reference")),
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("stripe_event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "RECEIVED",
                "APPLIED",
                "NO_EFFECT",
                "FLAGGED",
                "FAILED",
                name="eventoutcome",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("payment_id", Identifier, nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_stripe_events_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
        sa.UniqueConstraint("stripe_event_id", name=op.f("uq_stripe_events_stripe_event_id")),
    )
    op.create_index("ix_stripe_events_type", "stripe_events", ["type", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_stripe_events_type", table_name="stripe_events")
    op.drop_table("stripe_events")
    op.drop_table("attentions")
    op.drop_index(
        "uq_payments_open",
        table_name="payments",
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
        sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
    )
    op.drop_index(
        "uq_payments_captured",
        table_name="payments",
        postgresql_where=sa.text("status IN ('SUCCEEDED', 'REFUNDED')"),
        sqlite_where=sa.text("status IN ('SUCCEEDED', 'REFUNDED')"),
    )
    op.drop_index(op.f("ix_payments_stripe_payment_intent_id"), table_name="payments")
    op.drop_index("ix_payments_status", table_name="payments")
    op.drop_index(
        "ix_payments_due",
        table_name="payments",
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
        sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
    )
    op.drop_index("ix_payments_buyer_id", table_name="payments")
    op.drop_index("ix_payments_artwork_id", table_name="payments")
    op.drop_table("payments")
    op.drop_index(
        "uq_bids_won",
        table_name="bids",
        postgresql_where=sa.text("status = 'WON'"),
        sqlite_where=sa.text("status = 'WON'"),
    )
    op.drop_index(
        "ix_bids_released",
        table_name="bids",
        postgresql_where=sa.text("status = 'RELEASED'"),
        sqlite_where=sa.text("status = 'RELEASED'"),
    )
    op.drop_index("ix_bids_bidder_id", table_name="bids")
    op.drop_index("ix_bids_artwork_id", table_name="bids")
    op.drop_table("bids")
    op.drop_index(op.f("ix_password_resets_user_id"), table_name="password_resets")
    op.drop_table("password_resets")
    op.drop_index("ix_audit_logs_user_id", table_name="audit_logs")
    op.drop_index("ix_audit_logs_resource", table_name="audit_logs")
    op.drop_index("ix_audit_logs_action", table_name="audit_logs")
    op.drop_table("audit_logs")
    op.drop_index("ix_artworks_status", table_name="artworks")
    op.drop_index("ix_artworks_seller_id", table_name="artworks")
    op.drop_index("ix_artworks_newest", table_name="artworks")
    op.drop_index("ix_artworks_highest", table_name="artworks")
    op.drop_index("ix_artworks_end", table_name="artworks")
    op.drop_index("ix_artworks_category", table_name="artworks")
    op.drop_index("ix_artworks_bid_count", table_name="artworks")
    op.drop_table("artworks")
    op.drop_index(
        "ix_access_tokens_live",
        table_name="access_tokens",
        postgresql_where=sa.text("revoked_at IS NULL"),
        sqlite_where=sa.text("revoked_at IS NULL"),
    )
    op.drop_table("access_tokens")
    op.drop_table("users")
    op.drop_table("leases")
    op.drop_index(
        "ix_emails_unsent",
        table_name="emails",
        postgresql_where=sa.text("status = 'PENDING'"),
        sqlite_where=sa.text("status = 'PENDING'"),
    )
    op.drop_index("ix_emails_status", table_name="emails")
    op.drop_table("emails")
