"""Everything the sandbox remembers, in one SQLite database behind one lock.

The lock is what decides every race (pay against expire, two submits at once): whoever gets it
first sees the session open and moves it; the other then sees what became of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    private TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_status ON objects (kind, json_extract(body, '$.status'));
CREATE INDEX IF NOT EXISTS objects_by_intent
    ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    made_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    key TEXT,
    status INTEGER,
    fault TEXT,
    replayed INTEGER NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    first_due REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    ms INTEGER NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_by_event ON attempts (event);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = ("objects", "idempotency", "requests", "deliveries", "attempts", "settings")

Body = dict[str, Any]


class Store:
    """Stripe objects as JSON documents, and the sandbox's own tables."""

    def __init__(self, path: str | None = None) -> None:
        """Open the file at `path`, or a database that lives as long as the process."""
        self._lock = threading.RLock()
        self._depth = 0
        self._after_commit: list[Callable[[], None]] = []
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._db.isolation_level = None
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Give the file back; nothing can be asked afterwards."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that happens inside is kept together or not at all, and nobody else is inside."""
        with self._lock:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._after_commit.clear()
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0
            calls, self._after_commit = self._after_commit, []
        for call in calls:
            call()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call` run once the transaction in hand is kept."""
        self._after_commit.append(call)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and take all its rows."""
        with self._lock:
            return list(self._db.execute(sql, values).fetchall())

    def insert(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one INSERT; the number of the new row."""
        with self._lock:
            return int(self._db.execute(sql, values).lastrowid or 0)

    def add(self, kind: str, body: Body, private: Body | None = None) -> None:
        """Keep a new object under its own id."""
        self.rows(
            "INSERT INTO objects (id, kind, body, private) VALUES (?, ?, ?, ?)",
            (body["id"], kind, json.dumps(body), json.dumps(private or {})),
        )

    def find(self, kind: str, object_id: str) -> Body | None:
        """The object as it is now, or nothing."""
        found = self.rows("SELECT body FROM objects WHERE id = ? AND kind = ?", (object_id, kind))
        return json.loads(found[0][0]) if found else None

    def get(self, kind: str, object_id: str) -> Body:
        """The object, which must be there: another object refers to it."""
        found = self.find(kind, object_id)
        if found is None:
            raise LookupError(f"{kind} {object_id}")
        return found

    def save(self, body: Body) -> None:
        """Replace the object's body."""
        self.rows("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))

    def private(self, object_id: str) -> Body:
        """What the sandbox knows of an object and the API does not show."""
        found = self.rows("SELECT private FROM objects WHERE id = ?", (object_id,))
        return dict(json.loads(found[0][0]))

    def save_private(self, object_id: str, private: Body) -> None:
        """Replace what the API does not show."""
        self.rows("UPDATE objects SET private = ? WHERE id = ?", (json.dumps(private), object_id))

    def all_of(self, kind: str) -> list[Body]:
        """Every object of a kind, oldest first."""
        found = self.rows("SELECT body FROM objects WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(body) for (body,) in found]

    def where(
        self,
        kind: str,
        conditions: Sequence[str],
        values: Sequence[Any],
        limit: int,
        *,
        newest: bool,
    ) -> list[Body]:
        """At most `limit` objects that meet all `conditions` (SQL over `seq` and `body`)."""
        clauses = " AND ".join(["kind = ?", *conditions])
        order = "DESC" if newest else "ASC"
        # Conditions are written by the sandbox's own code; values travel as parameters.
        found = self.rows(
            f"SELECT body FROM objects WHERE {clauses} ORDER BY seq {order} LIMIT ?",  # noqa: S608
            (kind, *values, limit),
        )
        return [json.loads(body) for (body,) in found]

    def seq(self, kind: str, object_id: str) -> int | None:
        """The object's place in the order of making, or nothing."""
        found = self.rows("SELECT seq FROM objects WHERE id = ? AND kind = ?", (object_id, kind))
        return int(found[0][0]) if found else None

    def setting(self, name: str, default: Any) -> Any:
        """A switch of the sandbox as it was last set."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", (name,))
        return json.loads(found[0][0]) if found else default

    def set_setting(self, name: str, value: Any) -> None:
        """Remember a switch."""
        self.rows(
            "INSERT INTO settings VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def forget_everything(self) -> None:
        """Empty every table."""
        with self.transaction():
            for table in TABLES:
                self.rows(f"DELETE FROM {table}")  # noqa: S608
