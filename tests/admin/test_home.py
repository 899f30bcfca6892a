"""The administrators' first page, and the way from it to all others."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import insert

from app.core import clock
from app.core.lease import SWEEP_PAYMENTS, Lease
from app.core.transaction import transaction
from app.payments.models import Attention
from tests.people import Browser, TestPerson

PAGES = (
    "/admin",
    "/admin/attention",
    "/admin/attention/acknowledged",
    "/admin/payments",
    "/admin/webhook-events",
    "/admin/emails",
    "/admin/users",
    "/admin/audit-logs",
    "/admin/numbers",
)


def test_a_quiet_day_says_that_all_is_well(app: Flask, admin: TestPerson) -> None:
    moment = clock.now()
    with app.app_context(), transaction() as session:
        session.execute(
            insert(Lease).values(
                name=SWEEP_PAYMENTS, holder="w", held_until=moment, finished_at=moment
            )
        )
    page = admin.browser.get("/admin").text
    for words in ("Nothing waits for a person", "Everything runs as it should"):
        assert words in page


def test_what_needs_a_person_stands_on_top_until_it_is_acknowledged(
    app: Flask, admin: TestPerson
) -> None:
    moment = clock.now()
    with app.app_context(), transaction() as session:
        for number, acknowledged in ((1, None), (2, moment)):
            session.execute(
                insert(Attention).values(
                    kind="payment_disagrees", reference=f"r{number}", created_at=moment,
                    detail=f"Look at <b>this</b> number {number}", acknowledged_at=acknowledged,
                )
            )  # fmt: skip
    page = admin.browser.get("/admin").text
    assert "Look at &lt;b&gt;this&lt;/b&gt; number 1" in page
    assert "number 2" not in page
    assert page.index("number 1") < page.index("Alerts")
    assert "Needs a person (1)" in page


def test_the_first_page_leads_to_all_others_and_each_says_where_one_is(admin: TestPerson) -> None:
    home = admin.browser.get("/admin").text
    for path in PAGES:
        page = admin.browser.get(path)
        assert page.status_code == 200
        assert f'href="{path}"' in home or path == "/admin/attention/acknowledged"
        current = re.findall(r'href="([^"]+)" aria-current="page"', page.text)
        assert "/admin" in current or path.removesuffix("/acknowledged") in current


@pytest.mark.parametrize("path", PAGES)
def test_nobody_else_sees_any_of_them(
    path: str, client: Browser, buyer: TestPerson, seller: TestPerson
) -> None:
    assert client.get(path).status_code == 303
    assert buyer.browser.get(path).status_code == 403
    assert seller.browser.get(path).status_code == 403
