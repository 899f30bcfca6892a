"""Our clock beside Stripe's: the sweep compares them, and the health check says what it found."""

from __future__ import annotations

import pytest

from app.payments.stripe_clock import compare_clock_when_due, known_skew
from tests import people
from tests.payments.market import Market


def found(market: Market) -> tuple[str, str]:
    """What the health check says of the clock."""
    check = people.anonymous(market.app).get("/health/ready").get_json()["checks"]["clock"]
    return check["status"], check["detail"]


@pytest.mark.parametrize(
    ("stripe_ahead", "status", "words"),
    [(0, "ok", ""), (20, "ok", "s behind Stripe's"), (90, "degraded", "s behind Stripe's"),
     (-4000, "degraded", "s ahead of Stripe's")],
)  # fmt: skip
def test_the_health_check_says_how_far_the_clocks_are_apart(
    market: Market, stripe_ahead: float, status: str, words: str
) -> None:
    assert found(market) == ("ok", "not compared with Stripe's yet")
    market.sandbox.control("POST", "/clock", {"offset_seconds": stripe_ahead})
    market.sweep()
    market.sandbox.control("POST", "/clock", {"offset_seconds": 0})
    said, detail = found(market)
    seconds = int(detail.partition(" ")[0])
    assert said == status
    assert abs(seconds - abs(stripe_ahead)) <= 2
    assert words in detail


def test_health_asks_stripe_nothing_and_the_sweep_seldom(market: Market) -> None:
    for _ in range(3):
        market.sweep()
        found(market)
    assert len(market.requests("list")) == 1


def test_while_stripe_is_away_the_last_comparison_stays(market: Market) -> None:
    market.sweep()
    market.fail_all()
    with market.app.app_context():
        before = known_skew()
        compare_clock_when_due()
        assert before is not None
        assert known_skew() == before
    market.come_back()
