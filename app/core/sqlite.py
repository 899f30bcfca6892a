"""SQLite, taught to behave as PostgreSQL does where the product relies on it."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from app.core.statements import as_told, end_reads, execute

log = logging.getLogger(__name__)

_BUSY_SECONDS = 5
_WAIT_FOR_WRITERS = f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}"
_WAIT_FOR_NOBODY = "PRAGMA busy_timeout=0"
# What every connection is told.
SQLITE_PRAGMAS = (
    # A bid changes a dozen pages, and each is logged whole. SQLite's own are twice as large. Heard
    # when the file is made, and by no later one (sqlite.org/pragma.html#pragma_page_size).
    "PRAGMA page_size=2048",
    _WAIT_FOR_WRITERS,
    "PRAGMA journal_mode=WAL",
    # FULL, because a webhook is answered once its effect is durable: in WAL mode NORMAL may lose
    # the last commits to a power failure (sqlite.org/pragma.html#pragma_synchronous).
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # So many pages of its log, 8 MB, are copied into the database together; bids change the same
    # pages again and again, and each of those is copied once (sqlite.org/wal.html#ckpt).
    "PRAGMA wal_autocheckpoint=4000",
)
# A transaction of ours takes less than a millisecond. SQLite's own first sleep is one, and each
# further one longer (sqlite.org/src/file/src/main.c, sqliteDefaultBusyCallback). Who waits for long
# is one of many, and each look takes the interpreter from those who read.
_FIRST_SLEEP_SECONDS = 0.0001
_LONGEST_SLEEP_SECONDS = 0.05
_SLEEPS_GROW_BY = 1.5
# One writer at a time, and who finds it busy sleeps and looks again: threads of one process take
# turns instead, and only processes meet in SQLite.
_turn = threading.Lock()


@contextmanager
def writers_turn() -> Iterator[None]:
    """Wait for this process's other writers, for a block that begins a transaction and ends it."""
    has_turn = _turn.acquire(blocking=False)
    if not has_turn:
        # However many wait, there are connections for those who read.
        end_reads()
        # Whoever waits too long goes on, and hears from SQLite that it is locked.
        has_turn = _turn.acquire(timeout=_BUSY_SECONDS)
    try:
        yield
    finally:
        if has_turn:
            _turn.release()


def begin_to_write(connection: Connection) -> None:
    """Begin a transaction as the one writer; wait up to 5 seconds for those of other processes.

    A transaction that read first and wrote later would fail with "database is locked" as soon as
    another writer came between. Raises SQLAlchemy's OperationalError when another writes still.
    Whoever let SQLAlchemy begin, and was refused, closes the connection: it would not begin again.
    """
    began = monotonic()
    seconds = _FIRST_SLEEP_SECONDS
    try:
        _tell(connection, _WAIT_FOR_NOBODY)
        while not _begun(connection, monotonic() - began < _BUSY_SECONDS):
            sleep(seconds)
            seconds = min(seconds * _SLEEPS_GROW_BY, _LONGEST_SLEEP_SECONDS)
    finally:
        _tell(connection, _WAIT_FOR_WRITERS)
    if seconds > _FIRST_SLEEP_SECONDS:
        _note_wait(monotonic() - began)


def _begun(connection: Connection, may_be_busy: bool) -> bool:
    try:
        execute(connection, "BEGIN IMMEDIATE")
    except OperationalError as refusal:
        why: Any = refusal.orig
        # The lowest byte is the kind, the others say more of it (sqlite.org/rescode.html).
        if may_be_busy and why.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def _tell(connection: Connection, pragma: str) -> None:
    """Change how a connection behaves; one that cannot be told is not used again."""
    try:
        connection.connection.driver_connection.execute(pragma).close()  # type: ignore[union-attr]
    except sqlite3.Error as error:
        told = as_told(error, connection, None, pragma)
        connection.invalidate(error)
        raise told from error


def _note_wait(seconds: float) -> None:
    if seconds > current_app.config["SETTINGS"].slow_query_seconds:
        milliseconds = round(seconds * 1000, 1)
        log.warning(
            "slow statement: BEGIN IMMEDIATE, behind another process that wrote",
            extra={"milliseconds": milliseconds},
        )


def tune_sqlite(engine: Engine) -> None:
    """Tell every connection what it has to know, and begin transactions as they ask for it."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN comes too late and is never IMMEDIATE.
        connection.isolation_level = None
        # SQLite's own knows ASCII only (sqlite.org/lang_corefunc.html#lower).
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("begins_to_write"):
            begin_to_write(connection)
        else:
            execute(connection, "BEGIN DEFERRED")


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
