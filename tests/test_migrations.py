"""Migrations on both databases: up, down, up, and the same as the models in every name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from app import wiring
from app.artworks.models import TEXTS, TEXTS_INDEX
from app.core.extensions import db
from dev.postgres_server import PostgresServer
from tests.databases import ROOT, owned_by_somebody, run_flask

_numbers = itertools.count(1)


@pytest.fixture
def empty_database(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[], str]:
    """Make empty databases of each kind; returns their addresses."""

    def make() -> str:
        number = next(_numbers)
        if database == "sqlite":
            return f"sqlite:///{tmp_path / f'empty{number}.sqlite3'}"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.create_database(f"migrations{number}")

    return make


@pytest.fixture
def connect() -> Iterator[Callable[[str], Engine]]:
    """Engines that are disposed of at the end."""
    engines: list[Engine] = []

    def open_engine(address: str) -> Engine:
        engines.append(create_engine(address.replace("postgresql://", "postgresql+psycopg://")))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.dispose()


def migrate(address: str, tmp_path: Path, *command: str) -> str:
    """`flask db …` on a database; what it printed."""
    done = run_flask("db", *command, DATABASE_URL=address, UPLOAD_DIR=str(tmp_path / "uploads"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def structure(engine: Engine) -> dict[str, Any]:
    """Every table with the names of its columns, keys, constraints and indexes."""
    found: dict[str, Any] = {}
    look = inspect(engine)
    for table in sorted(set(look.get_table_names()) - {"alembic_version"}):
        found[table] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"])
                for column in look.get_columns(table)
            },
            "primary key": look.get_pk_constraint(table)["name"],
            "foreign keys": sorted(str(key["name"]) for key in look.get_foreign_keys(table)),
            "unique": sorted(str(key["name"]) for key in look.get_unique_constraints(table)),
            "checks": sorted(str(key["name"]) for key in look.get_check_constraints(table)),
            "indexes": sorted(
                (str(index["name"]), tuple(index["column_names"]), bool(index["unique"]))
                for index in look.get_indexes(table)
            ),
        }
    return found


def test_migrations_go_up_down_and_up_again(
    empty_database: Callable[[], str], connect: Callable[[str], Engine], tmp_path: Path
) -> None:
    address = empty_database()
    migrate(address, tmp_path, "upgrade")
    before = structure(connect(address))
    assert "payments" in before
    migrate(address, tmp_path, "downgrade", "base")
    assert structure(connect(address)) == {}
    migrate(address, tmp_path, "upgrade")
    assert structure(connect(address)) == before


def test_bids_are_counted_from_the_first_one_when_their_days_were_taken_away(
    empty_database: Callable[[], str], connect: Callable[[str], Engine], tmp_path: Path
) -> None:
    address = empty_database()
    migrate(address, tmp_path, "upgrade")
    with connect(address).begin() as connection:
        connection.execute(
            text("INSERT INTO counters (name, value) VALUES ('bids.counted_by_day', 7), ('a', 1)")
        )
    migrate(address, tmp_path, "downgrade", "0007")
    migrate(address, tmp_path, "upgrade")
    with connect(address).connect() as connection:
        assert connection.execute(text("SELECT name FROM counters")).scalars().all() == ["a"]


def test_indexes_that_a_broken_off_migration_finished_are_kept_and_the_others_made(
    empty_database: Callable[[], str],
    connect: Callable[[str], Engine],
    database: str,
    tmp_path: Path,
) -> None:
    address = empty_database()
    migrate(address, tmp_path, "upgrade")
    engine = connect(address)
    whole = structure(engine)
    kept, half_made, missing = "ix_users_role", "ix_users_active", "ix_emails_kind"
    with engine.begin() as connection:
        # As it stands when the last step met a lock.
        connection.execute(text("UPDATE alembic_version SET version_num = '0007'"))
        connection.execute(text(f"DROP INDEX {missing}"))
        if database == "postgresql":
            spoil = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(:name)"
            connection.execute(text(spoil), {"name": half_made})
    before = index_numbers(engine)
    migrate(address, tmp_path, "upgrade")
    assert structure(engine) == whole
    after = index_numbers(engine)
    assert after[kept] == before[kept]
    if database == "postgresql":
        assert after[half_made] != before[half_made]
        with engine.connect() as connection:
            broken = text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
            assert connection.execute(broken).scalar_one() == 0


def index_numbers(engine: Engine) -> dict[str, int]:
    """A number for each index by its name, another one once it is made anew."""
    asked = {
        "sqlite": "SELECT name, rootpage FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT relname, oid FROM pg_class WHERE relkind = 'i'",
    }[engine.dialect.name]
    with engine.connect() as connection:
        return {name: int(number) for name, number in connection.execute(text(asked))}


def test_running_the_migrations_twice_changes_nothing(
    empty_database: Callable[[], str], connect: Callable[[str], Engine], tmp_path: Path
) -> None:
    address = empty_database()
    migrate(address, tmp_path, "upgrade")
    with connect(address).begin() as connection:
        connection.execute(
            text("INSERT INTO leases (name, holder, held_until) VALUES ('a', 'b', '2026-01-01')")
        )
    migrate(address, tmp_path, "upgrade")
    with connect(address).connect() as connection:
        assert connection.execute(text("SELECT name FROM leases")).scalar_one() == "a"


def test_the_migrated_database_is_what_the_models_say(
    empty_database: Callable[[], str],
    connect: Callable[[str], Engine],
    database: str,
    tmp_path: Path,
) -> None:
    assert wiring is not None
    migrated, made = empty_database(), empty_database()
    migrate(migrated, tmp_path, "upgrade")
    engine = connect(migrated)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or name != TEXTS.name,
            },
        )
        assert compare_metadata(context, db.metadata) == []
    if database == "postgresql":
        # As a developer asks for it. Of SQLite, SQLAlchemy cannot read all indexes.
        assert "No new upgrade operations" in migrate(migrated, tmp_path, "check")
    # Alembic compares neither check constraints nor the names of keys.
    db.metadata.create_all(connect(made))
    found = structure(engine)
    assert (found.pop(TEXTS.name, None) is None) == (database == "sqlite")
    assert found == structure(connect(made))


def test_every_constraint_has_a_name_of_its_own() -> None:
    for table in db.metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name, f"a constraint of {table.name} has no name"


def test_there_is_one_line_of_migrations() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_an_unknown_name_of_a_state_is_refused_by_the_database(
    empty_database: Callable[[], str], connect: Callable[[str], Engine], tmp_path: Path
) -> None:
    address = empty_database()
    migrate(address, tmp_path, "upgrade")
    statement = text(
        "INSERT INTO users (email, name, password_hash, role, active, created_at) "
        "VALUES ('a@example.com', 'A', 'x', 'KING', true, '2026-01-01')"
    )
    with pytest.raises(IntegrityError), connect(address).begin() as connection:
        connection.execute(statement)


def list_artworks(engine: Engine, first: int, last: int) -> None:
    """Rows of artworks with these numbers, by one seller who is made if need be."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO users (id, email, name, password_hash, role, active, created_at) "
                "VALUES (1, 'a@example.com', 'A', 'x', 'SELLER', true, now()) "
                "ON CONFLICT DO NOTHING"
            )
        )
        connection.execute(
            text(
                "INSERT INTO artworks (id, seller_id, title, artist_name, description, category, "
                "image_alt, threshold_cents, status, bid_count, created_at, updated_at) "
                "SELECT i, 1, 'Title ' || i, 'artist', 'words', 'Other', '', 100, 'ACTIVE', 0, "
                "now(), now() "
                "FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i"
            ),
            {"first": first, "last": last},
        )


