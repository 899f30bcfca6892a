"""`flask doctor`: one finding a line, each with how to mend it. No finding holds a secret."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import requests
from flask import current_app
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.artworks.models import TEXTS_INDEX, TEXTS_INDEXED
from app.config import Settings
from app.core.extensions import db
from app.core.lease import try_to_write
from app.core.schema import UPGRADE, Schema, find_schema, newest_revision

log = logging.getLogger(__name__)

_MEGABYTE = 1_000_000
_DISK_FAIL, _DISK_WARN = 200 * _MEGABYTE, 1000 * _MEGABYTE
_KEY_LENGTH, _KEY_VARIETY = 32, 10
_OLDEST_POSTGRESQL = 130_000
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found, and how to mend it when it is not well."""

    check: str
    level: Level
    said: str
    mend: str = ""


Check = Callable[[Settings], Finding]


def ok(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, said)


def warn(check: str, said: str, mend: str) -> Finding:
    """It works, and should be looked at."""
    return Finding(check, Level.WARN, said, mend)


def fail(check: str, said: str, mend: str) -> Finding:
    """It does not work, or loses something."""
    return Finding(check, Level.FAIL, said, mend)


def waits(check: str) -> Finding:
    """It cannot be looked at before the tables are there."""
    return warn(check, "waits for the schema", f"run: {UPGRADE}; then ask again")


def wrong_settings(problems: list[str]) -> list[Finding]:
    """A finding for each line of a SettingsError."""
    lines = [line.partition("; example: ") for line in problems]
    return [
        fail("settings", said, f"set it right; example: {example}" if example else "set it right")
        for said, _, example in lines
    ]


def examine(checks: tuple[Check, ...]) -> Iterator[Finding]:
    """Run every check; one that breaks is a finding too, and the others go on."""
    settings: Settings = current_app.config["SETTINGS"]
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            yield check(settings)
        except Exception as failure:
            log.debug("the check of %s failed", name, exc_info=True)
            yield _unchecked(name, failure)
        finally:
            db.session.remove()


def _unchecked(check: str, failure: Exception) -> Finding:
    db.session.remove()
    if isinstance(failure, SQLAlchemyError) and _migrations_are_missing():
        return waits(check)
    return fail(
        check,
        f"could not be checked ({type(failure).__name__})",
        "mend the checks above first; then ask again",
    )


def _migrations_are_missing() -> bool:
    return find_schema(db.engine).standing == Schema.OLDER


def secret_key(settings: Settings) -> Finding:
    """Whether the key that signs sessions can be guessed."""
    key = settings.secret_key
    if len(key) < _KEY_LENGTH or len(set(key)) < _KEY_VARIETY:
        return warn(
            "secret key",
            f"{len(key)} characters, {len(set(key))} of them different",
            "set SECRET_KEY to the output of: "
            "python3 -c 'import secrets; print(secrets.token_hex(32))' (signs everybody out)",
        )
    return ok("secret key", "long and varied")


def schema(_settings: Settings) -> Finding:
    """Whether every migration has been run."""
    found = find_schema(db.engine)
    match found.standing:
        case Schema.CURRENT:
            return ok("schema", f"at {found.present}")
        case Schema.NEWER:
            return warn(
                "schema",
                f"at {found.present}, newer than {newest_revision()}",
                "install the version that made it, here as well",
            )
        case Schema.OLDER:
            return fail("schema", f"at {found.present or 'nothing'}", f"run: {UPGRADE}")
        case _:
            return fail(
                "schema", "the database does not answer", "start it, or correct DATABASE_URL"
            )


def database(settings: Settings) -> Finding:
    """Whether it can be written, and keeps what was committed."""
    try:
        try_to_write()
    except SQLAlchemyError as failure:
        if _migrations_are_missing():
            return fail(
                "database", "migrations are missing: it cannot be used yet", f"run: {UPGRADE}"
            )
        return fail(
            "database",
            f"cannot be written ({type(failure).__name__})",
            "start it, correct DATABASE_URL, make room on its disk, or give the product's user "
            "leave to write",
        )
    sqlite = settings.database_url.startswith("sqlite")
    return _sqlite() if sqlite else _postgresql()


def _sqlite() -> Finding:
    asked = ("journal_mode", "synchronous", "foreign_keys")
    with db.engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked}
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    wrong = [f"{name} is {found[name]}" for name in asked if found[name] != wanted[name]]
    if wrong:
        return fail(
            "database",
            "SQLite: " + ", ".join(wrong),
            "keep the file on a disk of this machine: WAL does not work over a network",
        )
    return ok("database", "SQLite, writable; WAL, every commit on the disk")


