"""Redis, database, mail server, clicks and people: the rest of the fault table."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import redis
from psycopg import sql

from app.bidding.models import Bid
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus
from tests.faults.shop import RELEASED, RESERVED, SOLD, Sale, Shop
from tests.faults.webhooks import COMPLETED, tell
from tests.payments.market import at_once
from tests.waiting import until


@contextmanager
def no_database(shop: Shop) -> Iterator[None]:
    """The database takes nobody (PostgreSQL), or is locked by another writer (SQLite)."""
    url = shop.settings["DATABASE_URL"]
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    server, _, name = url.rpartition("/")
    closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(closed.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(end, (name,))
        try:
            yield
        finally:
            connection.execute(closed.format(sql.Identifier(name), sql.SQL("true")))


def test_without_redis_bids_payments_webhooks_and_mails_go_on(shop: Shop) -> None:
    shop.redis.process.send_signal(signal.SIGKILL)
    shop.redis.process.wait(5)
    paid, late = shop.win(), shop.win()
    paid.pay()
    late.pass_deadline()
    paid.becomes(*SOLD)
    late.becomes(*RELEASED)
    until(lambda: all(mail.status == EmailStatus.SENT for mail in paid.mails() + late.mails()))
    shop.start_redis()
    again = shop.win()
    again.pay()
    again.becomes(*SOLD)


def test_after_flushall_everything_owed_is_found_in_the_database(shop: Shop) -> None:
    with shop.no_sweep():
        paid, late = shop.win(), shop.win()
        shop.webhooks("drop")
        paid.pay()
        late.pass_deadline()
        with redis.Redis.from_url(shop.redis.url) as client:
            client.flushall()
    paid.becomes(*SOLD)
    late.becomes(*RELEASED)
    until(lambda: all(mail.status == EmailStatus.SENT for mail in paid.mails() + late.mails()))


def test_without_the_database_nothing_is_half_done_and_stripe_is_told_to_come_again(
    shop: Shop,
) -> None:
    shop.webhooks("drop")
    sale, open_one = shop.win(), Sale(shop, shop.artwork(), shop.buyer())
    with shop.no_sweep():
        sale.pay()
        event = sale.event(COMPLETED)
        with no_database(shop):

            def ask(number: int) -> int:
                if number:
                    return tell(shop, event)
                return open_one.bid(open_one.buyer).status

            assert at_once(2, ask) == [503, 503]
        assert sale.standing() == RESERVED
        assert open_one.status == "ACTIVE"
        assert open_one.payments() == []
        assert shop.rows(Bid, Bid.artwork_id == open_one.artwork_id) == []
        assert tell(shop, event) == 200
        assert sale.standing() == SOLD
        assert open_one.bid(open_one.buyer).status == 201


def test_a_mail_server_that_is_slow_or_says_later_never_delays_a_sale(shop: Shop) -> None:
    shop.mail.break_down("slow", seconds=3, times=1)
    sale = shop.win()
    sale.pay()
    sale.becomes(*SOLD, seconds=3)
    shop.mail.break_down("refuse_4xx")
    other = shop.win()
    other.pay()
    other.becomes(*SOLD)
    put_off = until(lambda: [mail for mail in other.mails() if mail.last_error])
    assert {mail.status for mail in put_off} == {EmailStatus.PENDING}
    waits = [(mail.next_attempt_at - mail.created_at).total_seconds() for mail in put_off]
    assert max(waits) < 60
    shop.mail.break_down("ok")
    until(lambda: all(mail.status == EmailStatus.SENT for mail in other.mails()), 30)


def test_a_mail_refused_for_good_is_shown_to_an_administrator_who_can_send_it_again(
    shop: Shop,
) -> None:
    shop.mail.break_down("refuse_5xx")
    sale = shop.win()
    until(lambda: {mail.status for mail in sale.mails()} == {EmailStatus.DEAD})
    shop.mail.break_down("ok")
    for mail in sale.mails():
        listed = shop.call(shop.admin, "GET", "/api/admin/emails?per_page=100").json["items"]
        assert {"id": mail.id, "status": "DEAD"}.items() <= next(
            each.items() for each in listed if each["id"] == mail.id
        )
        path = f"/api/admin/emails/{mail.id}/send"
        assert shop.call(shop.admin, "POST", path).status == 200
    until(lambda: {mail.status for mail in sale.mails()} == {EmailStatus.SENT})


def test_a_double_click_on_bid_is_one_bid(shop: Shop) -> None:
    sale = Sale(shop, shop.artwork(), shop.buyer())
    answers = at_once(2, lambda _: sale.bid(sale.buyer).status)
    assert sorted(answers) == [201, 409]
    assert len(shop.rows(Bid, Bid.artwork_id == sale.artwork_id)) == 1
    assert len(sale.sessions()) == 1


def test_who_is_suspended_during_their_payment_can_still_finish_it(shop: Shop) -> None:
    sale = shop.win()
    path = f"/api/admin/users/{sale.buyer.id}"
    assert shop.call(shop.admin, "PATCH", path, {"active": False}).status == 200
    asked = shop.call(
        sale.buyer, "POST", "/api/payments/checkout-session", {"bid_id": sale.payment.bid_id}
    )
    assert asked.json["session_id"] == sale.session_id
    sale.pay()
    sale.becomes(*SOLD)
    assert EmailKind.PAYMENT_RECEIPT in {mail.kind for mail in sale.mails()}


@pytest.mark.parametrize("card", ["4000000000000002"])
def test_a_decline_keeps_the_session_and_is_mailed_however_often_it_is_told(
    shop: Shop, card: str
) -> None:
    shop.webhooks("duplicate", copies=3)
    sale = shop.win()
    sale.pay(card)
    until(lambda: sale.payment.failure_reason)
    sale.pay()
    sale.becomes(*SOLD)
    failed = shop.rows(Email, Email.kind == EmailKind.PAYMENT_FAILED)
    mine = [mail for mail in failed if mail.facts["payment_id"] == sale.payment.id]
    assert len(mine) == 1
