"""How Alembic reaches the application's database; run by `flask --app wsgi db …`."""

from typing import Any

from alembic import context
from alembic.operations.ops import MigrationScript
from flask import current_app

from app.core.columns import Moment

database = current_app.extensions["migrate"].db


def leave_out_what_changes_nothing(_context: Any, _revision: Any, scripts: list[Any]) -> None:
    """Write no migration when the models and the database agree."""
    autogenerating = getattr(context.config.cmd_opts, "autogenerate", False)
    if autogenerating and all(
        script.upgrade_ops.is_empty() for script in scripts if isinstance(script, MigrationScript)
    ):
        scripts.clear()


def write_type(kind: str, item: Any, _context: Any) -> str | bool:
    """Name no type of the product: a migration must run when the product has long changed."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


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
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # A table that is made anew is dropped in between; only outside a transaction can the
            # checks of what refers to it be switched off (sqlite.org/lang_altertable.html).
            connection.connection.execute("PRAGMA foreign_keys=OFF")
        else:
            # An index of a large table takes longer than any page may; but nobody waits long
            # behind a migration that itself waits for a table.
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            # SQLite changes a table by making it anew.
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            compare_server_default=True,
            render_item=write_type,
            process_revision_directives=leave_out_what_changes_nothing,
        )
        with context.begin_transaction():
            context.run_migrations()
