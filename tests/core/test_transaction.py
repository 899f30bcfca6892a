"""One use case, one transaction: what is durable, what is undone, and when others hear of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from flask import Flask, g
from sqlalchemy import Connection, String, bindparam, event, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import events, sqlite
from app.core import transaction as transactions
from app.core.audit import record_audit
from app.core.counters import Counter, count, counted
from app.core.extensions import db
from app.core.statements import Prepared, end_reads, execute, with_connection
from app.core.transaction import (
    NestedTransaction,
    TransactionOpen,
    leave_database,
    one_statement_changes_all,
    transact_at_once,
    transaction,
)
from tests.waiting import until


@dataclass(frozen=True)
class Happened(events.Event):
    """A fact that only these tests state."""

    name: str


class Failure(Exception):
    """What goes wrong in these tests."""


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What listeners after the commit were told, in order."""
    told: list[str] = []

    def stumble(event: Happened) -> None:
        told.append(f"stumbled over {event.name}")
        raise Failure

    def hear(event: Happened) -> None:
        told.append(f"{event.name} {_rows()}")

    def demand(session: Session, event: Happened) -> None:
        if event.name == "refused":
            raise Failure

    events.on_record(Happened, demand)
    events.after_commit(Happened, stumble)
    events.after_commit(Happened, hear)
    yield told
    events._in_transaction.pop(Happened)
    events._after_commit.pop(Happened)


def _rows() -> int:
    found = db.session.scalar(text("SELECT count(*) FROM audit_logs"))
    db.session.close()
    return int(found or 0)


def _fail() -> None:
    raise Failure


def _note_and_state(name: str, then: Callable[[], None] = lambda: None) -> None:
    with transaction() as session:
        record_audit(session, "test.done", "test", 1)
        events.record(session, Happened(name))
        then()


def test_listeners_hear_of_a_fact_once_it_is_durable_and_one_that_fails_stops_no_other(
    app: Flask, heard: list[str]
) -> None:
    with app.app_context():
        with transaction() as session:
            record_audit(session, "test.done", "test", 1)
            events.record(session, Happened("first"))
            assert heard == []
        assert heard == ["stumbled over first", "first 1"]


def test_what_raises_leaves_no_row_and_tells_nobody(app: Flask, heard: list[str]) -> None:
    with app.app_context():
        with pytest.raises(Failure):
            _note_and_state("undone", then=_fail)
        assert (_rows(), heard) == (0, [])


def test_a_listener_inside_the_transaction_that_fails_undoes_all_of_it(
    app: Flask, heard: list[str]
) -> None:
    with app.app_context():
        with pytest.raises(Failure):
            _note_and_state("refused")
        assert (_rows(), heard) == (0, [])


