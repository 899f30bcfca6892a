"""Live updates in a process of their own, and how many of them one visitor may hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
import requests

from app.realtime.doors import GREENLETS
from tests.deploy.hosts import Hosts
from tests.deploy.load import bid_at
from tests.realtime.processes import ear, held_socket
from tests.waiting import until

# What a visitor says about itself is not believed.
CLAIM = "X-Forwarded-For: 203.0.113.9"


@pytest.fixture
def live(hosts: Hosts) -> Iterator[str]:
    """The first host's guesstheworth-live, and nginx told of it; its address and port."""
    place = hosts.another_port(0)
    program = hosts.live_at(0, hosts.front.folder / "live-process.log", place)
    program.start()
    try:
        program.wait()
        hosts.front.reload(hosts.webs, [place.listens])
        yield place.listens
    finally:
        hosts.front.reload(hosts.webs)
        program.stop()


def test_pages_come_from_web_and_sockets_from_live(hosts: Hosts, live: str) -> None:
    artwork_id, end_of_log = hosts.artwork(), hosts.front.log.stat().st_size
    with ear(hosts.url) as listening:
        listening.watch(artwork_id)
        for url, amount in zip(hosts.urls, ("20.00", "30.00"), strict=True):
            assert bid_at(url, hosts.buyer(), artwork_id, amount).status_code == 201
            until(lambda amount=amount: amount in str(listening.heard))
        assert requests.get(f"{hosts.url}/artworks/{artwork_id}", timeout=10).status_code == 200
    until(lambda: '"GET /socket.io/"' in hosts.front.log.read_text()[end_of_log:])
    said = hosts.front.log.read_text()[end_of_log:]
    sockets = re.findall(r'"GET /socket\.io/" 101 .*?from=(\S+)', said)
    pages = re.findall(r'"GET /artworks/\d+" 200 .*?from=(\S+)', said)
    assert set(sockets) == {live}
    assert set(pages) <= set(hosts.webs)
    assert pages


def test_sockets_are_counted_for_each_visitor_and_not_for_nginx(hosts: Hosts, live: str) -> None:
    with contextlib.ExitStack() as held:
        mine = [
            held.enter_context(held_socket(hosts.url, hosts.front.address, CLAIM))
            for _ in range(GREENLETS.per_address)
        ]
        assert mine == [101] * GREENLETS.per_address
        assert held.enter_context(held_socket(hosts.url, hosts.front.address, CLAIM)) == 503
        assert held.enter_context(held_socket(hosts.url, hosts.network.visitor, CLAIM)) == 101
