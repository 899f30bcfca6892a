"""Favourites: artworks that people keep an eye on."""

import sqlalchemy as sa
from alembic import op

Identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "favourites",
        sa.Column("user_id", Identifier, nullable=False),
        sa.Column("artwork_id", Identifier, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["artwork_id"], ["artworks.id"], name="fk_favourites_artwork_id_artworks"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_favourites_user_id_users"),
        sa.PrimaryKeyConstraint("user_id", "artwork_id", name="pk_favourites"),
    )
    op.create_index("ix_favourites_newest", "favourites", ["user_id", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_favourites_newest", table_name="favourites")
    op.drop_table("favourites")
