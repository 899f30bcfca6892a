"""The tests themselves reach nothing beyond this machine."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketConnectBlockedError

from dev.redis_server import RedisServer


def test_the_network_beyond_loopback_is_blocked() -> None:
    # An address for documentation: nobody answers there (RFC 5737).
    with (
        socket.socket() as outside,
        pytest.warns(UserWarning, match="192.0.2.1"),
        pytest.raises(SocketConnectBlockedError),
    ):
        outside.connect(("192.0.2.1", 80))


def test_loopback_is_open(redis_server: RedisServer) -> None:
    with socket.create_connection(("127.0.0.1", redis_server.port), timeout=5):
        pass
