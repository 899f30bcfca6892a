"""Databases for tests: migrated once, then emptied or copied."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from flask import Flask, current_app
from psycopg import sql
from sqlalchemy import Engine, text

from app.core.extensions import db
from app.core.remembered import Remembered
from dev.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = {
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "PUBLIC_URL": "http://localhost",
    "STRIPE_SECRET_KEY": "sk_test_product",
    "STRIPE_WEBHOOK_SECRET": "whsec_product_tests",
}
# What a process needs of ours, and nothing that is set for this machine's own use.
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process of the product: the required settings, and these."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"ENV_FILE": os.devnull} | REQUIRED | settings


def run_flask(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`flask --app wsgi …` as a deployer types it."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "flask", "--app", "wsgi", *command],
        env=environment(**settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def migrate(url: str, uploads: Path) -> None:
    """Bring an empty database to the present schema, with the real command."""
    done = run_flask("db", "upgrade", DATABASE_URL=url, UPLOAD_DIR=str(uploads))
    assert done.returncode == 0, done.stderr


class SqliteFiles:
    """SQLite databases: files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._template = folder / "template.sqlite3"
        migrate(f"sqlite:///{self._template}", folder / "uploads")

    def new(self) -> str:
        """The address of a fresh database with the present schema."""
        file = self._folder / f"database{next(self._numbers)}.sqlite3"
        shutil.copyfile(self._template, file)
        return f"sqlite:///{file}"


class PostgresDatabases:
    """PostgreSQL databases: made from a template."""

    def __init__(self, server: PostgresServer, uploads: Path) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        migrate(server.create_database("template_of_tests"), uploads)

    def new(self) -> str:
        """The address of a fresh database with the present schema."""
        name = f"test{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE template_of_tests")
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name)))
        return f"{self._server.url.rpartition('/')[0]}/{name}"


_people = itertools.count(1)


def owned_by_somebody(server: PostgresServer) -> str:
    """The address of an empty database for a role that may make tables there, and no extensions."""
    number = next(_people)
    role, database, password = f"somebody{number}", f"of_somebody{number}", "opensesame"
    place = server.create_database(database)
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password)
        )
        connection.execute(
            sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(sql.Identifier(role))
        )
    return f"postgresql://{role}:{password}@{place.rpartition('@')[2]}"


Databases = SqliteFiles | PostgresDatabases


def forget(app: Flask) -> None:
    """As a process that has just begun: nothing is remembered of what the database holds."""
    for name, kept in app.extensions.items():
        if isinstance(kept, Remembered):
            app.extensions[name] = Remembered()


def empty(engine: Engine) -> None:
    """Remove every row, count from 1 again, and forget what this process remembers of them."""
    forget(current_app._get_current_object())  # type: ignore[attr-defined]
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    deletes = [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608 (our own names)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for delete in deletes:
                connection.execute(text(delete))
            connection.execute(text("DELETE FROM sqlite_sequence"))
        else:
            # Together they take a millisecond; TRUNCATE makes new files, and takes forty.
            restart = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
            connection.exec_driver_sql("; ".join([*deletes, restart]))
