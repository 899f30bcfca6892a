"""Both databases out of and into a file: SQLite's online backup, PostgreSQL's own programs.

Facts: sqlite.org/backup.html, postgresql.org/docs/current/app-pgdump.html and
postgresql.org/docs/current/libpq-envars.html.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.artworks.models import TEXTS, TEXTS_INDEX, TEXTS_INDEXED
from app.operations.archive import Say

_TRIGRAMS = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
_HAS_TRIGRAMS = """
SELECT EXISTS (SELECT FROM pg_opclass WHERE opcname = 'gin_trgm_ops' AND pg_opclass_is_visible(oid))
"""
_PAGES_AT_ONCE = 4096
# sqlite.org/rescode.html
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class DumpFailed(Exception):
    """The database could not be saved or brought back; the message says why and what to do."""


class InUse(Exception):
    """Somebody else is connected to the database."""


def own_engine(url: URL) -> Engine:
    """Connections of this command's own, which end with their use."""
    return create_engine(url, poolclass=NullPool)


def spelling(url: URL) -> Dialect:
    """How statements for this database are spelled out, for programs that take no parameters."""
    dialect: Any = url.get_dialect()
    # Under the driver's own style a % would be doubled.
    made: Dialect = dialect(paramstyle="named")
    return made


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


def load(url: URL, source: Path, kept: Iterable[str], then: Sequence[str]) -> None:
    """Put a saved database in the place of the present one, and run the statements `then` on it:
    all of it or nothing, however this process ends.

    `kept` are the names of the saved tables. `source` may be changed. Raises InUse, or DumpFailed
    with nothing changed.
    """
    if url.get_backend_name() == "sqlite":
        _load_sqlite(url, source, then)
    else:
        _load_postgresql(url, source, set(kept), then)


def _sqlite_file(url: URL) -> Path:
    return Path(str(url.database))


def _dump_sqlite(url: URL, target: Path, say: Say) -> dict[str, int]:
    def progress(_status: int, left: int, total: int) -> None:
        if left:
            say(f"  database: {100 * (total - left) // total} %")

    try:
        with (
            contextlib.closing(sqlite3.connect(_sqlite_file(url), timeout=30)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy, pages=_PAGES_AT_ONCE, progress=progress)
            # One file, without the log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as broken:
        raise DumpFailed(f"the database cannot be read: {broken}") from None
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


def _load_sqlite(url: URL, source: Path, then: Sequence[str]) -> None:
    _check_sqlite(source)
    target = _sqlite_file(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as saved:
        for statement in then:
            saved.execute(statement)
    owner = (target if target.exists() else target.parent).stat()
    fresh = target.with_name(target.name + ".restoring")
    shutil.copyfile(source, fresh)
    hand_over(fresh, owner)
    with contextlib.closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as present:
        try:
            # Refused while another has the file open (sqlite.org/pragma.html#pragma_locking_mode).
            present.execute("PRAGMA locking_mode=EXCLUSIVE")
            # A log that outlives its database is read into the next one of its name, and spoils it.
            present.execute("PRAGMA journal_mode=DELETE")
            present.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as failure:
            if failure.sqlite_errorcode & 0xFF not in _DAMAGED:
                fresh.unlink()
                if failure.sqlite_errorcode & 0xFF in _BUSY:
                    raise InUse from None
                raise DumpFailed(f"the present database: {failure}") from None
            _set_aside(target)
        shutil.copymode(target, fresh)
        _flush(fresh)
        os.replace(fresh, target)
        _flush(target.parent)
        if present.in_transaction:
            present.rollback()


def hand_over(made: Path, like: os.stat_result) -> None:
    """Give what root made to the owner of `like`: the product, whose user it is, must write it."""
    if os.geteuid() == 0:
        os.chown(made, like.st_uid, like.st_gid)


def _set_aside(damaged: Path) -> None:
    """Keep a damaged database under other names, its log with it, which would spoil the next."""
    for ending in ("", "-wal", "-shm", "-journal"):
        file = damaged.with_name(damaged.name + ending)
        if file.exists():
            aside = damaged.with_name(f"{damaged.name}.damaged{ending}")
            aside.unlink(missing_ok=True)
            # Its own name stays until the restored one takes it: there is never none.
            os.link(file, aside)
            if ending:
                file.unlink()


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


def _load_postgresql(url: URL, source: Path, kept: set[str], then: Sequence[str]) -> None:
    with own_engine(url).connect() as connection:
        quoted = connection.dialect.identifier_preparer.quote
        # A later schema's: they would be in the way of the migrations that make them again.
        others = sorted(set(inspect(connection).get_table_names()) - kept)
        drops = [f"DROP TABLE {quoted(table)} CASCADE" for table in others]
        clients = connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        )
        trigrams = _may_have_trigrams(connection)
    if clients:
        raise InUse
    before, script, after = (source.with_name(f"{source.name}.{n}.sql") for n in range(3))
    before.write_text(_script([*drops, *([_TRIGRAMS] if trigrams else [])]))
    chosen = source.with_name(f"{source.name}.list")
    contents = _run_program("pg_restore", "--list", str(source))
    chosen.write_text(_chosen(contents))
    # Whole before anything is run: a pipe that breaks would end the script early, and commit it.
    _run_program(
        "pg_restore",
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        f"--use-list={chosen}",
        f"--file={script}",
        str(source),
    )
    # The script looks for every table under its full name, and leaves it so.
    indexed = trigrams and TEXTS.name in kept
    made = [f"CREATE INDEX {TEXTS_INDEX} ON {TEXTS_INDEXED}"] if indexed else []
    after.write_text(_script(["RESET search_path", *made, *then]))
    _run(
        url,
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        *(f"--file={each}" for each in (before, script, after)),
    )


def _may_have_trigrams(connection: Connection) -> bool:
    """Whether texts can be indexed here as the migrations do it where they can."""
    try:
        # Undone with the connection's transaction.
        connection.execute(text(_TRIGRAMS))
        return bool(connection.scalar(text(_HAS_TRIGRAMS)))
    except DBAPIError:
        return False


def _chosen(contents: str) -> str:
    """What of a saved database is brought back, of the list of its contents.

    No extensions: those that are there may belong to the server's administrator. And not the index
    of texts: it was saved with the name of the schema that had the extension there.
    """
    left_out = (" EXTENSION - ", " COMMENT - EXTENSION ", f" {TEXTS_INDEX} ")
    return "".join(
        f"{line}\n"
        for line in contents.splitlines()
        if not any(words in line for words in left_out)
    )


def _script(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def _run(url: URL, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on our database; the password goes by the environment."""
    address = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    ).render_as_string()
    password = None if url.password is None else str(url.password)
    _run_program(program, f"--dbname={address}", *arguments, password=password)


def _run_program(program: str, *arguments: str, password: str | None = None) -> str:
    """Its output."""
    path = shutil.which(program)
    if path is None:
        raise DumpFailed(
            f"{program} is not on PATH. It comes with PostgreSQL's client "
            "(Debian and Ubuntu: apt install postgresql-client)"
        )
    given = {} if password is None else {"PGPASSWORD": password}
    done = subprocess.run(
        [path, *arguments],
        env=dict(os.environ) | given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DumpFailed(f"{program} said: {done.stderr.strip()[:1000]}")
    return done.stdout


@contextlib.contextmanager
def looking_at(url: URL) -> Iterator[Connection | None]:
    """A connection to look through, None when there is no database yet."""
    if url.get_backend_name() == "sqlite" and not _sqlite_file(url).exists():
        yield None
        return
    engine: Any = own_engine(url)
    with engine.connect() as connection:
        yield connection
