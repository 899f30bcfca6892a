"""Writers of several processes on one SQLite file: who waits, for whom, and for how long."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core import sqlite
from app.core.counters import count, counted
from app.core.extensions import db
from app.core.statements import execute

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


def test_a_writer_goes_on_as_soon_as_that_of_another_process_is_done(app: Flask) -> None:
    done_at: list[float] = []
    waits: list[float] = []
    with app.app_context():
        counted("warm up")
        for _ in range(7):
            with another_process_writes(app) as other:

                def end(other: sqlite3.Connection = other) -> None:
                    time.sleep(0.02)
                    other.execute("COMMIT")
                    done_at.append(time.monotonic())

                ending = threading.Thread(target=end)
                ending.start()
                count("ours")
                waits.append(time.monotonic() - done_at[-1])
                ending.join()
        assert counted("ours") == len(waits)
    # SQLite itself would look 18 and 33 milliseconds after it began to wait.
    assert min(waits) < 0.009


def test_a_short_transaction_of_another_process_is_waited_for_in_short_sleeps(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    with app.app_context(), another_process_writes(app) as other:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if sum(slept) > 0.06:
                other.execute("COMMIT")

        monkeypatch.setattr(sqlite.time, "sleep", sleep)
        count("ours")
        assert counted("ours") == 1
    assert slept[0] < 0.0005
    assert sum(slept[:5]) < 0.002
    assert slept == sorted(slept)
    assert max(slept) <= 0.005


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


def test_what_is_wrong_otherwise_is_raised_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        raise AssertionError

    monkeypatch.setattr(sqlite.time, "sleep", sleep)
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
