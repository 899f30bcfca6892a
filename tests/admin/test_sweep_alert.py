"""The alert about a worker that does not sweep."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.admin import alerts
from app.config import Settings


def codes(app: Flask) -> list[str]:
    """The alerts open now."""
    with app.app_context():
        return [alert.code for alert in alerts.open_alerts()]


def test_a_worker_that_never_swept_is_missed(app: Flask) -> None:
    assert codes(app) == ["sweep_late"]


@pytest.mark.parametrize(("late", "found"), [(-5, []), (5, ["sweep_late"])])
def test_a_sweep_is_missed_after_three_intervals_and_ten_seconds(
    app: Flask, settings: Settings, swept: Callable[..., None], late: int, found: list[str]
) -> None:
    swept(3 * settings.sweep_interval_seconds + 10 + late)
    assert codes(app) == found
