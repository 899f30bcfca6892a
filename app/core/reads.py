"""Reads that are built and compiled once, for the pages and lists that everybody looks at."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect

from app.core.extensions import db
from app.core.statements import Prepared

T = TypeVar("T")


class Read(Prepared, Generic[T]):
    """A SELECT with `bindparam`s; `row` makes something of a row's values, as Python has them."""

    def __init__(self, build: Callable[[], Select[Any]], row: Callable[..., T]) -> None:
        super().__init__(build)
        self._select = build
        self._row = row
        self._converted: dict[str, list[tuple[int, Callable[[Any], Any]]]] = {}

    def all(self, **values: Any) -> list[T]:
        """Every row, with no transaction left open and no round trip to begin one."""
        session = db.session()
        if session.in_transaction():
            return self._rows(session.connection(), values)
        # SQLite saves nothing by it, and the driver would begin transactions by itself afterwards.
        options = {} if db.engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        with db.engine.connect().execution_options(**options) as connection:
            return self._rows(connection, values)

    def one_or_none(self, **values: Any) -> T | None:
        """The only row, or None."""
        found = self.all(**values)
        return found[0] if found else None

    def _rows(self, connection: Connection, values: dict[str, Any]) -> list[T]:
        found = self._run(connection, values).all()
        converters = self._converters(connection.dialect)
        make = self._row
        if not converters:
            return [make(*row) for row in found]
        rows = []
        for row in found:
            cells = list(row)
            for place, convert in converters:
                cells[place] = convert(cells[place])
            rows.append(make(*cells))
        return rows

    def _converters(self, dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
        known = self._converted.get(dialect.name)
        if known is None:
            processors = [
                column.type.dialect_impl(dialect).result_processor(dialect, None)
                for column in self._select().selected_columns
            ]
            known = self._converted[dialect.name] = [
                (place, convert) for place, convert in enumerate(processors) if convert is not None
            ]
        return known
