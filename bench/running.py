"""The whole product, started for a benchmark as `make run` starts it."""

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "instance" / "bench.log"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Product:
    """A running product, its sandbox, and the ways to speak to both."""

    url: str
    sandbox_url: str
    database: str
    http: requests.Session

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """A request to the JSON API that has to succeed."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.http.request(
            method, f"{self.url}/api{path}", json=body, headers=headers, timeout=30
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the sandbox's control API that has to succeed."""
        answer = self.http.request(
            method, f"{self.sandbox_url}/_sandbox{path}", json=body, timeout=30
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def sign_up(self, role: str) -> str:
        """A new account's token."""
        credentials = {
            "email": f"{secrets.token_hex(6)}@bench.example",
            "password": "a long enough password",
        }
        person = {**credentials, "name": f"Bench {next(_numbers)}", "role": role}
        self.call("POST", "/auth/register", person)
        return str(self.call("POST", "/auth/token", credentials)["token"])

    def list_artwork(self, seller: str) -> int:
        """A new artwork that 100 dollars win."""
        listing = {"title": f"Bench {next(_numbers)}", "secret_threshold": "100.00"}
        return int(self.call("POST", "/artworks", listing, seller)["id"])


@contextmanager
def running(**settings: str) -> Iterator[Product]:
    """Start everything (the database is DATABASE_URL's, else SQLite), and end it again.

    The instance is a new one: what an earlier run left, the faults it set at the sandbox among it,
    would be measured too. A database that DATABASE_URL names keeps what it has.
    """
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "RATELIMIT_ENABLED": "0",
        **settings,
    }
    LOG.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, LOG.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dev.run", "--instance", f"{folder}/instance", "--port", "0",
             "--json", "--stop-with-parent"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        if process.stdout is None:
            raise RuntimeError("its output was asked for")
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"it did not start; see {LOG}")
            said = json.loads(line)
            with requests.Session() as http:
                http.trust_env = False
                kind = said["database_url"].partition(":")[0]
                yield Product(said["app"], said["sandbox"], kind, http)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            process.stdout.close()
