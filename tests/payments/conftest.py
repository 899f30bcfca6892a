"""The product with its Stripe; a module may want another time to pay or other limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.payments.market import Market
from tests.people import TestPerson
from tests.sandbox.sandbox_process import Sandbox


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """Settings of a module beside those of the market."""
    return {}


@pytest.fixture
def settings_given(_stripe_sandbox: Sandbox, more_settings: dict[str, Any]) -> dict[str, Any]:
    """The application asks the sandbox."""
    return {"stripe_api_base": _stripe_sandbox.url, **more_settings}


@pytest.fixture
def market(
    app: Flask,
    stripe_sandbox: Sandbox,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
) -> Market:
    """The market with a seller and a buyer."""
    seller, buyer = make_person("SELLER"), make_person("BUYER")
    return Market(app, stripe_sandbox, make_person, make_artwork, seller, buyer)
