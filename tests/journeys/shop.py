"""The whole product as `make run` starts it, and the ways around its pages."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from app.config import Settings
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough password"
_numbers = itertools.count(1)

Body = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Somebody who can log in with PASSWORD."""

    email: str
    name: str
    token: str


class Shop:
    """A running `python -m dev.run`; `settings` are environment variables of the product."""

    def __init__(self, instance: Path, **settings: str) -> None:
        self._log = instance.with_suffix(".log")
        known = {name.upper() for name in Settings.model_fields}
        environment = {name: value for name, value in os.environ.items() if name not in known}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dev.run", "--instance", str(instance)),
                    *("--port", "0", "--json", "--stop-with-parent"),
                ],
                cwd=ROOT,
                env={**environment, "ENV_FILE": str(instance / "none"), **settings},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it did not start:\n{self._log.read_text()[-4000:]}"
        addresses: Body = json.loads(line)
        self.url: str = addresses["app"]
        self.mail_url: str = addresses["mail"]
        self.sandbox_url: str = addresses["sandbox"]
        self.env_file: str = addresses["env_file"]
        self.pids: list[int] = list(addresses["processes"].values())
        self.seconds_to_start: float = addresses["seconds"]["total"]
        self.http = requests.Session()
        self.http.trust_env = False

    def interrupt(self) -> int:
        """Ctrl-C; the exit status."""
        self.http.close()
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def call(
        self, method: str, path: str, body: Body | None = None, by: Account | None = None
    ) -> Any:
        """A request to the JSON API that has to succeed."""
        headers = {"Authorization": f"Bearer {by.token}"} if by else {}
        answer = self.http.request(
            method, f"{self.url}/api{path}", json=body, headers=headers, timeout=30
        )
        assert answer.ok, answer.text
        return answer.json()

    def account(self, role: str = "BUYER") -> Account:
        """Somebody new."""
        number = next(_numbers)
        email, name = f"{role.lower()}-{number}@journeys.example", f"{role.title()} {number}"
        credentials = {"email": email, "password": PASSWORD}
        self.call("POST", "/auth/register", {**credentials, "name": name, "role": role})
        token = self.call("POST", "/auth/token", credentials)["token"]
        return Account(email, name, token)

    def artwork(self, threshold: str = "100.00", seller: Account | None = None) -> int:
        """An artwork that is open for bids."""
        listing = {"title": f"Journey no. {next(_numbers)}", "secret_threshold": threshold}
        seller = seller or self.account("SELLER")
        return int(self.call("POST", "/artworks", listing, by=seller)["id"])

    def status_of(self, artwork_id: int) -> str:
        """What everybody may know of an artwork's state."""
        return str(self.call("GET", f"/artworks/{artwork_id}")["status"])

    def mails(self, account_email: str) -> list[str]:
        """The kinds of the mails to somebody so far, the oldest first."""
        return [mail["kind"] for mail in reversed(self._mails(account_email))]

    def mail(self, account_email: str, kind: str) -> Body:
        """The one mail of this kind to somebody, as soon as it is there."""

        def found() -> list[Body]:
            return [mail for mail in self._mails(account_email) if mail["kind"] == kind]

        (mail,) = until(found, seconds=20)
        address = f"{self.mail_url}/api/messages/{mail['id']}"
        return dict(self.http.get(address, timeout=10).json())

    def _mails(self, address: str) -> list[Body]:
        answer = self.http.get(f"{self.mail_url}/api/messages", params={"to": address}, timeout=10)
        return list(answer.json())

    def control(self, method: str, path: str, body: Body | None = None) -> Any:
        """A request to the sandbox's control API that has to succeed."""
        answer = self.http.request(
            method, f"{self.sandbox_url}/_sandbox{path}", json=body, timeout=30
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, check=True)
    parents = dict(map(int, line.split()) for line in listing.stdout.splitlines())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that is dead and not yet asked about is none."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")
