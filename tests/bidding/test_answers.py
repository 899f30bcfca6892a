"""The answer to a bid is what its description says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.bidding.schemas import BidOut, in_json

MOMENT = datetime(2027, 1, 31, 18, 0, 0, 123_456, UTC)
LOST = {
    "id": 7, "artwork_id": 8, "amount": 9_950, "status": "OUTBID", "is_winning": False,
    "created_at": MOMENT, "payment": None,
}  # fmt: skip
OWED = {
    "id": 9, "status": "PENDING", "amount": 9_950, "currency": "usd",
    "checkout_url": "https://checkout.stripe.com/x", "expires_at": MOMENT,
}  # fmt: skip


@pytest.mark.parametrize(
    "bid",
    [
        LOST,
        LOST | {"status": "WON", "is_winning": True, "payment": OWED},
        LOST | {"status": "WON", "is_winning": True, "payment": OWED | {"checkout_url": None}},
    ],
)
def test_a_bid_is_answered_as_it_is_described(bid: dict[str, Any]) -> None:
    assert json.dumps(in_json(bid), sort_keys=True) == json.dumps(
        BidOut().dump(bid), sort_keys=True
    )
