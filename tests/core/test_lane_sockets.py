"""A client that is slow holds up nobody but itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest

from app.core.lane_sockets import LaneSocket
from app.core.lanes import LanePool, holds_lane

SOON = 20


@pytest.fixture
def pool() -> Iterator[LanePool]:
    made = LanePool(4, lanes=1, held_seconds=SOON, patience_seconds=SOON)
    yield made
    made.shutdown()


@pytest.fixture
def ends() -> Iterator[tuple[LaneSocket, socket.socket]]:
    """Our end of a connection, and the client's."""
    accepted, client = socket.socketpair()
    with closing(LaneSocket.instead_of(accepted)) as ours, closing(client):
        yield ours, client


def work(pool: LanePool, do: Callable[[], Any]) -> Future[tuple[Any, bool]]:
    """What came of it, and whether the lane was held to its end."""
    return pool.submit(lambda: (do(), holds_lane()))


def test_what_is_there_is_read_in_the_lane(
    pool: LanePool, ends: tuple[LaneSocket, socket.socket]
) -> None:
    ours, client = ends
    client.sendall(b"bid")
    assert work(pool, lambda: ours.recv(10)).result(SOON) == (b"bid", True)
    client.close()
    assert work(pool, lambda: ours.recv(10)).result(SOON) == (b"", True)


def test_who_waits_for_a_slow_client_lets_another_work(
    pool: LanePool, ends: tuple[LaneSocket, socket.socket]
) -> None:
    ours, client = ends
    slow = work(pool, lambda: ours.recv(10))
    assert work(pool, lambda: "quick").result(SOON) == ("quick", True)
    assert not slow.done()
    client.sendall(b"late")
    assert slow.result(SOON) == (b"late", False)


def test_what_the_client_takes_at_once_is_sent_in_the_lane(
    pool: LanePool, ends: tuple[LaneSocket, socket.socket]
) -> None:
    ours, client = ends
    assert work(pool, lambda: ours.sendall(b"an answer")).result(SOON) == (None, True)
    assert client.recv(100) == b"an answer"


def test_who_sends_to_a_slow_client_lets_another_work_and_sends_all(
    pool: LanePool, ends: tuple[LaneSocket, socket.socket]
) -> None:
    ours, client = ends
    sent = b"0123456789" * 500_000
    slow = work(pool, lambda: ours.sendall(sent))
    assert work(pool, lambda: "quick").result(SOON) == ("quick", True)
    assert not slow.done()
    taken = bytearray()

    def take() -> None:
        while len(taken) < len(sent):
            taken.extend(client.recv(65_536))

    taker = threading.Thread(target=take, daemon=True)
    taker.start()
    assert slow.result(SOON) == (None, False)
    taker.join(SOON)
    assert taken == sent


def test_outside_a_lane_it_is_as_any_socket(ends: tuple[LaneSocket, socket.socket]) -> None:
    ours, client = ends
    client.sendall(b"bid")
    assert ours.recv(10) == b"bid"
    ours.sendall(b"answer")
    assert client.recv(10) == b"answer"
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(10)
