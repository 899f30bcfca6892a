"""One shop of each database for all tests of faults; what a test broke is mended after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.faults.invariants import keeping_promises
from tests.faults.shop import Shop


@pytest.fixture(scope="package")
def _shops() -> Iterator[dict[str, Shop]]:
    shops: dict[str, Shop] = {}
    yield shops
    for shop in shops.values():
        shop.stop()


@pytest.fixture
def shop(
    database: str,
    databases: Databases,
    _shops: dict[str, Shop],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    """The running shop, which keeps every promise."""
    if database not in _shops:
        _shops[database] = Shop(databases.new(), tmp_path_factory.mktemp(f"shop-{database}"))
    with keeping_promises(_shops[database]):
        yield _shops[database]
