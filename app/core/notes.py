"""What every process should know and a restart must not forget, a row each, by its name."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, String, delete, exists
from sqlalchemy.orm import Mapped, Session, mapped_column

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


def erase_note(session: Session, name: str) -> None:
    """Forget what was noted."""
    session.execute(delete(Note).where(Note.name == name))


def read_note(name: str) -> Note | None:
    """What is noted under this name, or None."""
    return db.session.get(Note, name, populate_existing=True)


def is_noted(name: str) -> ColumnElement[bool]:
    """The same question as part of another statement."""
    return exists().where(Note.name == name)
