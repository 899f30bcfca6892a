"""INSERT … ON CONFLICT, which both databases know and SQLAlchemy spells per database."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session


def insert_into(session: Session, table: type[Any]) -> Any:
    """An INSERT into `table` that can take `on_conflict_do_nothing` or `…_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql_insert(table)
    return sqlite_insert(table)
