"""Writers of several processes on one SQLite file: who waits, for whom, and for how long."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, g
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.core import events, sqlite
from app.core.counters import count, counted
from app.core.extensions import db
from app.core.statements import execute, with_connection
from app.core.transaction import transact_at_once

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@contextmanager
def another_process_writes(app: Flask) -> Iterator[sqlite3.Connection]:
    """A connection that the product knows nothing of, with a transaction open."""
    path = str(app.config["SETTINGS"].database_url).removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def _patience() -> int:
    milliseconds = db.session.scalar(text("PRAGMA busy_timeout"))
    db.session.close()
    return int(milliseconds or 0)


def test_a_short_transaction_of_another_process_is_waited_for_in_short_sleeps(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    with app.app_context(), another_process_writes(app) as other:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if sum(slept) > 0.06:
                other.execute("COMMIT")

        monkeypatch.setattr(sqlite, "sleep", sleep)
        count("ours")
        assert counted("ours") == 1
    assert slept[0] < 0.0005
    assert sum(slept[:5]) < 0.002
    assert slept == sorted(slept)
    assert max(slept) <= 0.05


def test_who_waits_too_long_hears_that_it_is_locked_and_the_next_waits_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with another_process_writes(app), monkeypatch.context() as hasty:
            hasty.setattr(sqlite, "_BUSY_SECONDS", 0.05)
            began = time.monotonic()
            with pytest.raises(OperationalError, match="locked"):
                count("ours")
            assert 0.05 <= time.monotonic() - began < 2
        assert _patience() == 5_000
        count("ours")
        assert counted("ours") == 1


def test_a_change_at_once_that_waits_too_long_leaves_its_connection_and_its_turn_as_they_were(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(connection: Connection) -> str:
        execute(connection, "INSERT INTO counters (name, value) VALUES ('ours', 1)")
        return "ours"

    def read() -> object:
        return with_connection(
            lambda connection: execute(connection, "PRAGMA busy_timeout", returns_rows=True)
        )

    with app.test_request_context(method="POST"):
        g.body_is_here = True
        assert read() == [(5_000,)]
        with another_process_writes(app), monkeypatch.context() as hasty:
            hasty.setattr(sqlite, "_BUSY_SECONDS", 0.05)
            with pytest.raises(OperationalError, match="locked"):
                transact_at_once(change, lambda _: events.Event())
            assert not sqlite._turn.locked()
            assert read() == [(5_000,)]
        assert transact_at_once(change, lambda _: events.Event()) == "ours"
        assert counted("ours") == 1


def test_a_long_wait_is_told_as_a_slow_statement(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), another_process_writes(app) as other:

        def sleep(_seconds: float) -> None:
            time.sleep(app.config["SETTINGS"].slow_query_seconds + 0.01)
            other.execute("COMMIT")

        monkeypatch.setattr(sqlite, "sleep", sleep)
        count("ours")
        count("ours")
    [told] = [each for each in caplog.records if each.name == "app.core.sqlite"]
    assert "slow statement: BEGIN IMMEDIATE" in told.getMessage()
    assert told.milliseconds > 500


def test_a_connection_that_cannot_be_told_is_not_used_again(app: Flask) -> None:
    with app.app_context():
        with db.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.close()
            with pytest.raises(ProgrammingError) as told:
                sqlite.begin_to_write(connection)
        assert told.value.connection_invalidated
        count("ours")
        assert counted("ours") == 1


def test_what_is_wrong_otherwise_is_raised_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        raise AssertionError

    monkeypatch.setattr(sqlite, "sleep", sleep)
    with app.app_context():
        with db.engine.connect() as connection:
            execute(connection, "BEGIN IMMEDIATE")
            with pytest.raises(OperationalError, match="within a transaction"):
                sqlite.begin_to_write(connection)
            execute(connection, "ROLLBACK")
        assert _patience() == 5_000


def test_whoever_reads_behind_a_write_waits_as_patiently_as_before(app: Flask) -> None:
    with app.app_context():
        count("ours")
        assert _patience() == 5_000
