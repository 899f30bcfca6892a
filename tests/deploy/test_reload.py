"""A reload runs what is there now: settings, code, schema; what cannot start changes nothing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from sqlalchemy import create_engine, text

from dev.loopback import free_port
from dev.processes import end, spawn
from tests.databases import ROOT, environment, migrate
from tests.waiting import until

SERVE = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]


@dataclass
class Deployed:
    """A checkout of its own, its settings file, and Gunicorn in it."""

    folder: Path
    env: dict[str, str]
    url: str
    process: subprocess.Popen[bytes]

    def set(self, **settings: str) -> None:
        """Write the settings file anew."""
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self.folder / "env").write_text("".join(lines))

    def reload(self) -> None:
        """What `systemctl reload` sends."""
        self.process.send_signal(signal.SIGHUP)

    def check(self) -> int:
        """What `systemctl reload` asks first."""
        done = subprocess.run(
            [*SERVE, "--check-config", "wsgi:app"],
            cwd=self.folder, env=self.env, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode

    def metrics(self, token: str = "") -> int:
        """The status of the figures with this token."""
        said = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return requests.get(f"{self.url}/metrics", headers=said, timeout=10).status_code
        except requests.RequestException:
            # Nobody listens yet, or what listens is still starting.
            return 0


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    folder = tmp_path / "checkout"
    for name in ("app", "templates", "migrations", "deploy"):
        ignored = shutil.ignore_patterns("__pycache__", "static")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copytree(ROOT / "app/static", folder / "app/static")
    shutil.copy(ROOT / "wsgi.py", folder)
    database = f"sqlite:///{tmp_path}/deployed.sqlite3"
    migrate(database, tmp_path / "uploads")
    port = free_port()
    env = environment(
        ENV_FILE=str(folder / "env"),
        DATABASE_URL=database,
        UPLOAD_DIR=str(tmp_path / "uploads"),
        PORT=str(port),
    )
    (folder / "env").write_text("METRICS_TOKEN=first\n")
    process = spawn([*SERVE, "wsgi:app"], cwd=folder, env=env, stderr=subprocess.DEVNULL)
    deployed = Deployed(folder, env, f"http://127.0.0.1:{port}", process)
    try:
        until(lambda: deployed.metrics("first") == 200 or process.poll() is not None, 40)
        yield deployed
    finally:
        end(process)


def test_a_reload_takes_new_settings_and_new_code(deployed: Deployed) -> None:
    assert deployed.check() == 0
    deployed.set(METRICS_TOKEN="second")
    deployed.reload()
    until(lambda: deployed.metrics("second") == 200, 40)
    until(lambda: deployed.metrics("first") != 200, 40)

    deployed.set()
    # A module that is looked at before the processes are made: the parent must not keep it.
    changed = deployed.folder / "app/config.py"
    before, after = "metrics_token: str | None = Field(None", 'metrics_token: str = Field("third"'
    assert before in changed.read_text()
    changed.write_text(changed.read_text().replace(before, after))
    deployed.reload()
    until(lambda: deployed.metrics("third") == 200, 40)
    until(lambda: deployed.metrics() != 200, 40)


def test_what_cannot_start_is_refused_before_anything_is_told_to_go(deployed: Deployed) -> None:
    deployed.set(TRUSTED_PROXIES="many")
    assert deployed.check() != 0
    deployed.set(METRICS_TOKEN="first")
    assert deployed.check() == 0
    engine = create_engine(deployed.env["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert deployed.check() != 0
    assert deployed.metrics("first") == 200
