"""The statements that really run, and how the database goes about them."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

# The words before which a statement reads or changes no table.
_PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_numbers = itertools.count()
_READS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan"}


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
        """How many rows its scans looked at."""
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
    """Carry a statement out, undo it, and tell how PostgreSQL did it."""
    words = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement.text}"
    trial = connection.begin_nested()
    try:
        (found,) = connection.exec_driver_sql(words, statement.parameters).one()
    finally:
        trial.rollback()
    root = found[0]["Plan"]
    steps = list(_steps(root))
    return Plan(steps, root["Shared Hit Blocks"] + root["Shared Read Blocks"])


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
