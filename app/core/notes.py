"""What every process should know and a restart must not forget, a row each, by its name."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, String, delete, exists, type_coerce
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.schema import CreateTable

from app.core import clock
from app.core.columns import Moment
from app.core.extensions import Model, db
from app.core.upsert import insert_into


class Note(Model):
    """One thing known, and since when."""

    __tablename__ = "notes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    noted_at: Mapped[datetime] = mapped_column(Moment)


def write_note(session: Session, name: str, content: dict[str, Any]) -> None:
    """Note something, in place of what was noted under this name."""
    values = {"content": content, "noted_at": clock.now()}
    session.execute(
        insert_into(session, Note)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


def note_as_sql(dialect: Dialect, name: str, content: dict[str, Any]) -> list[str]:
    """Statements that note something in a database that is not ours yet, a backup's: complete, to
    be run by any program.

    What was noted under this name before keeps its content. The table is made where an earlier
    schema lacks it.
    """
    insert = postgresql_insert if dialect.name == "postgresql" else sqlite_insert
    # SQLAlchemy spells no JSON out for SQLite.
    text = type_coerce(json.dumps(content), String)
    note = insert(Note).values(name=name, content=text, noted_at=clock.now())
    kept = note.on_conflict_do_update(
        index_elements=["name"], set_={"noted_at": note.excluded.noted_at}
    )
    table: Any = Note.__table__
    return [
        str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)),
        str(kept.compile(dialect=dialect, compile_kwargs={"literal_binds": True})),
    ]


def erase_note(session: Session, name: str) -> None:
    """Forget what was noted."""
    session.execute(delete(Note).where(Note.name == name))


def read_note(name: str) -> Note | None:
    """What is noted under this name, or None."""
    return db.session.get(Note, name, populate_existing=True)


def is_noted(name: str) -> ColumnElement[bool]:
    """The same question as part of another statement."""
    return exists().where(Note.name == name)
