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
from app.core.notes import read_note
from app.jobs import recovery
from app.payments import service as payments
from app.payments.pause import RECOVERING
from tests.conftest import release
from tests.databases import environment
from tests.payments.market import Market, at_once
from tests.waiting import until

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
dumps.load(URL.create("sqlite", database=sys.argv[1]), Path(sys.argv[2]), (), ())
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
    monkeypatch.setattr(recovery, "_LEASE_SECONDS", 3)
    barrier = {"name": "hang", "operation": "list", "when": "before"}
    shop.sandbox.control("POST", "/barriers", barrier, 201)

    def do(number: int) -> str:
        if number == 0:
            return flask_command("reconcile").output
        until(lambda: shop.sandbox.control("GET", "/barriers")[0]["waiting"] == 1, 5)
        try:
            # Longer than the lease would last by itself.
            until(lambda: "already" not in flask_command("reconcile").output, 5)
        except AssertionError:
            return "always told to wait"
        finally:
            shop.sandbox.control("POST", "/barriers/hang/release")
        return "begun beside the other"

    first, second = at_once(2, do)
    assert second == "always told to wait"
    assert "Bids are open again." in first
    assert shop.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")


KILLED_ONCE_LOADED = """
import os, signal, sys
from flask.cli import main
from app.operations import saving
from tests.waiting import until

saving._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["flask", "--app", "wsgi", "restore", sys.argv[1], "--replace"]
main()
"""


@pytest.mark.parametrize("schema", ["", "0005"], ids=["this schema", "one without notes"])
def test_bids_wait_though_a_restore_is_killed_when_the_data_is_there_and_the_service_starts_anyway(
    shop: Market, flask_command: Command, tmp_path: Path, schema: str
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    settings = shop.app.config["SETTINGS"]
    release(shop.app)
    if schema:
        assert flask_command("db", "downgrade", schema).exit_code == 0
    assert flask_command("backup", tmp_path).exit_code == 0
    [file] = tmp_path.glob("*.tar")
    if schema:
        assert flask_command("db", "upgrade").exit_code == 0
    won = shop.bid(shop.buyer, artwork_id, "100").get_json()
    shop.pay(won)
    release(shop.app)

    died = subprocess.run(
        [sys.executable, "-c", KILLED_ONCE_LOADED, str(file)],
        cwd=ROOT,
        env=environment(
            DATABASE_URL=settings.database_url,
            UPLOAD_DIR=str(settings.upload_dir),
            PORT=str(settings.port),
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    # What systemd does before it starts the rest.
    assert flask_command("db", "upgrade").exit_code == 0
    refused = shop.bid(shop.make_person("BUYER"), artwork_id, "100")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "bids_paused")
    shop.sweep()
    assert shop.standing(won) == ("SOLD", "WON", "SUCCEEDED")


def test_a_backup_of_a_recovery_brings_the_whole_recovery_back(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    (tmp_path / "first").mkdir()
    assert flask_command("backup", tmp_path / "first").exit_code == 0
    won = shop.bid(shop.buyer, artwork_id, "100").get_json()
    shop.pay(won)
    release(shop.app)
    [first] = (tmp_path / "first").glob("*.tar")
    assert flask_command("restore", first, "--replace").exit_code == 0
    with shop.app.app_context():
        began = read_note(RECOVERING)
    assert began is not None
    assert flask_command("backup", tmp_path / "second").exit_code == 0
    release(shop.app)
    [second] = (tmp_path / "second").glob("*.tar")
    assert flask_command("restore", second, "--replace").exit_code == 0
    with shop.app.app_context():
        goes_on = read_note(RECOVERING)
    assert goes_on is not None
    assert goes_on.content == began.content
    assert goes_on.noted_at > began.noted_at
    shop.sweep()
    assert shop.standing(won) == ("SOLD", "WON", "SUCCEEDED")


@pytest.mark.parametrize("damage", ["header", "everything", "middle"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_said_to_be_and_is_kept_beside_the_restored_one(
    shop: Market, flask_command: Command, tmp_path: Path, damage: str
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    assert flask_command("backup", tmp_path).exit_code == 0
    release(shop.app)
    [file] = tmp_path.glob("*.tar")
    database = Path(shop.app.config["SETTINGS"].database_url.removeprefix("sqlite:///"))
    whole = database.read_bytes()
    spoiled = {
        "header": b"?" * 100 + whole[100:],
        "everything": b"?" * len(whole),
        "middle": whole[:4096] + b"?" * (len(whole) - 4096),
    }[damage]
    database.write_bytes(spoiled)

    for command in (("backup", tmp_path / "more"), ("restore", file)):
        refused = flask_command(*command)
        assert refused.exit_code == 1, refused.output
        assert isinstance(refused.exception, SystemExit)
        assert "cannot be read" in refused.output or "does not answer" in refused.output
    assert database.read_bytes() == spoiled
    done = flask_command("restore", file, "--replace")
    assert done.exit_code == 0, done.output
    assert shop.artwork(artwork_id).id == artwork_id
    assert shop.bid(shop.buyer, artwork_id, "10").status_code == 503
    if damage != "middle":
        assert database.with_name(f"{database.name}.damaged").read_bytes() == spoiled
