"""New connections go to the web process that has time for them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
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
BUSY_SECONDS, SHORT_SECONDS = 0.03, 0.01
WAITING = 12
NEW = 20
ROUNDS, SECONDS = 10, 1.5


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


@dataclass(frozen=True)
class Served:
    """A Gunicorn with two processes, and connections to each of them by its number."""

    port: int
    gunicorn: subprocess.Popen[bytes]
    kept: dict[int, list[Client]]

    @property
    def everyone(self) -> list[Client]:
        """The connections to both."""
        return [client for clients in self.kept.values() for client in clients]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "who_answers.py").write_text(PROGRAM)
    settings = {
        "DATABASE_URL": SqliteFiles(tmp_path).new(),
        "UPLOAD_DIR": str(tmp_path / "uploads"),
        "PYTHONPATH": str(tmp_path),
        "WEB_CONCURRENCY": "2",
    }
    with web_process("who_answers:app", **settings) as web, ExitStack() as open_ones:
        port = int(web.url.rpartition(":")[2])

        processes: set[int] = set()

        def both_answered() -> bool:
            with new_clients(port, 1) as [client]:
                processes.add(client.told())
            return len(processes) == 2

        until(both_answered, 30)
        kept = {}
        for process in processes:
            [other] = processes - {process}
            with stopped(other):
                kept[process] = open_ones.enter_context(new_clients(port, WAITING))
                assert {client.told() for client in kept[process]} == {process}
        yield Served(port, web.process, kept)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def new_clients(port: int, number: int) -> Iterator[list[Client]]:
    """So many that asked for something at once."""
    with ExitStack() as open_ones:
        new = [open_ones.enter_context(closing(Client(port))) for _ in range(number)]
        for client in new:
            client.ask()
        yield new


@contextmanager
def asking_again_and_again(clients: list[Client], seconds: float) -> Iterator[list[int]]:
    """Each of them asks as soon as it is answered; who answered, so far."""
    answers: list[int] = []
    enough = threading.Event()

    def ask_again(client: Client) -> None:
        while not enough.is_set():
            client.ask(seconds)
            answers.append(client.told())

    with ThreadPoolExecutor(len(clients)) as threads:
        asking = [threads.submit(ask_again, client) for client in clients]
        try:
            until(lambda: len(answers) > len(clients))
            yield answers
        finally:
            enough.set()
    for each in asking:
        each.result()


def new_ones_at(port: int) -> Counter[int]:
    """How many new clients, one after another for a while, each process answers."""
    answered: Counter[int] = Counter()
    enough = time.monotonic() + SECONDS
    while time.monotonic() < enough:
        with new_clients(port, 1) as [client]:
            answered[client.told()] += 1
    return answered


def test_what_is_new_goes_to_the_process_where_less_waits(served: Served) -> None:
    for process, clients in served.kept.items():
        with asking_again_and_again(clients, SHORT_SECONDS):
            # Where other programs hold the idle process up, what is new is rightly not left to it.
            # Who takes what the idle one is about to take does so several times in each round.
            rounds = (new_ones_at(served.port) for _ in range(ROUNDS))
            assert any(answered[process] <= 1 for answered in rounds)


def test_who_is_busy_takes_what_is_new_where_nobody_else_does(served: Served) -> None:
    (busy, clients), (other, _) = served.kept.items()
    with (
        stopped(other),
        asking_again_and_again(clients, SHORT_SECONDS),
        new_clients(served.port, NEW) as new,
    ):
        assert {client.told() for client in new} == {busy}


def test_who_is_new_is_not_passed_over_for_those_who_ask_again_and_again(served: Served) -> None:
    many = 200
    with asking_again_and_again(served.everyone, 0.001) as answers:
        before = len(answers)
        with new_clients(served.port, many) as new:
            for client in new:
                client.told()
        meanwhile = len(answers) - before
    assert meanwhile < 3 * many


def test_what_was_asked_before_a_stop_is_answered(served: Served) -> None:
    for client in served.everyone:
        client.ask(BUSY_SECONDS)
    time.sleep(BUSY_SECONDS / 2)
    with new_clients(served.port, NEW) as new:
        served.gunicorn.send_signal(signal.SIGTERM)
        assert {client.told() for client in served.everyone + new} == set(served.kept)
