"""The administrators' first page."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import insert

from app.core import clock
from app.core.transaction import transaction
from app.notifications.models import Email
from app.payments.models import Attention, StripeEvent
from tests.people import Browser, TestPerson


def test_a_quiet_day_says_that_nothing_waits(admin: TestPerson) -> None:
    page = admin.browser.get("/admin").text
    for words in ("Nothing waits for a person", "Every e-mail has been sent", admin.email):
        assert words in page


def test_what_needs_a_person_stands_on_the_page(app: Flask, admin: TestPerson) -> None:
    moment = clock.now()
    with app.app_context(), transaction() as session:
        for number, acknowledged in ((1, None), (2, moment)):
            session.execute(
                insert(Attention).values(
                    kind="payment_disagrees", reference=f"r{number}", created_at=moment,
                    detail=f"Look at <b>this</b> number {number}", acknowledged_at=acknowledged,
                )
            )  # fmt: skip
        session.execute(
            insert(Email).values(
                kind="payment_receipt", recipient="lost@example.com", subject="s", facts={},
                occasion="o", message_id="m", status="DEAD", attempts=7, last_error="550 no",
                next_attempt_at=moment, created_at=moment,
            )
        )  # fmt: skip
        session.execute(
            insert(StripeEvent).values(
                stripe_event_id="evt_shown", type="charge.refunded", payload={},
                outcome="FAILED", attempts=2, received_at=moment,
            )
        )  # fmt: skip
    page = admin.browser.get("/admin").text
    assert "Look at &lt;b&gt;this&lt;/b&gt; number 1" in page
    assert "number 2" not in page
    for words in ("lost@example.com", "550 no", "Given up", "evt_shown", "charge.refunded"):
        assert words in page


def test_nobody_else_sees_it(client: Browser, buyer: TestPerson, seller: TestPerson) -> None:
    assert client.get("/admin").status_code == 303
    assert buyer.browser.get("/admin").status_code == 403
    assert seller.browser.get("/admin").status_code == 403
