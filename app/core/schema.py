"""Whether the database's tables are those that this version of the product needs."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from app.config import ROOT, Settings

UPGRADE = "flask --app wsgi db upgrade"


class Schema(StrEnum):
    """How the database's migrations stand to those of this code."""

    CURRENT = "current"
    OLDER = "older"
    # A later version of the product migrated already: migrations are made so that the version
    # before them goes on working.
    NEWER = "newer"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SchemaFound:
    """The finding; `present` is the database's revision, None when it has no tables."""

    standing: Schema
    present: str | None


class SchemaTooOld(Exception):
    """The product would fail on this database; the message says what to run."""


@cache
def _revisions() -> tuple[str, frozenset[str]]:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    known = frozenset(script.revision for script in scripts.walk_revisions())
    return str(scripts.get_current_head()), known


def newest_revision() -> str:
    """The migration that this version of the product needs."""
    return _revisions()[0]


def is_known_revision(revision: str) -> bool:
    """Whether this version has the migration, and so can go on from there."""
    return revision in _revisions()[1]


def find_schema(engine: Engine) -> SchemaFound:
    """Compare the database's revision with ours. `UNKNOWN` when the database does not answer."""
    newest, known = _revisions()
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return SchemaFound(Schema.OLDER, None)
            present = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        return SchemaFound(Schema.UNKNOWN, None)
    if present == newest:
        return SchemaFound(Schema.CURRENT, present)
    older = present is None or present in known
    return SchemaFound(Schema.OLDER if older else Schema.NEWER, present)


def refuse_older_schema(settings: Settings) -> None:
    """Raise SchemaTooOld when migrations are missing. A database that is away may come later.

    Looks through a connection of its own: processes are forked after this.
    """
    patience = {} if settings.database_url.startswith("sqlite") else {"connect_timeout": 5}
    engine = create_engine(settings.database_url, poolclass=NullPool, connect_args=patience)
    found = find_schema(engine)
    engine.dispose()
    if found.standing == Schema.OLDER:
        stands = f"at {found.present}" if found.present else "without tables"
        raise SchemaTooOld(
            f"the database is {stands}, and this version needs {newest_revision()}. Run: {UPGRADE}"
        )
