"""Indexes for what every sweep and the administrators' pages look up."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_payments_closed_at", "payments", ["closed_at"])
    op.create_index("ix_stripe_events_payment_id", "stripe_events", ["payment_id", "id"])
    op.create_index("ix_stripe_events_outcome", "stripe_events", ["outcome", "id"])


def downgrade() -> None:
    op.drop_index("ix_stripe_events_outcome", "stripe_events")
    op.drop_index("ix_stripe_events_payment_id", "stripe_events")
    op.drop_index("ix_payments_closed_at", "payments")
