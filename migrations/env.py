"""How Alembic reaches the application's database; run by `flask --app wsgi db …`."""

import sys
import time
from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript
from flask import current_app
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.artworks.models import TEXTS
from app.core.columns import Moment
from app.core.transaction import for_writing

database = current_app.extensions["migrate"].db

# Shorter than PostgreSQL's `deadlock_timeout` (1 s): where a migration and a bid hold what the
# other waits for, it is the migration that lets go.
LOCK_TIMEOUT = "800ms"
TRIES = 10
PAUSE_SECONDS = 1.0


def leave_out_what_changes_nothing(_context: Any, _revision: Any, scripts: list[Any]) -> None:
    """Write no migration when the models and the database agree."""
    autogenerating = getattr(context.config.cmd_opts, "autogenerate", False)
    if autogenerating and all(
        script.upgrade_ops.is_empty() for script in scripts if isinstance(script, MigrationScript)
    ):
        scripts.clear()


def is_of_the_models(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave alone what PostgreSQL has beside the models, and writes by itself."""
    return kind != "table" or name != TEXTS.name


def write_type(kind: str, item: Any, _context: Any) -> str | bool:
    """Name no type of the product: a migration must run when the product has long changed."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def run_patiently(connection: Connection) -> None:
    """Run the migrations; again from where they stood when somebody held a table for too long."""
    for tries_left in reversed(range(TRIES)):
        try:
            run(connection)
        except OperationalError as failure:
            if not tries_left or not isinstance(failure.orig, (LockNotAvailable, DeadlockDetected)):
                raise
            connection.rollback()
            print("A table is in use: trying again", file=sys.stderr, flush=True)
            time.sleep(PAUSE_SECONDS)
        else:
            return


def run(connection: Connection) -> None:
    """Run the migrations that the database lacks, in one transaction where it can."""
    if connection.dialect.name == "sqlite":
        # A table that is made anew is dropped in between; only outside a transaction can the
        # checks of what refers to it be switched off (sqlite.org/lang_altertable.html).
        connection.connection.execute("PRAGMA foreign_keys=OFF")
    else:
        # An index of a large table takes longer than any page may; but nobody waits long
        # behind a migration that itself waits for a table.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        # SQLite changes a table by making it anew.
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
        include_name=is_of_the_models,
        render_item=write_type,
        process_revision_directives=leave_out_what_changes_nothing,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(
        url=database.engine.url,
        target_metadata=database.metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = database.engine
    try:
        with engine.connect().execution_options(**for_writing(engine)) as connection:
            run_patiently(connection)
    finally:
        # What it was told for migrations is not for whoever the pool would give it to.
        engine.dispose()
