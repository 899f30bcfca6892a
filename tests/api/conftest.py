"""A shop in which every kind of thing exists, so that made-up numbers meet some of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from tests.payments.conftest import market as market
from tests.payments.market import Market
from tests.sandbox.sandbox_process import Sandbox


@pytest.fixture
def settings_given(_stripe_sandbox: Sandbox) -> dict[str, Any]:
    """The application asks the sandbox."""
    return {"stripe_api_base": _stripe_sandbox.url}


@pytest.fixture
def stocked(market: Market) -> Market:
    """Artworks in every state, bids lost and won, a payment open, one over, one made."""
    for status in ("ACTIVE", "EXPIRED", "ARCHIVED"):
        market.make_artwork(market.seller, 10_000, status=status)
    open_one = market.make_artwork(market.seller, 10_000, end_at=clock.now() + timedelta(days=2))
    assert market.bid(market.make_person("BUYER"), open_one, "20.00").status_code == 201
    paid = market.win()
    market.pay(paid)
    market.settle(paid["payment"]["id"])
    given_up = market.win()
    assert market.give_up(given_up["payment"]["id"]).status_code == 200
    market.win()
    for _ in range(3):
        market.call(market.buyer, "PUT", f"/favourites/{open_one}")
    return market
