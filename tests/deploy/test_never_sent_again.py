"""What nginx does with a request whose answer was lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.deploy.hosts import Hosts
from tests.waiting import until


@contextmanager
def hosts_that_die_of_every_request(number: int) -> Iterator[tuple[list[str], list[bytes]]]:
    """Servers that take a request and close without an answer; their addresses, and what came."""
    came: list[bytes] = []
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                wire, _ = listening.accept()
            except OSError:
                return
            with wire:
                came.append(wire.recv(65536).split(b" ")[0])

    threads = [threading.Thread(target=serve, args=(each,)) for each in sockets]
    for thread in threads:
        thread.start()
    try:
        yield [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets], came
    finally:
        for each in sockets:
            # Closing alone would leave the thread waiting.
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in threads:
            thread.join(10)


@pytest.mark.parametrize(
    ("method", "path", "times"),
    [
        ("POST", "/api/bids", 1),
        ("PATCH", "/api/artworks/1", 1),
        ("GET", "/api/artworks", 2),
        # tests/api/test_sent_again.py shows that these may be.
        ("PUT", "/api/favourites/1", 2),
        ("DELETE", "/api/favourites/1", 2),
    ],
)
def test_a_bid_is_sent_once_and_a_page_is_asked_of_the_next_host(
    hosts: Hosts, method: str, path: str, times: int
) -> None:
    def ask() -> requests.Response:
        return requests.request(method, hosts.url + path, json={}, timeout=20)

    with hosts_that_die_of_every_request(2) as (addresses, came):
        hosts.front.reload(addresses)
        try:
            # Until nginx has read its file again, it is the real hosts that answer.
            answer = until(lambda: [answer for answer in [ask()] if came], 15)[0]
        finally:
            hosts.front.reload(hosts.webs)
    assert answer.status_code == 503
    assert came == [method.encode()] * times
    until(lambda: requests.get(f"{hosts.url}/health", timeout=10).ok, 15)
