"""Clients that are slow, silent or wrong, at the web process as it is deployed."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn
from tests.databases import ROOT, SqliteFiles, environment
from tests.waiting import until

HEAD = b"GET /health HTTP/1.1\r\nHost: bids.example.com\r\n"
BODY = (
    b"POST /api/auth/token HTTP/1.1\r\nHost: bids.example.com\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
)
EACH = 20


@dataclass(frozen=True)
class Web:
    """One web process, and what it writes."""

    port: int
    log: Path

    @property
    def health(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/health"

    def connect(self) -> socket.socket:
        return socket.create_connection((LOOPBACK, self.port), timeout=30)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    served = Web(free_port(), tmp_path / "log")
    settings = {
        "PUBLIC_URL": "https://bids.example.com",
        "PORT": str(served.port),
        "DATABASE_URL": SqliteFiles(tmp_path).new(),
        "UPLOAD_DIR": str(tmp_path / "uploads"),
    }
    with served.log.open("wb") as log:
        process = spawn(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"],
            cwd=ROOT, env=environment(**settings), stdout=log, stderr=log,
        )  # fmt: skip
        try:
            until(lambda: answers(served), 90, lambda: served.log.read_text())
            yield served
        finally:
            end(process)


def answers(web: Web) -> bool:
    try:
        return requests.get(web.health, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def test_clients_that_are_slow_hold_nobody_up_and_are_answered_in_the_end(web: Web) -> None:
    with ExitStack() as open_ones:
        silent, half_heads, half_bodies = (
            [open_ones.enter_context(web.connect()) for _ in range(EACH)] for _ in range(3)
        )
        for slow in half_heads:
            slow.sendall(HEAD)
        for slow in half_bodies:
            slow.sendall(BODY)
        time.sleep(0.2)
        began = time.monotonic()
        for _ in range(5):
            assert requests.get(web.health, timeout=30).status_code == 200
        # Were each waited for until it lost its turn, it would take twice as long at least.
        assert time.monotonic() - began < 1
        for slow in silent:
            slow.sendall(HEAD)
        for slow in silent + half_heads:
            slow.sendall(b"\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        for slow in half_bodies:
            slow.sendall(b"}")
            assert slow.recv(100).startswith(b"HTTP/1.1 422 ")


def test_what_is_no_request_is_refused_and_told_of_in_a_line(web: Web) -> None:
    with web.connect() as wrong:
        wrong.sendall(b"no request at all\r\n\r\n")
        assert wrong.recv(100).startswith(b"HTTP/1.1 400 ")
    until(lambda: "Invalid request" in web.log.read_text())
    assert "Logging error" not in web.log.read_text()
    assert "Traceback" not in web.log.read_text()
