"""Both databases out of and into a file: SQLite's online backup, PostgreSQL's own programs.

Facts: sqlite.org/backup.html, postgresql.org/docs/current/app-pgdump.html and
postgresql.org/docs/current/libpq-envars.html.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from app.operations.archive import Say

_PAGES_AT_ONCE = 4096


class DumpFailed(Exception):
    """The database could not be saved or brought back; the message says why and what to do."""


class InUse(Exception):
    """Somebody else is connected to the database."""


def own_engine(url: URL) -> Engine:
    """Connections of this command's own, which end with their use."""
    return create_engine(url, poolclass=NullPool)


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    quoted = connection.dialect.identifier_preparer.quote
    return {
        table: int(connection.scalar(text(f"SELECT count(*) FROM {quoted(table)}")) or 0)  # noqa: S608
        for table in sorted(inspect(connection).get_table_names())
    }


def dump(url: URL, target: Path, say: Say) -> dict[str, int]:
    """Save the database as it is at one moment, while it is in use; the rows by table."""
    if url.get_backend_name() == "sqlite":
        return _dump_sqlite(url, target, say)
    return _dump_postgresql(url, target)


def load(url: URL, source: Path) -> None:
    """Put a saved database in the place of the present one, wholly or not at all.

    Raises InUse, or DumpFailed with nothing changed.
    """
    if url.get_backend_name() == "sqlite":
        _load_sqlite(url, source)
    else:
        _load_postgresql(url, source)


def _sqlite_file(url: URL) -> Path:
    return Path(str(url.database))


def _dump_sqlite(url: URL, target: Path, say: Say) -> dict[str, int]:
    def progress(_status: int, left: int, total: int) -> None:
        if left:
            say(f"  database: {100 * (total - left) // total} %")

    with (
        contextlib.closing(sqlite3.connect(_sqlite_file(url), timeout=30)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, pages=_PAGES_AT_ONCE, progress=progress)
        # One file, without the log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    _check_sqlite(target)
    with own_engine(URL.create("sqlite", database=str(target))).connect() as connection:
        return count_rows(connection)


def _check_sqlite(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        try:
            said = database.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as broken:
            said = str(broken)
    if said != "ok":
        raise DumpFailed(f"the copy of the database is damaged: {said}")


def _load_sqlite(url: URL, source: Path) -> None:
    _check_sqlite(source)
    target = _sqlite_file(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".restoring")
    shutil.copyfile(source, fresh)
    with contextlib.closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as present:
        try:
            # Refused while another has the file open (sqlite.org/pragma.html#pragma_locking_mode).
            present.execute("PRAGMA locking_mode=EXCLUSIVE")
            # A log that outlives its database is read into the next one of its name, and spoils it.
            present.execute("PRAGMA journal_mode=DELETE")
            present.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            fresh.unlink()
            raise InUse from None
        shutil.copymode(target, fresh)
        _flush(fresh)
        os.replace(fresh, target)
        _flush(target.parent)
        present.rollback()


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _dump_postgresql(url: URL, target: Path) -> dict[str, int]:
    with own_engine(url).connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        # The counts and the dump see the same moment.
        moment = connection.scalar(text("SELECT pg_export_snapshot()"))
        counts = count_rows(connection)
        _run(
            url,
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={moment}",
            f"--file={target}",
        )
    return counts


def _load_postgresql(url: URL, source: Path) -> None:
    with own_engine(url).connect() as connection:
        others = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        )
    if others:
        raise InUse
    _run(
        url,
        "pg_restore",
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        str(source),
    )


def drop_other_tables(url: URL, kept: Iterable[str]) -> None:
    """Take away the tables that PostgreSQL has beside those of the backup: a later schema's.

    They would be in the way of the migrations that make them again.
    """
    if url.get_backend_name() == "sqlite":
        return
    with own_engine(url).begin() as connection:
        quoted = connection.dialect.identifier_preparer.quote
        for table in set(inspect(connection).get_table_names()) - set(kept):
            connection.execute(text(f"DROP TABLE {quoted(table)} CASCADE"))


def _run(url: URL, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on our database; the password goes by the environment."""
    path = shutil.which(program)
    if path is None:
        raise DumpFailed(
            f"{program} is not on PATH. It comes with PostgreSQL's client "
            "(Debian and Ubuntu: apt install postgresql-client)"
        )
    address = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    ).render_as_string()
    environment = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(
        [path, f"--dbname={address}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DumpFailed(f"{program} said: {done.stderr.strip()[:1000]}")


@contextlib.contextmanager
def looking_at(url: URL) -> Iterator[Connection | None]:
    """A connection to look through, None when there is no database yet."""
    if url.get_backend_name() == "sqlite" and not _sqlite_file(url).exists():
        yield None
        return
    engine: Any = own_engine(url)
    with engine.connect() as connection:
        yield connection
