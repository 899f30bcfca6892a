"""The network that the hosts stand on: nothing of it stays, and a cut is a cut."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.deploy import network as networks
from tests.deploy.network import IP, Network, lay_network

KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()
except TimeoutError:
    sys.exit("silence")
"""


@pytest.fixture
def laid() -> Iterator[Network]:
    """A network of its own."""
    laid = lay_network()
    if laid.why:
        pytest.skip(laid.why)
    yield laid
    laid.remove()


def links() -> str:
    return subprocess.run([str(IP), "link"], capture_output=True, text=True, check=True).stdout


def knocks(laid: Network, host: int, address: str, port: int) -> bool:
    """Whether somebody on this host gets through to there."""
    command = [*laid.places[host].inside, sys.executable, "-c", KNOCK, address, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0 or "silence" in done.stderr, done.stderr
    return done.returncode == 0


def test_each_has_a_network_of_its_own_and_what_a_killed_run_left_is_taken_away(
    laid: Network,
) -> None:
    beside = lay_network()
    bridge = f"gtw{beside._number}"
    assert beside._number != laid._number
    assert {each.address for each in beside.places}.isdisjoint(each.address for each in laid.places)
    # As a process that dies leaves it: the number is free again, the network is there.
    assert beside._lock is not None
    beside._lock.close()
    again = lay_network()
    assert again._number == beside._number
    assert bridge in links()
    again.remove()
    assert bridge not in links()


def test_what_is_cut_is_silent_and_comes_back(laid: Network) -> None:
    with socket.create_server((laid.redis, 0)) as redis:
        port = redis.getsockname()[1]
        with socket.create_server((laid.postgres, port)):
            laid.cut_off(0, laid.postgres)
            assert not knocks(laid, 0, laid.postgres, port)
            assert knocks(laid, 0, laid.redis, port)
            assert knocks(laid, 1, laid.postgres, port)
            laid.mend()
            assert knocks(laid, 0, laid.postgres, port)


def test_without_ip_hosts_are_ports_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "IP", None)
    laid = lay_network()
    assert "need root and iproute2" in laid.why
    assert len({each.listens for each in laid.places}) == 2
    laid.remove()


def test_where_namespaces_are_refused_hosts_are_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks.os, "geteuid", lambda: 0)
    monkeypatch.setattr(networks, "IP", "/bin/false")
    laid = lay_network()
    assert laid.why.startswith("hosts are ports of 127.0.0.1: ")
    laid.remove()
