"""New connections go to the web process that has time for them."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from dev.loopback import LOOPBACK
from tests.databases import SqliteFiles
from tests.realtime.processes import web_process
from tests.waiting import until

# Says which process answers, so many seconds later.
PROGRAM = """
import os, time

def app(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0))
    said = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]
"""
# Less than a request may last before it lets the next one in (app/core/lanes.py).
BUSY_SECONDS = 0.09
WAITING = 12
NEW = 20


class Client:
    """A connection that is kept."""

    def __init__(self, port: int) -> None:
        self._kept = http.client.HTTPConnection(LOOPBACK, port, timeout=30)

    def ask(self, seconds: float = 0) -> None:
        self._kept.request("GET", f"/?{seconds}")

    def told(self) -> int:
        """The number of the process that answers what was asked."""
        return int(self._kept.getresponse().read())

    def close(self) -> None:
        self._kept.close()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where two web processes listen."""
    (tmp_path / "who_answers.py").write_text(PROGRAM)
    settings = {
        "DATABASE_URL": SqliteFiles(tmp_path).new(),
        "UPLOAD_DIR": str(tmp_path / "uploads"),
        "PYTHONPATH": str(tmp_path),
        "WEB_CONCURRENCY": "2",
    }
    with web_process("who_answers:app", **settings) as served:
        yield int(served.url.rpartition(":")[2])


@pytest.fixture
def kept(port: int) -> Iterator[dict[int, list[Client]]]:
    """Connections to each of the processes, by its number."""
    found: dict[int, list[Client]] = {}
    with ExitStack() as open_ones:

        def both_have_enough() -> bool:
            client = open_ones.enter_context(closing(Client(port)))
            client.ask()
            found.setdefault(client.told(), []).append(client)
            return len(found) == 2 and min(map(len, found.values())) >= WAITING

        until(both_have_enough, 30)
        yield {process: clients[:WAITING] for process, clients in found.items()}


def new_ones_go_to(port: int, busy: list[Client]) -> Counter[int]:
    """How many new clients each process answers while that of `busy` is."""
    for client in busy:
        client.ask(BUSY_SECONDS)
    time.sleep(BUSY_SECONDS / 2)
    with ExitStack() as open_ones:
        new = [open_ones.enter_context(closing(Client(port))) for _ in range(NEW)]
        for client in new:
            client.ask()
        answered = Counter(client.told() for client in new)
    for client in busy:
        client.told()
    return answered


def test_what_is_new_goes_to_the_process_where_less_waits(
    port: int, kept: dict[int, list[Client]]
) -> None:
    for process, clients in kept.items():
        assert new_ones_go_to(port, clients)[process] < NEW / 2


def test_who_is_busy_takes_what_is_new_where_nobody_else_does(
    port: int, kept: dict[int, list[Client]]
) -> None:
    (busy, clients), (other, _) = kept.items()
    os.kill(other, signal.SIGSTOP)
    try:
        assert new_ones_go_to(port, clients) == {busy: NEW}
    finally:
        os.kill(other, signal.SIGCONT)