def _postgresql() -> Finding:
    asked = (
        "server_version",
        "server_version_num",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "statement_timeout",
    )
    with db.engine.connect() as connection:
        found = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in asked}
    if int(found["server_version_num"]) < _OLDEST_POSTGRESQL:
        return fail(
            "database", f"PostgreSQL {found['server_version']}", "upgrade it to 13 or newer"
        )
    off = [
        name for name in ("fsync", "synchronous_commit", "full_page_writes") if found[name] == "off"
    ]
    if off:
        return fail(
            "database",
            f"PostgreSQL: {', '.join(off)} off: a power cut loses payments",
            f"set {' = on, '.join(off)} = on in postgresql.conf and reload",
        )
    if found["statement_timeout"] in {"0", "0ms"}:
        return warn(
            "database",
            "PostgreSQL: statements have no time limit",
            "a pooler drops the product's options: set statement_timeout for its role",
        )
    return ok("database", f"PostgreSQL {found['server_version']}, writable; fsync on")


def search(_settings: Settings) -> Finding:
    """Whether a search looks a text up, or reads the texts of all artworks."""
    if db.engine.dialect.name == "sqlite":
        return ok("search", "reads every text, as SQLite has no index of their pieces")
    if _migrations_are_missing():
        return waits("search")
    found = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    with db.engine.connect() as connection:
        if connection.scalar(found, {"name": TEXTS_INDEX}):
            return ok("search", "looks texts up in their index")
    return warn(
        "search",
        "reads every text (about 15 ms for 100,000 artworks): their index is missing",
        "have PostgreSQL's administrator run in this database: CREATE EXTENSION IF NOT EXISTS "
        "pg_trgm (where it is not available, install PostgreSQL's contrib package first); then, "
        f"as the product's user: DROP INDEX IF EXISTS {TEXTS_INDEX}; and CREATE INDEX "
        f"CONCURRENTLY {TEXTS_INDEX} ON {TEXTS_INDEXED};",
    )


def disk(settings: Settings) -> Finding:
    """Whether there is room for the database (if it is a file) and the pictures."""
    places = {"pictures": settings.upload_dir}
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        places["database"] = Path(str(url.database)).absolute().parent
    free = {name: shutil.disk_usage(place).free for name, place in places.items()}
    least = min(free, key=lambda name: free[name])
    said = f"{free[least] // _MEGABYTE} MB free for the {least}"
    mend = f"make room on the disk of {places[least]}"
    if free[least] < _DISK_FAIL:
        return fail("disk", said, mend)
    return warn("disk", said, mend) if free[least] < _DISK_WARN else ok("disk", said)


def uploads(settings: Settings) -> Finding:
    """Whether pictures can be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=settings.upload_dir, prefix=".doctor-") as file:
            file.write(b"0")
    except OSError as failure:
        return fail(
            "uploads",
            f"{settings.upload_dir}: {failure.strerror}",
            "create the folder, and give it to the product's user (UPLOAD_DIR)",
        )
    return ok("uploads", f"{settings.upload_dir} is writable")


def public_url(settings: Settings) -> Finding:
    """Whether the address that people and Stripe use leads here, over TLS."""
    try:
        answer = requests.get(f"{settings.public_url}/health", timeout=5).json()
    except (requests.RequestException, ValueError) as failure:
        return fail(
            "public url",
            f"{settings.public_url} leads nowhere ({type(failure).__name__})",
            "start the web process, or correct PUBLIC_URL, the DNS or the proxy",
        )
    if answer != {"status": "ok"}:
        return fail(
            "public url",
            f"{settings.public_url} is answered by something else",
            "correct PUBLIC_URL, or the proxy in front",
        )
    if not settings.https and urlsplit(settings.public_url).hostname not in _LOOPBACK:
        return warn(
            "public url",
            "not https: passwords and cookies travel in the clear",
            "put a proxy with TLS in front, and set PUBLIC_URL=https://…",
        )
    return ok("public url", f"{settings.public_url} leads here")


def proxies(settings: Settings) -> Finding:
    """Whether addresses of visitors are believed exactly as far as proxies stand in front."""
    hops = settings.trusted_proxies
    if not hops and settings.host not in _LOOPBACK:
        return warn(
            "proxies",
            f"none, and HOST={settings.host} can be reached from elsewhere: a few hundred "
            "connections that send slowly keep everybody else waiting",
            "put nginx in front (deploy/nginx), and set HOST=127.0.0.1 and TRUSTED_PROXIES=1",
        )
    if settings.https and not hops:
        return warn(
            "proxies",
            "https, and no proxy is trusted: everybody has the proxy's address",
            "set TRUSTED_PROXIES=1 behind one proxy (nginx)",
        )
    if hops and settings.host not in _LOOPBACK:
        return warn(
            "proxies",
            f"{hops} trusted, and HOST={settings.host} can be reached without "
            "them: a visitor can claim any address",
            "set HOST=127.0.0.1, or let only the proxy reach the port",
        )
    return ok("proxies", f"{hops} trusted")
