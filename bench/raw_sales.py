"""The yardstick for webhooks: the statements of one settlement, sent by the driver alone.

They are recorded from a webhook that the product handled, so that they cannot drift from its own,
and replayed for other wins by processes of their own.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event

from app.core.extensions import db
from bench.children import answers
from bench.raw import Statement, connect, plain

_PROCESSES = 2
# Made from a key, so that another sale's cannot be written from this one's.
_MESSAGE_ID = re.compile(r"<[0-9a-f]{40}@.+>")


@dataclass(frozen=True)
class Replay:
    """What to send, for which wins, over how many connections."""

    address: str
    statements: list[Statement]
    recorded_number: int
    numbers: list[int]
    connections: int


@dataclass(frozen=True)
class Replayed:
    """How long each settlement took, and all of them together."""

    milliseconds: list[float]
    wall_seconds: float


def record(settle: Callable[[], None]) -> list[Statement]:
    """What `settle` asks of the database, from reading to the last write; moments are marked."""
    found: list[Statement] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.append((statement, plain(parameters)))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        settle()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return found


def run(replay: Replay) -> Replayed:
    """Settle all of them, shared between processes: threads of one would share its GIL."""
    shares = [
        asdict(replay)
        | {
            "numbers": replay.numbers[number::_PROCESSES],
            "connections": max(1, replay.connections // _PROCESSES),
        }
        for number in range(_PROCESSES)
    ]
    parts = [Replayed(**answer) for answer in answers("bench.raw_sales", shares, 120)]
    return Replayed(
        milliseconds=[value for part in parts for value in part.milliseconds],
        wall_seconds=max(part.wall_seconds for part in parts),
    )


class _Sale:
    """The recorded statements, filled in for one win."""

    def __init__(self, replay: Replay, number: int) -> None:
        self._old = replay.recorded_number
        self._number = number
        self._mails = 0
        self._event_id = 0

    def settle(self, connection: Any, statements: Sequence[Statement], begin: str) -> None:
        """Send them: what is read before the first write stands outside the transaction."""
        cursor = connection.cursor()
        begun = False
        for text, given in statements:
            if not begun and not text.startswith("SELECT"):
                cursor.execute(begin)
                begun = True
            cursor.execute(text, self._filled(text, given))
            row = cursor.fetchone() if " RETURNING " in text or text.startswith("SELECT") else None
            if text.startswith("INSERT INTO stripe_events"):
                assert row is not None
                self._event_id = row[0]
        cursor.execute("COMMIT")
        cursor.close()

    def _filled(self, text: str, given: Any) -> Any:
        named = isinstance(given, dict)
        values = [self._value(each) for each in (given.values() if named else given)]
        if text.startswith("UPDATE stripe_events"):
            # The row is named last, by the number that it was given.
            values[-1] = self._event_id
        return dict(zip(given, values, strict=True)) if named else values

    def _value(self, old: Any) -> Any:
        if isinstance(old, dict):
            return datetime.now().isoformat(" ")
        if isinstance(old, str):
            if _MESSAGE_ID.fullmatch(old):
                self._mails += 1
                return f"<{self._number}.{self._mails}@bench>"
            return old.replace(str(self._old), str(self._number))
        return self._number if old == self._old else old


def _run(replay: Replay) -> Replayed:
    sqlite = replay.address.startswith("sqlite")
    waiting = iter(replay.numbers)
    lock = threading.Lock()
    times: list[float] = []
    failures: list[BaseException] = []
    together = threading.Barrier(replay.connections + 1)

    def work() -> None:
        connection = connect(replay.address)
        together.wait()
        try:
            while True:
                with lock:
                    number = next(waiting, None)
                if number is None:
                    return
                began = time.perf_counter()
                sale = _Sale(replay, number)
                sale.settle(connection, replay.statements, "BEGIN IMMEDIATE" if sqlite else "BEGIN")
                with lock:
                    times.append((time.perf_counter() - began) * 1000)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(replay.connections)]
    for thread in threads:
        thread.start()
    together.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join(90)
    took = time.perf_counter() - began
    if failures:
        raise failures[0]
    return Replayed(times, took)


if __name__ == "__main__":
    json.dump(asdict(_run(Replay(**json.load(sys.stdin)))), sys.stdout)
