"""SIGKILL to the web process, the worker or both, with sales at every step; then a restart."""

from __future__ import annotations

import pytest
import redis

from app.notifications.states import EmailStatus
from tests.faults.shop import RELEASED, RESERVED, SOLD, Sale, Shop
from tests.faults.webhooks import COMPLETED
from tests.waiting import until


@pytest.mark.parametrize("killed", ["web", "worker", "web and worker", "web, worker and Redis"])
def test_a_restart_alone_brings_every_sale_to_its_right_end(shop: Shop, killed: str) -> None:
    shop.webhooks("hold")
    with shop.no_sweep():
        open_one = Sale(shop, shop.artwork(), shop.buyer())
        won, paying, leaving = shop.win(), shop.win(), shop.win()
        shop.stripe_fails("create", "lost_after", times=2)
        unanswered = shop.offer()
        paid, due, paid_late = shop.win(), shop.win(), shop.win()
        paid.pay()
        paid_late.pay()
        due.pass_deadline()
        paid_late.pass_deadline()
        pages = {sale: sale.session_id for sale in (won, paying)}

        programs = {"web": shop.web, "worker": shop.worker}
        shop.kill(*(program for name, program in programs.items() if name in killed))
        if "Redis" in killed:
            with redis.Redis.from_url(shop.redis.url) as client:
                client.flushall()
        # The hosted page is Stripe's: it takes money while nothing of ours runs.
        paying.pay()
        shop.start()
    shop.lapse()

    for sale in (paid, paying, paid_late):
        sale.becomes(*SOLD)
    due.becomes(*RELEASED)
    until(lambda: unanswered.payment.stripe_session_id)
    for sale in (won, leaving, unanswered):
        assert sale.standing() == RESERVED
        assert [each["id"] for each in sale.sessions()] == [sale.session_id]
    assert won.session_id == pages[won]
    assert leaving.give_up().status == 200
    leaving.becomes(*RELEASED)
    for sale in (won, unanswered):
        sale.pay()
    assert open_one.bid(open_one.buyer).status == 201
    open_one.pay()
    everyone = [open_one, won, paying, unanswered, paid, paid_late]
    for sale in everyone:
        sale.becomes(*SOLD)
    # The news that was held back all the while changes nothing any more.
    answers = shop.sandbox.control("POST", "/webhooks/release", {"order": "reverse"})
    assert {answer["status"] for answer in answers} == {200}
    assert {sale.standing() for sale in everyone} == {SOLD}
    assert all(len(shop.events(COMPLETED, sale.session_id)) == 1 for sale in everyone)
    mails = [mail for sale in everyone for mail in sale.mails()]
    until(lambda: {mail.status for sale in everyone for mail in sale.mails()} == {EmailStatus.SENT})
    assert mails
