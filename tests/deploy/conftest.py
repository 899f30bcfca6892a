"""One deployment of two hosts for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.postgres_server import start_postgres
from tests.databases import migrate
from tests.deploy.hosts import Hosts
from tests.deploy.network import Network, lay_network


@pytest.fixture(scope="package")
def network() -> Iterator[Network]:
    """Addresses for two hosts and what they share."""
    network = lay_network()
    yield network
    network.remove()


@pytest.fixture(scope="package")
def _hosts(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    with start_postgres(address=network.postgres) as server:
        database = server.create_database("deployed")
        migrate(database, folder / "uploads")
        hosts = Hosts(database, folder, network)
        yield hosts
        hosts.stop()


@pytest.fixture
def hosts(_hosts: Hosts) -> Iterator[Hosts]:
    """Both hosts running; mended afterwards."""
    yield _hosts
    _hosts.heal()


@pytest.fixture
def separate_hosts(hosts: Hosts) -> Hosts:
    """The same, with a network between them that can be cut."""
    if hosts.network.why:
        pytest.skip(hosts.network.why)
    return hosts
