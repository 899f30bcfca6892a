"""Two hosts behind nginx: races between them have one outcome."""

from __future__ import annotations

from app.bidding.models import Bid
from tests.deploy.hosts import Hosts
from tests.deploy.load import bid_at
from tests.faults.invariants import broken
from tests.faults.shop import RELEASED, SOLD
from tests.faults.webhooks import COMPLETED
from tests.payments.market import WEBHOOK, at_once, until
from tests.people import TestPerson


def test_of_two_winners_on_two_hosts_one_wins(hosts: Hosts) -> None:
    for _ in range(3):
        artwork_id = hosts.artwork()
        people = [hosts.buyer() for _ in range(4)]

        def bid(
            number: int, people: list[TestPerson] = people, artwork_id: int = artwork_id
        ) -> int:
            said = bid_at(hosts.urls[number % 2], people[number], artwork_id, "100.00")
            return said.status_code

        assert sorted(at_once(4, bid)) == [201, 409, 409, 409]
        won = hosts.rows(Bid, Bid.artwork_id == artwork_id)
        assert [each.status.value for each in won] == ["WON"]


def test_copies_of_a_webhook_on_both_hosts_sell_once(hosts: Hosts) -> None:
    hosts.webhooks("hold")
    sale = hosts.win()
    sale.pay()
    where = [url + WEBHOOK for url in hosts.urls]
    sent = at_once(6, lambda number: sale.deliver(COMPLETED, url=where[number % 2]))
    assert {status for each in sent for status in each} == {200}
    sale.becomes(*SOLD)
    assert len(hosts.events(COMPLETED, sale.session_id)) == 1
    assert len(sale.audits("artwork.sold")) == 1


def test_paying_against_the_end_of_time_has_one_outcome(hosts: Hosts) -> None:
    for _ in range(2):
        sale = hosts.win()
        at_once(2, lambda number, sale=sale: [sale.pay, sale.pass_deadline][number]())
        until(lambda sale=sale: sale.standing() in (SOLD, RELEASED), 30)
    until(lambda: not broken(hosts), 15)
