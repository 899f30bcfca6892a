"""Indexes that are made while the product is at work, for migrations of tables that grow."""

from typing import Any

import sqlalchemy as sa
from alembic import op

# By name: the table, its columns or expressions, and which rows.
Indexes = dict[str, tuple[str, list[Any], str | None]]


def make(indexes: Indexes, **options: Any) -> None:
    """Make those that are not there yet; a migration that was broken off may be run again.

    `options` are what else Alembic is to know of PostgreSQL's.
    """
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
                name, table, columns, postgresql_where=_where(where), postgresql_concurrently=True,
                **options,
            )  # fmt: skip
        op.execute(f"SET lock_timeout = '{patience}'")


def drop(indexes: Indexes) -> None:
    """Drop those that are there."""
    for name, (table, _columns, _where) in indexes.items():
        op.drop_index(name, table, if_exists=True)


def _is_valid(name: str) -> bool:
    found = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().execute(found, {"name": name}).scalar())


def _where(text: str | None) -> sa.TextClause | None:
    return sa.text(text) if text else None
