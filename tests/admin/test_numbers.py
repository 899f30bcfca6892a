"""The platform's numbers, as the API and the page tell them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.bidding.models import Bid
from app.core import clock
from app.core.transaction import transaction
from tests.dashboards.test_own_pages import make_bid, make_payment
from tests.people import TestPerson


@pytest.fixture
def business(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    """Two sales (one refunded in part), two releases, and a losing bid of yesterday."""
    moment = clock.now()
    for seconds, refunded in ((30, 0), (90, 2_500)):
        sold = make_artwork(seller, status="SOLD", sold_cents=10_000)
        make_payment(
            app, sold, buyer, seller, 10_000, "SUCCEEDED", paid_at=moment,
            created_at=moment - timedelta(seconds=seconds), refunded_cents=refunded,
        )  # fmt: skip
    artwork = make_artwork(seller)
    for reason in ("deadline", "buyer_gave_up"):
        make_payment(app, artwork, buyer, seller, 9_000, "CANCELED", failure_reason=reason)
    make_payment(app, artwork, buyer, seller, 9_000, "CANCELED", failure_reason="deadline")
    bid = make_bid(app, artwork, buyer, 500)
    with app.app_context(), transaction() as session:
        yesterday = moment - timedelta(days=1)
        session.execute(update(Bid).where(Bid.id == bid).values(created_at=yesterday))


@pytest.mark.usefixtures("business")
def test_the_api_tells_them(admin: TestPerson) -> None:
    stats: dict[str, Any] = admin.browser.get(
        "/api/stats/platform", headers=admin.bearer
    ).get_json()
    assert stats["payments"] == {
        "PENDING": 0, "PROCESSING": 0, "SUCCEEDED": 2, "REFUNDED": 0, "CANCELED": 3, "FAILED": 0
    }  # fmt: skip
    assert stats["success_rate"] == 0.4
    assert stats["seconds_to_pay"] == {"mean": 60.0, "p50": 30.0, "p95": 90.0}
    assert stats["failures_by_reason"] == {"deadline": 2, "buyer_gave_up": 1}
    today, yesterday = clock.now().date(), clock.now().date() - timedelta(days=1)
    assert stats["revenue_by_day"][-1] == {"day": str(today), "amount": "175.00"}
    assert stats["revenue_by_day"][0]["day"] == str(today - timedelta(days=29))
    assert stats["bids_by_day"][-2:] == [
        {"day": str(yesterday), "count": 1}, {"day": str(today), "count": 5}
    ]  # fmt: skip


@pytest.mark.usefixtures("business")
def test_the_page_tells_the_same_with_a_table_beside_each_chart(admin: TestPerson) -> None:
    page = " ".join(admin.browser.get("/admin/numbers").text.split())
    for words in ("40.0 %", "60 s", "90 s", "$175.00", "Deadline", "Buyer gave up"):
        assert words in page
    assert "40.0 %" in admin.browser.get("/admin").text
    assert page.count('<svg class="chart__plot"') == 2
    assert page.count("as a table</summary>") == 2


def test_with_nothing_to_count_it_says_so(admin: TestPerson) -> None:
    page = admin.browser.get("/admin/numbers").text
    for words in ("Every win so far was paid", "Nothing was sold in these days", "Nobody bid"):
        assert words in page
