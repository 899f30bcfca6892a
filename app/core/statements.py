"""Statements that are built and compiled once, for what every request or every bid runs.

Building and compiling one anew takes longer than the database needs to answer it.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from app.core.extensions import db

Converter = Callable[[Any], Any]


class _Compiled:
    """A statement as one kind of database takes it."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.text = str(compiled)
        self._order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._converters: dict[str, Converter] = {}
        self._values: dict[str, Any] = dict(compiled.params)
        for bind, name in compiled.bind_names.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._converters[name] = convert
                if not bind.required:
                    self._values[name] = convert(self._values[name])

    def parameters(self, given: dict[str, Any]) -> Any:
        """The values in the driver's own form."""
        values = dict(self._values)
        for name, value in given.items():
            convert = self._converters.get(name)
            values[name] = value if convert is None else convert(value)
        return values if self._order is None else tuple(values[name] for name in self._order)


class Prepared:
    """A statement with `bindparam`s, compiled when a database of a kind first runs it.

    Rows come back as the driver gives them: on SQLite a moment is a text and a truth is 0 or 1.
    """

    def __init__(self, build: Callable[[], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def run(self, session: Session, **values: Any) -> CursorResult[Any]:
        """Run it inside the session's transaction."""
        return self._run(session.connection(), values)

    def read(self, **values: Any) -> Any:
        """Its first row or None, with no transaction left open and no round trip to begin one.

        While the session has a transaction open, it reads inside that one and leaves it open.
        """
        session = db.session()
        if session.in_transaction():
            return self._run(session.connection(), values).first()
        options = {} if db.engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        # SQLite saves nothing by it, and the driver would begin transactions by itself afterwards.
        with db.engine.connect().execution_options(**options) as connection:
            return self._run(connection, values).first()

    def _run(self, connection: Connection, values: dict[str, Any]) -> CursorResult[Any]:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._build(), dialect)
        return connection.exec_driver_sql(compiled.text, compiled.parameters(values))
