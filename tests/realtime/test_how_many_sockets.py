"""There are only so many sockets, and pages are answered all the same."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import requests

from app.realtime.doors import Capacity, Doors
from tests.realtime.conftest import World
from tests.realtime.processes import wait_for


@contextlib.contextmanager
def held(url: str, address: str = "127.0.0.1") -> Iterator[int]:
    """A websocket from `address` that is opened and says nothing; its handshake's status."""
    host, port = url.removeprefix("http://").split(":")
    lines = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
    ]
    with socket.create_connection((host, int(port)), 10, (address, 0)) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        yield int(wire.recv(4096).split()[1])


def test_one_address_gets_only_so_many_and_pages_are_still_answered(world: World) -> None:
    with contextlib.ExitStack() as open_ones:
        statuses = [
            open_ones.enter_context(held(world.one.url)) for _ in range(world.capacity.per_address)
        ]
        assert statuses == [101] * world.capacity.per_address
        with held(world.one.url) as refused:
            assert refused == 503
        # A page is there at once: no thread is missing.
        assert requests.get(f"{world.one.url}/help", timeout=5).status_code == 200

    def let_in() -> bool:
        with held(world.one.url) as status:
            return status == 101

    # Whoever closes a socket makes room.
    wait_for(let_in, 30)


def test_all_addresses_together_get_only_so_many() -> None:
    answers: list[str] = []
    inside: list[Iterable[bytes]] = []

    def app(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        number = environ["number"]
        if number < 12:
            inside.append(knock(number + 1))
        return [b""]

    def knock(number: int) -> Iterable[bytes]:
        environ = {"PATH_INFO": "/socket.io/", "REMOTE_ADDR": f"192.0.2.{number}", "number": number}
        return doors(environ, lambda status, _headers: answers.append(status))

    doors = Doors(app, Capacity(in_all=10, per_address=1))
    knock(1)
    assert len(inside) == 10
    assert answers == ["503 Service Unavailable"]
    answers.clear()
    # All have left again.
    knock(12)
    assert answers == []
