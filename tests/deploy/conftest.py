"""One deployment of two hosts for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.postgres_server import PostgresServer
from tests.databases import migrate
from tests.deploy.hosts import Hosts


@pytest.fixture(scope="package")
def _hosts(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    database = postgres_server.create_database("deployed")
    migrate(database, folder / "uploads")
    hosts = Hosts(database, folder)
    yield hosts
    hosts.stop()


@pytest.fixture
def hosts(_hosts: Hosts) -> Iterator[Hosts]:
    """Both hosts running; mended afterwards."""
    yield _hosts
    _hosts.heal()
    _hosts.start_second()
