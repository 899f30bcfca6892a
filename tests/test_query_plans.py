"""No statement of daily business reads a growing table from end to end, or sorts much of one.

Every operation of `bench.growth` runs on a past of 20,000 bids; each statement that reached the
database is then explained, by PostgreSQL with the rows that it looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from app import create_app
from app.config import read_settings
from app.core.extensions import db
from app.core.transaction import for_writing
from bench import crowd
from bench.growth import OPERATIONS, Operation, Town
from bench.plans import Statement, postgres_plan, recorded, sqlite_plan
from tests.conftest import release
from tests.databases import REQUIRED

BIDS, ARTWORKS = 20_000, 6_000
# A list is counted up to 1,000 rows, and a seller's own things are a tenth of all; every table that
# grows has more rows than this.
ROWS_AT_MOST = 1_500
# Tables that hold a few rows for good.
SMALL = {"leases", "notes", "counters", "alembic_version"}
# Operations that may do what others may not, and why.
CATEGORY = "takes the category's index, and sorts what is in it"
ORDINARY = "walks the newest rows of all, in the table's order, until enough are found"
SEARCHED = "looks through all texts: there is no index of their pieces"
OPEN = "sorts what is open or due at one time, which is not the past"
ALLOWED = {
    "postgresql": {},
    "sqlite": {
        "search, found often": SEARCHED,
        "search, found once": SEARCHED,
        "search, found never": SEARCHED,
        "browse, category, price": CATEGORY,
        "browse, category, bids": CATEGORY,
        "browse": ORDINARY,
        "browse, signed in": ORDINARY,
        "browse, page 20": ORDINARY,
        "API: artworks": ORDINARY,
        "admin: what was acknowledged": ORDINARY,
        "API: deeds to a thing": ORDINARY,
        "sweep: open payments": OPEN,
        "sweep: payments just due": OPEN,
        "sweep: finished payments to compare": OPEN,
        "sweep: mails due": OPEN,
    },
}
_SCAN = re.compile(r"SCAN (\w+)$")


@pytest.fixture
def town(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """The application with a past."""
    given = {name.lower(): value for name, value in REQUIRED.items()}
    settings = read_settings(
        {},
        **given,
        database_url=new_database(),
        upload_dir=tmp_path_factory.getbasetemp() / "uploads",
        ratelimit_enabled=False,
    )
    app: Flask = create_app(settings)
    with app.app_context():
        gathered = crowd.gather(BIDS, ARTWORKS)
        db.session.remove()
    yield Town("test", app, gathered)
    release(app)


def complaints(town: Town, operation: Operation) -> list[str]:
    """What the database does for an operation that it should not, one line each."""
    with town.app.app_context():
        engine = db.engine
    # The first time, a long list is counted whole.
    operation(town)
    with recorded(engine) as statements:
        operation(town)
    look = _on_sqlite if engine.dialect.name == "sqlite" else _on_postgres
    planning = engine.connect().execution_options(**for_writing(engine))
    with town.app.app_context(), planning as connection:
        if engine.dialect.name != "sqlite":
            # Tables as small as a test's are read whole although there is an index.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                connection.execute(text(f"SET enable_{way} = off"))
        found = [
            f"{complaint}\n    {statement.text[:600]}"
            for statement in statements
            for complaint in look(connection, statement)
        ]
        connection.rollback()
    return found


def _on_postgres(connection: Connection, statement: Statement) -> list[str]:
    # Of so few rows, a bitmap of many looks no worse to the planner than the first of an index.
    ways = []
    for bitmaps in ("on", "off"):
        connection.execute(text(f"SET enable_bitmapscan = {bitmaps}"))
        ways.append(
            [
                f"{step.kind} {step.table} {step.index}: {step.rows} rows"
                for step in postgres_plan(connection, statement).steps
                if step.rows > ROWS_AT_MOST
            ]
        )
    return min(ways, key=len)


def _on_sqlite(connection: Connection, statement: Statement) -> Iterator[str]:
    # The first rows in the table's own order are no scan of it.
    only_first = "LIMIT" in statement.text and "WHERE" not in statement.text
    for line in sqlite_plan(connection, statement):
        scanned = _SCAN.match(line)
        if scanned and scanned[1] in db.metadata.tables and scanned[1] not in SMALL:
            if not only_first:
                yield line
        elif line == "USE TEMP B-TREE FOR ORDER BY":
            yield line


def test_daily_business_reads_a_growing_table_by_its_indexes(town: Town, database: str) -> None:
    wrong = {name: complaints(town, operation) for name, operation in OPERATIONS.items()}
    allowed = ALLOWED[database]
    told = [
        f"{name}: {each}" for name, found in wrong.items() for each in found if name not in allowed
    ]
    assert told == [], "\n".join(told)
    # An exception that nothing needs any more is none.
    assert {name for name in allowed if wrong[name]} == set(allowed)


def test_an_index_that_is_missing_is_noticed(town: Town, database: str) -> None:
    missing = {
        "ix_artworks_of_category": "browse, category",
        "ix_artworks_asking_price": "browse, price",
        "ix_bids_artwork_id": "artwork, hot",
    }
    if database == "postgresql":
        # Another index finds a person's bids on every artwork; SQLite does not tell how many.
        missing = {
            "ix_bids_own": "artwork, hot, signed in",
            "ix_artwork_texts_text": "search, found once",
        } | missing
    for index, name in missing.items():
        assert complaints(town, OPERATIONS[name]) == []
        with town.app.app_context(), db.engine.begin() as connection:
            connection.execute(text(f"DROP INDEX {index}"))
        assert complaints(town, OPERATIONS[name]) != []


def test_whether_a_bidder_defaulted_is_looked_up_among_released_bids_alone(
    town: Town, database: str
) -> None:
    with town.app.app_context():
        engine = db.engine
    with recorded(engine) as statements:
        town.bid()
    (taken,) = [each for each in statements if "UPDATE artworks" in each.text]
    with engine.connect().execution_options(**for_writing(engine)) as connection:
        if database == "sqlite":
            found = [line for line in sqlite_plan(connection, taken) if " bids " in line]
            assert all("ix_bids_released" in line for line in found)
            assert found
        else:
            steps = postgres_plan(connection, taken).steps
            read = [step for step in steps if step.table == "bids" and step.kind != "ModifyTable"]
            assert [step.index for step in read] == ["ix_bids_released"]
        connection.rollback()


@pytest.mark.parametrize("name", ["my bids", "my payments", "admin: payments"])
def test_a_long_list_is_counted_without_what_only_its_rows_show(
    town: Town, database: str, name: str
) -> None:
    with town.app.app_context():
        engine = db.engine
    with recorded(engine) as statements:
        OPERATIONS[name](town)
    counted = "bids" if name == "my bids" else "payments"
    counting = [
        each
        for each in statements
        if re.search(rf"count\(.*\bFROM {counted}\b", each.text, re.DOTALL)
    ]
    assert counting
    read = set()
    with engine.connect().execution_options(**for_writing(engine)) as connection:
        for statement in counting:
            if database == "sqlite":
                plan = " ".join(sqlite_plan(connection, statement))
                read |= set(re.findall(r"(?:SCAN|SEARCH) (\w+)", plan))
            else:
                read |= {step.table for step in postgres_plan(connection, statement).steps}
        connection.rollback()
    assert read & db.metadata.tables.keys() == {counted}
