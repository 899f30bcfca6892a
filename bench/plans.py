"""The statements that really run, and how the database goes about them."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, Engine, event

from app.core.statements import planned_for_values

# The words before which a statement reads or changes no table.
_PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_PLACE = re.compile(r"%\((\w+)\)s|%%")
_numbers = itertools.count()
# After so many PostgreSQL weighs a plan for any values.
_PLANS_FOR_VALUES = 5
_READS = {
    "Seq Scan",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Index Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
}


@dataclass(frozen=True)
class Statement:
    """A statement as the driver got it."""

    text: str
    parameters: Any


@dataclass(frozen=True)
class Step:
    """One step of a plan that was carried out.

    `rows` counts those it looked at, those it threw away too, over all its loops. `table` is empty
    for steps that read none.
    """

    kind: str
    table: str
    index: str
    rows: int


@dataclass(frozen=True)
class Plan:
    """How PostgreSQL carried out a statement; `buffers` counts pages of 8 KiB, found or read."""

    steps: list[Step]
    buffers: int

    @property
    def rows(self) -> int:
        """How many rows its scans looked at, and entries of indexes for its bitmaps."""
        return sum(step.rows for step in self.steps if step.kind in _READS)


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that run inside the block, one for each execution."""
    found: list[Statement] = []

    def note(_c: Any, _u: Any, text: str, parameters: Any, _x: Any, many: bool) -> None:
        if _PLANNED.match(text):
            every = parameters if many else [parameters]
            found.extend(Statement(text, each) for each in every)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def postgres_plan(connection: Connection, statement: Statement) -> Plan:
    """Carry a statement out, undo it, and tell how PostgreSQL did it.

    As it does it the sixth time: by then it has weighed a plan for these values against one for
    any (postgresql.org/docs/current/sql-prepare.html), as for all that the product often runs. Or
    the first time, if the product has it planned for its values.
    """
    name = f"planned_{next(_numbers)}"
    words, values = _numbered(statement)
    trial = connection.begin_nested()
    driver: Any = connection.connection.driver_connection
    try:
        given = ", ".join(sql.Literal(value).as_string(driver) for value in values)
        call = f"EXECUTE {name}({given})" if values else f"EXECUTE {name}"
        driver.execute(f"PREPARE {name} AS {words}")
        for _ in range(0 if statement.text in planned_for_values else _PLANS_FOR_VALUES):
            driver.execute(f"EXPLAIN {call}")
        told = driver.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {call}")
        (found,) = told.fetchone()
        driver.execute(f"DEALLOCATE {name}")
    finally:
        trial.rollback()
    root = found[0]["Plan"]
    steps = list(_steps(root))
    return Plan(steps, root["Shared Hit Blocks"] + root["Shared Read Blocks"])


def _numbered(statement: Statement) -> tuple[str, list[Any]]:
    """The statement with its parameters by number, as PREPARE takes them, and their values."""
    values = dict(statement.parameters or {})
    order: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] not in order:
            order.append(found[1])
        return f"${order.index(found[1]) + 1}"

    words = _PLACE.sub(place, statement.text)
    return words, [values[name] for name in order]


def _steps(node: dict[str, Any]) -> Iterator[Step]:
    thrown_away = sum(
        node.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    )
    rows = (node["Actual Rows"] + thrown_away) * node["Actual Loops"]
    yield Step(node["Node Type"], node.get("Relation Name", ""), node.get("Index Name", ""),
               round(rows))  # fmt: skip
    for inner in node.get("Plans", ()):
        yield from _steps(inner)


def sqlite_plan(connection: Connection, statement: Statement) -> list[str]:
    """How SQLite will go about a statement, a line a step (sqlite.org/eqp.html)."""
    # The driver keeps what it prepared, and a kept EXPLAIN does not notice that the schema changed.
    words = f"EXPLAIN QUERY PLAN /* {next(_numbers)} */ {statement.text}"
    return [str(row[3]) for row in connection.exec_driver_sql(words, statement.parameters)]
