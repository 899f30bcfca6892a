"""Webhook requests that are made by hand."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.faults.shop import Shop
from tests.payments.market import WEBHOOK, signed

COMPLETED, EXPIRED = "checkout.session.completed", "checkout.session.expired"


def post(shop: Shop, body: bytes, signature: str) -> int:
    """A webhook request from anywhere; the status answered."""
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return requests.post(shop.url + WEBHOOK, data=body, headers=headers, timeout=30).status_code


def tell(shop: Shop, event: Any) -> int:
    """An event of the test's own making, signed as Stripe signs; the status answered."""
    body = json.dumps(event).encode()
    return post(shop, body, signed(body))
