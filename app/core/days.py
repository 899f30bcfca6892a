"""Days in UTC, as both databases reckon them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

from app.core import clock
from app.core.extensions import db


def last_days(count: int) -> list[date]:
    """So many days, today last."""
    today = clock.now().date()
    return [today - timedelta(days=count - 1 - number) for number in range(count)]


def begin(day: date) -> datetime:
    """The first moment of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def day_of(moment: Any) -> ColumnElement[Any]:
    """The day of a column's moment; PostgreSQL would take the session's zone."""
    if db.engine.dialect.name == "sqlite":
        return func.date(moment)
    return func.date(func.timezone(literal_column("'UTC'"), moment))
