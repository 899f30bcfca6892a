"""The same market as the payments' tests, with an application of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from app.core.extensions import db
from tests.conftest import release
from tests.databases import empty
from tests.payments.conftest import market, more_settings, settings_given

__all__ = ["app", "market", "more_settings", "settings_given"]


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """An application of this test's own: sockets belong to the one that was made last."""
    app = create_app(settings)
    with app.app_context():
        empty(db.engine)
    yield app
    release(app)
