"""Clients that are slow, silent or wrong, at the web process as it is deployed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from dev.loopback import LOOPBACK
from tests.databases import SqliteFiles
from tests.realtime.processes import web_process
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

    url: str
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection((LOOPBACK, urlsplit(self.url).port or 80), timeout=30)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    log = tmp_path / "log"
    settings = {
        "DATABASE_URL": SqliteFiles(tmp_path).new(),
        "UPLOAD_DIR": str(tmp_path / "uploads"),
    }
    with web_process(log=log, **settings) as served:
        yield Web(served.url, log)


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
            assert requests.get(f"{web.url}/health", timeout=30).status_code == 200
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
