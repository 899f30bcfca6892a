"""A restore or a recovery that is broken off, or done by two at once."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.bidding import service as bidding
from app.config import ROOT
from app.jobs import recovery
from app.payments import service as payments
from tests.conftest import release
from tests.payments.market import Market, at_once, until

Command = Callable[..., Result]

DIES_ONCE_REPLACED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy.engine import URL
from app.operations import dumps

replace = os.replace

def replace_and_die(*names):
    replace(*names)
    os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace_and_die
dumps.load(URL.create("sqlite", database=sys.argv[1]), Path(sys.argv[2]))
"""


def filled(file: Path, rows: int) -> sqlite3.Connection:
    """An SQLite database with a log beside it, as the product writes it."""
    made = sqlite3.connect(file, isolation_level=None)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("CREATE TABLE things (name TEXT)")
    made.executemany("INSERT INTO things VALUES (?)", [("x" * 300,)] * rows)
    return made


def test_a_restore_that_is_killed_leaves_the_backup_whole_and_nothing_of_what_was_there(
    tmp_path: Path,
) -> None:
    present, backup = tmp_path / "present.sqlite3", tmp_path / "backup.sqlite3"
    # As a killed process leaves it: much of it is only in the log.
    with closing(filled(tmp_path / "killed.sqlite3", 2000)):
        for ending in ("", "-wal"):
            shutil.copyfile(f"{tmp_path / 'killed.sqlite3'}{ending}", f"{present}{ending}")
    with closing(filled(backup, 50)) as saved:
        saved.execute("PRAGMA journal_mode=DELETE")
    died = subprocess.run(
        [sys.executable, "-c", DIES_ONCE_REPLACED, str(present), str(backup)], cwd=ROOT, check=False
    )
    assert died.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(present)) as found:
        assert found.execute("SELECT count(*) FROM things").fetchone() == (50,)
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def lost_win(shop: Market, flask_command: Command, folder: Path) -> Any:
    """A win that came after the backup, which is restored."""
    artwork_id = shop.make_artwork(shop.seller)
    assert flask_command("backup", folder).exit_code == 0
    won = shop.bid(shop.buyer, artwork_id, "100").get_json()
    release(shop.app)
    [file] = folder.glob("*.tar")
    assert flask_command("restore", file, "--replace").exit_code == 0
    return won


def test_a_win_that_another_recovery_restores_meanwhile_stays_payable(
    shop: Market, flask_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    won = lost_win(shop, flask_command, tmp_path)
    is_known = payments.is_known
    overtaken = []

    def known_a_moment_ago(sale: Any) -> bool:
        known = is_known(sale)
        if not known and not overtaken:
            overtaken.append([bidding.restore_win(found) for found in payments.list_sales()])
        return known

    monkeypatch.setattr(payments, "is_known", known_a_moment_ago)
    assert flask_command("reconcile").exit_code == 0
    assert overtaken == [[None]]
    assert shop.flags() == []
    [session] = shop.sandbox.ledger()["sessions"]
    assert session["status"] == "open"
    shop.pay(won)
    shop.sweep()
    assert shop.standing(won) == ("SOLD", "WON", "SUCCEEDED")


def test_nobody_else_recovers_while_one_waits_for_stripe(
    shop: Market, flask_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    won = lost_win(shop, flask_command, tmp_path)
    monkeypatch.setattr(recovery, "_LEASE_SECONDS", 1)
    barrier = {"name": "hang", "operation": "list", "when": "before"}
    shop.sandbox.control("POST", "/barriers", barrier, 201)

    def do(number: int) -> str:
        if number == 0:
            return flask_command("reconcile").output
        until(lambda: shop.sandbox.control("GET", "/barriers")[0]["waiting"] == 1, 5)
        try:
            # Longer than the lease would last by itself.
            until(lambda: "already" not in flask_command("reconcile").output, 2)
        except AssertionError:
            return "always told to wait"
        finally:
            shop.sandbox.control("POST", "/barriers/hang/release")
        return "begun beside the other"

    first, second = at_once(2, do)
    assert second == "always told to wait"
    assert "Bids are open again." in first
    assert shop.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")
