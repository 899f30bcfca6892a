"""There are only so many sockets, and pages are answered all the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import requests

from app.realtime.doors import Capacity, Doors
from tests.realtime.conftest import World
from tests.realtime.processes import GREENLETS, held_socket
from tests.waiting import until


def test_one_address_gets_only_so_many_and_pages_are_still_answered(world: World) -> None:
    with contextlib.ExitStack() as open_ones:
        statuses = [
            open_ones.enter_context(held_socket(world.one.url))
            for _ in range(world.capacity.per_address)
        ]
        assert statuses == [101] * world.capacity.per_address
        with held_socket(world.one.url) as refused:
            assert refused == 503
        # A page is there at once: no thread is missing.
        assert requests.get(f"{world.pages.url}/help", timeout=5).status_code == 200

    def let_in() -> bool:
        with held_socket(world.one.url) as status:
            return status == 101

    # Whoever closes a socket makes room.
    until(let_in, 30)


def test_a_live_process_answers_nothing_but_sockets_and_health(world: World) -> None:
    """A process of threads may serve pages as well: so does `make run`."""
    live = world.config == GREENLETS
    for method, path, status in (
        ("GET", "/health", 200),
        ("GET", "/health/ready", 200),
        ("GET", "/", 404 if live else 200),
        ("GET", "/metrics", 404 if live else 200),
        ("GET", "/health/x", 404),
        ("POST", "/api/bids", 404 if live else 401),
        ("POST", "/api/payments/webhook", 404 if live else 400),
    ):
        answer = requests.request(method, f"{world.one.url}{path}", json={}, timeout=10)
        assert (path, answer.status_code) == (path, status)


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


def test_a_household_of_ipv6_addresses_gets_as_many_as_one_address() -> None:
    answers: list[str] = []

    def app(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        for address in environ["then"]:
            knock(address)
        return [b""]

    def knock(address: str, *then: str) -> None:
        environ = {"PATH_INFO": "/socket.io/", "REMOTE_ADDR": address, "then": then}
        doors(environ, lambda status, _headers: answers.append(f"{address} {status[:3]}"))

    doors = Doors(app, Capacity(in_all=10, per_address=1))
    knock("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "192.0.2.1")
    assert answers == ["2001:db8:0:1:ffff::2 503"]
    answers.clear()
    # IPv4 on a socket that is open for both: each address is somebody else.
    knock("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1")
    assert answers == ["192.0.2.1 503"]
