"""One shop of each database for all tests of faults; what a test broke is mended after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.databases import Databases
from tests.faults.invariants import broken, come_to_rest, repeated
from tests.faults.shop import Shop
from tests.payments.market import until


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
    """The running shop. After the test it must come to rest with every promise kept."""
    if database not in _shops:
        _shops[database] = Shop(databases.new(), tmp_path_factory.mktemp(f"shop-{database}"))
    shop = _shops[database]
    lost_before = shop.lives_lost
    yield shop
    shop.heal()
    died = shop.lives_lost > lost_before
    if died:
        shop.lapse()
    come_to_rest(shop)
    if died:
        shop.forgiven |= repeated(shop)
    # What a lost webhook would have told is found by a sweep.
    with suppress(AssertionError):
        until(lambda: not broken(shop), 10)
    assert broken(shop) == []
    shop.end_what_is_open()
