"""Notes that a restart must not forget; which request an e-mail and a sale came from; numbers of
bids and payments that are never given twice."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBERED = ("bids", "payments")
_PLAIN = "\tid INTEGER NOT NULL,"
# SQLAlchemy gives such a key no name either.
_NEVER_TWICE = "\tid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,"


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_notes"),
        # A restore notes in a backup without this table that bids have to wait.
        if_not_exists=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in _NUMBERED:
            key = f"CONSTRAINT pk_{table} PRIMARY KEY (id), \n\t"
            _make_anew(table, {_PLAIN: _NEVER_TWICE, key: ""})
    for table in ("emails", "payments"):
        op.add_column(table, sa.Column("request_id", sa.String(64), nullable=True))


def downgrade() -> None:
    for table in ("payments", "emails"):
        op.drop_column(table, "request_id")
    if op.get_bind().dialect.name == "sqlite":
        for table in _NUMBERED:
            key = f"CONSTRAINT pk_{table} PRIMARY KEY (id), \n\t"
            first = f"CONSTRAINT ck_{table}_amount_limits"
            _make_anew(table, {_NEVER_TWICE: _PLAIN, first: key + first})
    op.drop_table("notes")


def _make_anew(table: str, changes: dict[str, str]) -> None:
    """Change what SQLite cannot alter, in the order that sqlite.org/lang_altertable.html gives."""
    run = op.get_bind().exec_driver_sql
    made = run("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).scalar()
    kept = run(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') "
        "AND sql IS NOT NULL",
        (table,),
    ).all()
    for before, after in changes.items():
        if before not in made:
            raise RuntimeError(f"{table} is not made as this migration expects: {before}")
        made = made.replace(before, after)
    made = re.sub(r'^CREATE TABLE "?\w+"?', f"CREATE TABLE {table}_anew", made)
    run(made)
    columns = ", ".join(row[1] for row in run(f"PRAGMA table_info({table})"))
    run(f"INSERT INTO {table}_anew ({columns}) SELECT {columns} FROM {table}")  # noqa: S608
    run(f"DROP TABLE {table}")
    run(f"ALTER TABLE {table}_anew RENAME TO {table}")
    for (statement,) in kept:
        run(statement)
