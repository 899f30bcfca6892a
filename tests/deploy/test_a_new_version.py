"""Both hosts get a new version, as docs/deploy.md tells it, while people bid and pay."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from app.core.schema import newest_revision
from tests.databases import ROOT, environment
from tests.deploy.hosts import Hosts
from tests.deploy.load import people_bid_and_pay
from tests.faults.processes import Program
from tests.waiting import until

# Programs of two hosts are started more than once: slow on a busy machine.
pytestmark = pytest.mark.timeout(300)

# What a next version might bring: new columns in the tables that every bid needs.
NEXT = """
import sqlalchemy as sa
from alembic import op
from tests.waiting import until

revision = "next"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("artworks", "bids", "payments"):
        op.add_column(table, sa.Column("of_the_next_version", sa.String(20), nullable=True))


def downgrade() -> None:
    for table in ("artworks", "bids", "payments"):
        op.drop_column(table, "of_the_next_version")
"""


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The migrations of a version after this one."""
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder)
    (folder / "versions/next.py").write_text(NEXT.format(newest=newest_revision()))
    return folder


def migrate(hosts: Hosts, folder: Path, *how: str) -> subprocess.Popen[str]:
    """`flask db upgrade`, as the next version's checkout would do it."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", *(how or ("upgrade",)),
         "--directory", str(folder)],
        env=environment(**hosts.settings), cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def reload(web: Program) -> None:
    """What `systemctl reload` sends; returns when every process of before is gone."""
    before = set(web.family())
    psutil.Process(web.pid).send_signal(signal.SIGHUP)
    until(lambda: (now := set(web.family())) and not now & before, 60)


def test_an_upgrade_loses_no_bid_and_no_webhook(hosts: Hosts, next_version: Path) -> None:
    try:
        with people_bid_and_pay(hosts) as load:
            load.goes_on(5)
            with migrate(hosts, next_version) as migrating:
                _, said = migrating.communicate(timeout=60)
            assert migrating.returncode == 0, said
            # The older code goes on, and starts, on the newer schema.
            load.goes_on(5)
            for web, worker in hosts.both:
                reload(web)
                worker.stop()
                worker.start()
                worker.wait()
            assert requests.get(f"{hosts.url}/health/ready", timeout=10).status_code == 200
            load.goes_on(5)
        assert {offer.status for offer in load.offers} == {201}
        load.nobody_looked_in_vain()
        load.nothing_was_lost()
    finally:
        with migrate(hosts, next_version, "downgrade") as undoing:
            _, said = undoing.communicate(timeout=60)
    assert undoing.returncode == 0, said


def test_stopping_and_starting_one_host_after_another_loses_nothing(hosts: Hosts) -> None:
    with people_bid_and_pay(hosts) as load:
        load.goes_on(5)
        for number, programs in enumerate(hosts.both):
            for program in programs:
                program.stop()
            for program in programs:
                program.start()
            for program in programs:
                program.wait()
            until(lambda number=number: hosts.serves(number), 20)
        load.goes_on(5)
    # A bid that met the stopping host may have been placed: its bidder is told to look.
    assert {offer.status for offer in load.offers} <= {201, 503}
    assert sum(offer.status == 503 for offer in load.offers) <= 4
    load.nobody_looked_in_vain()
    load.nothing_was_lost()


def test_a_migration_that_would_make_everybody_wait_gives_up_and_changes_nothing(
    hosts: Hosts, next_version: Path
) -> None:
    artwork_id = hosts.artwork()
    with psycopg.connect(hosts.settings["DATABASE_URL"]) as reading:
        # As a backup or a report does: it only reads, but a change to the table must wait for it,
        # and everybody else for the change.
        reading.execute("SELECT count(*) FROM payments, artworks, bids")
        began = time.monotonic()
        slowest = 0.0
        with migrate(hosts, next_version) as process:
            while process.poll() is None:
                page = requests.get(f"{hosts.url}/artworks/{artwork_id}", timeout=30)
                assert page.status_code == 200
                slowest = max(slowest, page.elapsed.total_seconds())
                assert time.monotonic() - began < 40
                time.sleep(0.05)
            assert process.stderr is not None
            said = process.stderr.read()
        assert process.returncode != 0
    assert "lock timeout" in said
    assert said.count("trying again") > 1
    assert 0.3 < slowest < 5, "nobody had to wait: the test does not test anything"
    columns = "SELECT 1 FROM information_schema.columns WHERE column_name = 'of_the_next_version'"
    with psycopg.connect(hosts.settings["DATABASE_URL"]) as looking:
        assert looking.execute(columns).fetchall() == []
        version = looking.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == (newest_revision(),)
