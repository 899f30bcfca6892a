"""Statements that are built and compiled once, for what every request or every bid runs.

Building and compiling one anew, and working out each time what its rows look like, takes longer
than the database needs to answer it.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from flask import Request, g, has_app_context
from sqlalchemy import Connection, Executable, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session, SessionTransaction

from app.core.at_hand import notes_at_hand
from app.core.columns import Moment
from app.core.extensions import db

Converter = Callable[[Any], Any]
# By database, for all statements: one moment stands in several of a transaction. All of ours are in
# UTC, where equal ones are the same.
_of_moments: dict[str, Converter] = {}
Found = TypeVar("Found")

# The texts of the statements of which no plan is kept.
planned_for_values: set[str] = set()


class _Compiled:
    """A statement as one kind of database takes it, and its rows as the product takes them."""

    def __init__(
        self,
        statement: Any,
        dialect: Dialect,
        make: Callable[..., Any] | None,
        *,
        for_values: bool,
    ) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        # What psycopg does not prepare is planned whenever it runs
        # (psycopg.org/psycopg3/docs/advanced/prepare.html).
        self.options = {"prepare": False} if for_values and dialect.driver == "psycopg" else {}
        if for_values:
            planned_for_values.add(self.text)
        self._order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._converters: dict[str, Converter] = {}
        self._values: dict[str, Any] = dict(compiled.params)
        for bind, name in compiled.bind_names.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                if isinstance(bind.type, Moment):
                    convert = _of_moments.setdefault(dialect.name, lru_cache(8)(convert))
                self._converters[name] = convert
                if not bind.required:
                    self._values[name] = convert(self._values[name])
        columns = statement.exported_columns
        self.returns_rows = bool(columns)
        self._make: Any = make or namedtuple("Row", columns.keys())
        self._readers: list[tuple[int, Converter]] = []
        for place, column in enumerate(columns):
            read = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if read is not None:
                self._readers.append((place, read))

    def parameters(self, given: dict[str, Any]) -> Any:
        """The values in the driver's own form."""
        values = self._values | given
        for name, convert in self._converters.items():
            if name in given:
                values[name] = convert(given[name])
        return values if self._order is None else tuple([values[name] for name in self._order])

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """The driver's rows with our types, as what is made of them."""
        make = self._make
        if not self._readers or not found:
            return [make(*row) for row in found]
        columns: list[Sequence[Any]] = list(zip(*found, strict=True))
        for place, read in self._readers:
            # NULL is None, whatever the type.
            columns[place] = [None if cell is None else read(cell) for cell in columns[place]]
        return [make(*cells) for cells in zip(*columns, strict=True)]


class Prepared:
    """A statement with `bindparam`s, compiled when a database of a kind first runs it.

    `row` makes something of a row's values; without it a row is a tuple with the columns' names.
    What listens to the engine's statements hears of these too, and an error of the driver is
    raised as SQLAlchemy's. With `for_values` the database plans each execution for its values;
    else it keeps a plan for any.
    """

    def __init__(
        self,
        build: Callable[[], Executable],
        row: Callable[..., Any] | None = None,
        *,
        for_values: bool = False,
    ) -> None:
        self._build = build
        self._row = row
        self._for_values = for_values
        self._compiled: dict[str, _Compiled] = {}

    def run(self, where: Session | Connection, **values: Any) -> Any:
        """Run it inside the transaction of a session or a connection; its first row, or None.

        What was changed in the session's objects and not flushed is not in the database yet.
        """
        if isinstance(where, Session):
            where = where.info.get("writing") or where.connection()
        found = self._run(where, values)
        return found[0] if found else None

    def read(self, **values: Any) -> Any:
        """Its first row or None; see `read_all`."""
        found = self.read_all(**values)
        return found[0] if found else None

    def read_all(self, **values: Any) -> list[Any]:
        """Its rows, with no transaction left open and no round trip to begin one.

        While the session has a transaction open, it reads inside that one and leaves it open.
        Otherwise all reads for one answer share a connection, see `await_body` and `end_reads`.
        """
        # Most requests that only read never make a session.
        if db.session.registry.has() and db.session().in_transaction():
            return self._run(db.session().connection(), values)
        return with_connection(lambda connection: self._run(connection, values))

    def _run(self, connection: Connection, values: dict[str, Any]) -> list[Any]:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(
                self._build(), dialect, self._row, for_values=self._for_values
            )
        given = compiled.parameters(values)
        found = execute(connection, compiled.text, given, compiled.returns_rows, **compiled.options)
        return compiled.rows(found)