def test_a_transaction_inside_another_is_refused_and_the_outer_one_is_undone(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(NestedTransaction):
            _note_and_state("outer", then=lambda: count("nested"))
        assert (_rows(), counted("nested")) == (0, 0)
        count("nested")
        assert counted("nested") == 1


COUNT_ONE = Prepared(
    lambda: (
        insert(Counter)
        .from_select(["name", "value"], select(bindparam("called", type_=String), literal(1)))
        .returning(Counter.name)
    )
)
COUNT_NONE = Prepared(
    lambda: update(Counter).values(value=0).where(Counter.name == "").returning(Counter.name)
)


def _count_one(name: str) -> Callable[[Connection], str | None]:
    return lambda connection: COUNT_ONE.run(connection, called=name).name


def test_one_statement_changes_all_where_it_can(app: Flask, database: str) -> None:
    with app.app_context():
        assert one_statement_changes_all() == (database == "postgresql")


def test_a_change_is_durable_before_others_hear_of_it_whatever_was_read_before(
    app: Flask, heard: list[str]
) -> None:
    def note(name: str) -> Happened:
        with db.engine.connect() as other:
            seen = other.scalar(select(Counter.value).where(Counter.name == name))
        return Happened(f"{name} {seen}")

    with app.test_request_context(method="POST"):
        assert db.session.scalar(text("SELECT 1")) == 1
        assert db.session().in_transaction()
        assert transact_at_once(_count_one("alone"), note) == "alone"
        assert heard == ["stumbled over alone 1", "alone 1 0"]
        assert counted("alone") == 1
        heard.clear()
        assert transact_at_once(COUNT_NONE.run, note) is None
        with pytest.raises(IntegrityError):
            transact_at_once(_count_one("alone"), note)
        assert heard == []
        assert transact_at_once(_count_one("more"), note) == "more"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_a_change_of_several_statements_all_are_kept_or_none(
    app: Flask, heard: list[str]
) -> None:
    def change(connection: Connection) -> str | None:
        first = _count_one("first")(connection)
        with db.engine.connect() as other:
            assert other.scalar(select(Counter.value).where(Counter.name == "first")) is None
        _count_one("second")(connection)
        return first

    with app.test_request_context(method="POST"):
        assert transact_at_once(_count_one("second"), Happened) == "second"
        heard.clear()
        with pytest.raises(IntegrityError):
            transact_at_once(change, Happened)
        assert (heard, counted("first"), counted("second")) == ([], 0, 1)
        assert not sqlite._turn.locked()
        assert transact_at_once(_count_one("first"), Happened) == "first"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("when", ["BEGIN", "INSERT", "COMMIT", "behind"])
@pytest.mark.parametrize("failure", [Failure, KeyboardInterrupt])
def test_whatever_breaks_a_change_off_leaves_nothing_open(
    app: Flask, heard: list[str], when: str, failure: type[BaseException]
) -> None:
    def break_off(_c: Any, _u: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(when):
            raise failure

    def change(connection: Connection) -> str | None:
        name = _count_one("broken")(connection)
        if when == "behind":
            raise failure
        return name

    with app.test_request_context(method="POST"):
        g.body_is_here = True
        assert counted("broken") == 0
        event.listen(db.engine, "before_cursor_execute", break_off)
        try:
            with pytest.raises(failure):
                transact_at_once(change, Happened)
        finally:
            event.remove(db.engine, "before_cursor_execute", break_off)
        assert not sqlite._turn.locked()
        with db.engine.connect() as other:
            assert other.scalar(select(Counter.value).where(Counter.name == "broken")) is None
        # The same connection, and nothing is open on it.
        assert transact_at_once(_count_one("next"), Happened) == "next"
        assert [each for each in heard if "broken" in each] == []
        end_reads()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_waits_for_the_turn_holds_no_connection(app: Flask) -> None:
    reading: list[str] = []

    def place(name: str) -> None:
        with app.test_request_context(method="POST"):
            g.body_is_here = True
            with_connection(lambda connection: execute(connection, "SELECT 1"))
            reading.append(name)
            transact_at_once(_count_one(name), Happened)

    with app.app_context():
        pool: Any = db.engine.pool
        before = pool.checkedout()
        with sqlite.writers_turn():
            waiting = [threading.Thread(target=place, args=(f"n{n}",)) for n in range(4)]
            for thread in waiting:
                thread.start()
            until(lambda: len(reading) == len(waiting) and pool.checkedout() == before)
            assert all(thread.is_alive() for thread in waiting)
        for thread in waiting:
            thread.join(10)
        assert [counted(f"n{n}") for n in range(4)] == [1] * 4


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (lambda: count("inner"), NestedTransaction),
        (lambda: transact_at_once(_count_one("inner"), Happened), NestedTransaction),
        (leave_database, TransactionOpen),
    ],
)
def test_inside_a_change_neither_a_transaction_nor_a_call_to_others_is_begun(
    app: Flask, act: Callable[[], object], refusal: type[Exception]
) -> None:
    def change(connection: Connection) -> str | None:
        name = _count_one("outer")(connection)
        act()
        return name

    with app.test_request_context(method="POST"):
        with pytest.raises(refusal):
            transact_at_once(change, Happened)
        assert (counted("outer"), counted("inner")) == (0, 0)
        act()


def test_a_change_inside_another_transaction_is_refused(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(NestedTransaction), transaction():
            transact_at_once(_count_one("nested"), Happened)
        assert counted("nested") == 0


def test_however_a_transaction_ends_another_has_its_turn(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with (
            monkeypatch.context() as broken,
            pytest.raises(Failure),
            transaction(),
        ):
            broken.setattr(transactions, "_close", lambda _session: _fail())
        assert not sqlite._turn.locked()
        count("after")
        assert counted("after") == 1


def test_nothing_outside_is_called_while_a_transaction_is_open(app: Flask) -> None:
    with app.app_context():
        leave_database()
        with pytest.raises(TransactionOpen), transaction():
            leave_database()
        leave_database()


def test_a_write_that_follows_a_read_waits_for_other_writers_and_loses_nothing(app: Flask) -> None:
    def add(times: int) -> None:
        with app.app_context():
            for _ in range(times):
                counted("shared")
                count("shared")
            db.session.remove()

    threads = [threading.Thread(target=add, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with app.app_context():
        assert counted("shared") == 100


def test_what_is_committed_survives_a_power_failure(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            full = 2
            assert db.session.scalar(text("PRAGMA synchronous")) == full
            assert db.session.scalar(text("PRAGMA journal_mode")) == "wal"
            assert db.session.scalar(text("PRAGMA foreign_keys")) == 1
        else:
            # The tests' server is told to be quick; the product must not say so itself.
            source = "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"
            assert db.session.scalar(text(source)) not in {"session", "client", "user", "database"}
        db.session.remove()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_connections_that_the_server_closed_are_replaced_before_anybody_meets_them(
    app: Flask,
) -> None:
    with app.app_context():
        counted("warm up")
        db.session.remove()
        with psycopg.connect(
            str(app.config["SETTINGS"].database_url).replace("+psycopg", ""), autocommit=True
        ) as other:
            ended = other.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        assert ended is not None
        assert ended[0] > 0
        count("after")
        assert counted("after") == 1
        db.session.remove()