def texts(engine: Engine) -> dict[int, str]:
    """What searches look through, by the artwork."""
    with engine.connect() as connection:
        found = connection.execute(select(TEXTS.c.artwork_id, TEXTS.c.text))
        return {row.artwork_id: row.text for row in found}


def has_index(engine: Engine) -> bool:
    """Whether there is one of the texts that can be used."""
    valid = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    with engine.connect() as connection:
        return bool(connection.scalar(valid, {"name": TEXTS_INDEX}))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_texts_of_artworks_are_written_by_the_migration_and_then_by_the_database(
    empty_database: Callable[[], str], connect: Callable[[str], Engine], tmp_path: Path
) -> None:
    address = empty_database()
    engine = connect(address)
    migrate(address, tmp_path, "upgrade", "0009")
    # More than are written at once.
    list_artworks(engine, 1, 12_345)
    expected = {number: f"title {number}\nartist\nwords" for number in range(1, 12_346)}
    migrate(address, tmp_path, "upgrade")
    assert texts(engine) == expected
    assert has_index(engine)
    list_artworks(engine, 20_000, 20_000)
    with engine.begin() as connection:
        connection.execute(text("UPDATE artworks SET artist_name = 'Maren' WHERE id = 7"))
        connection.execute(text("DELETE FROM artworks WHERE id = 8"))
    expected |= {7: "title 7\nmaren\nwords", 20_000: "title 20000\nartist\nwords"}
    del expected[8]
    assert texts(engine) == expected
    # Broken off half-way: what is there is kept, what was edited meanwhile as it was edited.
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
        connection.execute(text("DELETE FROM artwork_texts WHERE artwork_id > 5000"))
        connection.execute(text(f"DROP INDEX {TEXTS_INDEX}"))
    migrate(address, tmp_path, "upgrade")
    assert texts(engine) == expected
    assert has_index(engine)
    migrate(address, tmp_path, "downgrade", "0009")
    list_artworks(engine, 20_001, 20_001)
    migrate(address, tmp_path, "upgrade")
    assert texts(engine) == expected | {20_001: "title 20001\nartist\nwords"}


def test_where_trigrams_are_not_allowed_the_migration_does_without_their_index(
    connect: Callable[[str], Engine], postgres_server: PostgresServer, tmp_path: Path
) -> None:
    address = owned_by_somebody(postgres_server)
    done = run_flask("db", "upgrade", DATABASE_URL=address, UPLOAD_DIR=str(tmp_path / "uploads"))
    assert done.returncode == 0, done.stderr
    assert "Searches read every text" in done.stderr
    engine = connect(address)
    list_artworks(engine, 1, 3)
    assert len(texts(engine)) == 3
    assert not has_index(engine)
