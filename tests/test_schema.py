"""Web and worker start on the schema that they need or a newer one, and never on an older one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.config import read_settings
from app.core.schema import SchemaTooOld, refuse_older_schema
from tests.databases import REQUIRED, ROOT, environment, run_flask

WEB = ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"]
PROGRAMS = {"web": WEB, "development": ["wsgi.py"], "worker": ["worker.py"]}


def at(address: str, revision: str) -> str:
    """The database with another mark of its schema."""
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()
    return address


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_older_schema_ends_each_program_with_2_and_the_command(
    program: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=ROOT,
        env=environment(
            DATABASE_URL=at(new_database(), "0001"), UPLOAD_DIR=str(tmp_path), PORT="1"
        ),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "the database is at 0001" in ended.stderr
    assert "Run: flask --app wsgi db upgrade" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_only_an_older_schema_is_refused(new_database: Callable[[], str]) -> None:
    def start(address: str) -> None:
        given = {name.lower(): value for name, value in REQUIRED.items()}
        refuse_older_schema(read_settings({}, **given, database_url=address))

    address = new_database()
    start(address)
    start(at(address, "9999"))
    with pytest.raises(SchemaTooOld, match="0001"):
        start(at(address, "0001"))
    # It may come up later, and requests are answered with 503 until then.
    start("postgresql://nobody:nothing@127.0.0.1:1/none")


def test_an_empty_database_is_migrated_by_the_command_that_is_named(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}",
        "UPLOAD_DIR": str(tmp_path / "uploads"),
    }
    given = {name.lower(): value for name, value in (REQUIRED | settings).items()}
    with pytest.raises(SchemaTooOld, match="without tables"):
        refuse_older_schema(read_settings({}, **given))
    assert run_flask("db", "upgrade", **settings).returncode == 0
    refuse_older_schema(read_settings({}, **given))
    assert os.path.getsize(tmp_path / "new.sqlite3") > 0