def execute(
    connection: Connection,
    text: str,
    given: Any = (),
    returns_rows: bool = False,
    **options: Any,
) -> Sequence[Any]:
    """Run a statement in the driver's own form, with its options; its rows, if it returns any.

    What listens to the engine's statements hears of it, and an error of the driver is raised as
    SQLAlchemy's, as by `Connection.exec_driver_sql`, which takes several times as long.
    """
    listeners = connection.engine.dispatch
    try:
        cursor = _cursor(connection)
        for before in listeners.before_cursor_execute:
            text, given = before(connection, cursor, text, given, None, False)
        cursor.execute(text, given, **options)
        for after in listeners.after_cursor_execute:
            after(connection, cursor, text, given, None, False)
        return cursor.fetchall() if returns_rows else ()
    except connection.dialect.loaded_dbapi.Error as error:
        failed = connection.info.pop("cursor", None)
        raise as_told(error, connection, failed, text) from error


def _cursor(connection: Connection) -> Any:
    # Kept with the driver's connection: psycopg takes long to make one, and to learn its types.
    kept = connection.info
    if "cursor" not in kept:
        kept["cursor"] = connection.connection.cursor()
    return kept["cursor"]


def with_connection(act: Callable[[Connection], Found]) -> Found:
    """What `act` makes of the connection that the request at hand reads by, or of one for it alone.

    See `await_body` and `end_reads`.
    """
    here = notes_at_hand() if has_app_context() else None
    if here is None or "body_is_here" not in here:
        with db.engine.connect() as connection:
            return act(connection)
    reading: Connection | None = here.get("reading")
    if reading is None:
        reading = here.reading = db.engine.connect()
    try:
        return act(reading)
    except DBAPIError:
        # Whatever is wrong with it, the next read begins anew.
        end_reads()
        raise


_WITHOUT_BODY = {"GET", "HEAD"}


def await_body(asked: Request, most: int) -> None:
    """Wait for the body of the request at hand if it is said to have no more than `most` bytes.

    What is sent may come slowly, and no connection should be held meanwhile: once it is here, all
    reads for the answer share one. Raises what reading a body raises.
    """
    if asked.method not in _WITHOUT_BODY:
        length = asked.content_length
        if length is None or length > most:
            return
        asked.get_data(cache=True)
    g.body_is_here = True


def end_reads() -> None:
    """Give back the connection that the request at hand reads by, if it has one.

    Before what may take long, and at the request's end.
    """
    if has_app_context():
        connection = g.pop("reading", None)
        if connection is not None:
            connection.close()


@event.listens_for(db.session, "after_transaction_create")
def _one_at_a_time(_session: Session, _transaction: SessionTransaction) -> None:
    # The session takes a connection next. Requests that hold one while they wait for another could
    # wait for each other.
    end_reads()


def as_told(error: Any, connection: Connection, cursor: Any, text: str) -> StatementError:
    """The driver's error as SQLAlchemy tells it; a connection that is gone is not used again."""
    dialect = connection.dialect
    gone = dialect.is_disconnect(error, connection.connection, cursor)
    told: StatementError = DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=gone,
        dialect=dialect,
    )
    if gone:
        connection.invalidate(error)
    return told
