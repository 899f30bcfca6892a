"""The product behind Gunicorn, standing still: nothing changes unless a test changes it.

Scenes of its database are kept: `empty`, where there are people and nothing else, `full`, and
`strained`, where everything is called by the longest words (tests/journeys/scene.py). `show` brings
one of them back in milliseconds.
"""

from __future__ import annotations

import functools
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from app import create_app
from app.config import read_settings
from app.core.extensions import db
from dev.loopback import free_port
from dev.processes import end, spawn
from dev.redis_server import RedisServer
from tests import people
from tests.conftest import release
from tests.databases import REQUIRED, ROOT, environment
from tests.payments.market import Market
from tests.people import TestPerson
from tests.sandbox.sandbox_process import Sandbox
from tests.waiting import until

Numbers = dict[str, Any]


class House:
    """A running web process, its database, and the application in this process beside it."""

    def __init__(
        self, database_url: str, folder: Path, redis: RedisServer, sandbox: Sandbox
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.sandbox = sandbox
        self._folder = folder
        self._file = Path(database_url.removeprefix("sqlite:///"))
        settings = {
            "DATABASE_URL": database_url,
            "UPLOAD_DIR": str(folder / "uploads"),
            "PUBLIC_URL": self.url,
            "PORT": str(port),
            "REDIS_URL": redis.url,
            "STRIPE_API_BASE": sandbox.url,
            "RATELIMIT_ENABLED": "0",
            "UNPAID_WIN_LIMIT": "50",
        }
        self._log = folder / "web.log"
        with self._log.open("wb") as log:
            self._web = spawn(
                [
                    *(sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"),
                    "tests.journeys.failing_app:app",
                ],
                cwd=ROOT,
                env=environment(**settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.app = create_app(read_settings(REQUIRED | settings))
        self.people: dict[str, TestPerson] = {}
        self.numbers: Numbers = {}
        self._shown = ""
        until(self._answers, 30)

    def stop(self) -> None:
        """End it."""
        release(self.app)
        end(self._web)

    def market(self) -> Market:
        """What people may do here, with the usual seller and buyer."""
        return Market(
            self.app,
            self.sandbox,
            functools.partial(people.make_person, self.app),
            functools.partial(people.make_artwork, self.app),
            self.people["seller"],
            self.people["buyer"],
        )

    def keep(self, scene: str) -> None:
        """Remember the database as it is, under this name."""
        with self.app.app_context():
            db.session.remove()
        self._copy(self._file, self._folder / f"{scene}.sqlite3")
        self._shown = scene

    def show(self, scene: str) -> None:
        """Have the database as it was, unless it still is."""
        if self._shown != scene:
            with self.app.app_context():
                db.session.remove()
            self._copy(self._folder / f"{scene}.sqlite3", self._file)
            self._shown = scene

    def touched(self) -> None:
        """Say that something was changed: `show` has work to do."""
        self._shown = ""

    def cookies(self, who: str) -> list[Any]:
        """What a browser needs to be signed in as one of the people; nothing for a stranger."""
        if who == "stranger":
            return []
        cookie = self.people[who].browser.get_cookie("session")
        assert cookie is not None
        return [{"name": "session", "value": cookie.value, "url": self.url, "httpOnly": True}]

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with sqlite3.connect(source) as read, sqlite3.connect(target, timeout=10) as written:
            read.backup(written)
        read.close()
        written.close()

    def _answers(self) -> bool:
        assert self._web.poll() is None, self._log.read_text()
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=2).ok
        return False
