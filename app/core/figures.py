"""Figures about a whole table: counted when asked while it is small, by the worker when it is not.

A figure is a function that gives plain rows (lists of texts, numbers and None). Of a large table
the worker writes the rows into a note once a minute, and who asks reads that: what they cost does
not grow, and every process tells the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.extensions import db
from app.core.notes import Note, read_note, write_note
from app.core.transaction import transaction

# Up to so many rows, counting them takes no longer than looking up what was counted.
COUNTED_WHEN_ASKED = 5_000
# Less than the time from one pass of the worker to the next.
_AGAIN_AFTER = timedelta(seconds=50)
# With no worker at work for so long, who asks counts.
_BELIEVED_FOR = timedelta(minutes=5)
_NOTED_AS = "figures."

Rows = list[list[Any]]


@dataclass(frozen=True)
class _Figure:
    table: Any
    count: Callable[[], Rows]


_FIGURES: dict[str, _Figure] = {}


def figure_of(table: Any) -> Callable[[Callable[[], Rows]], Callable[[], Rows]]:
    """Make a function a figure about all rows of `table`, known by the function's name."""

    def register(count: Callable[[], Rows]) -> Callable[[], Rows]:
        name = count.__name__.removeprefix("_")
        _FIGURES[name] = _Figure(table, count)

        @wraps(count)
        def read() -> Rows:
            if not _is_large(table):
                return count()
            note = read_note(_NOTED_AS + name)
            if note is None or not _is_within(_BELIEVED_FOR, note.noted_at):
                return count()
            rows: Rows = note.content["rows"]
            return rows

        return read

    return register


def count_figures() -> int:
    """Count anew what was last counted nearly a minute ago; how many figures were counted."""
    counted = 0
    for name, figure in _FIGURES.items():
        if not _is_large(figure.table):
            continue
        at = db.session.scalar(select(Note.noted_at).where(Note.name == _NOTED_AS + name))
        if at is not None and _is_within(_AGAIN_AFTER, at):
            continue
        rows = figure.count()
        with transaction() as session:
            write_note(session, _NOTED_AS + name, {"rows": rows})
        counted += 1
    db.session.close()
    return counted


def _is_within(time: timedelta, noted_at: datetime) -> bool:
    # What a clock that was wrong noted in the future is as good as old.
    return timedelta(0) <= clock.now() - noted_at < time


def _is_large(table: Any) -> bool:
    # Numbers may have gaps: there are never more rows than this.
    return (db.session.scalar(select(func.max(table.id))) or 0) > COUNTED_WHEN_ASKED
