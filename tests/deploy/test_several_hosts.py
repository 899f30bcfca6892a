"""Two hosts behind nginx: races between them have one outcome."""

from __future__ import annotations

import re

from app.bidding.models import Bid
from tests.deploy.hosts import Hosts
from tests.deploy.load import bid_at
from tests.faults.invariants import broken
from tests.faults.shop import RELEASED, SOLD
from tests.faults.webhooks import COMPLETED
from tests.payments.market import WEBHOOK, at_once
from tests.people import TestPerson
from tests.realtime.processes import ear
from tests.waiting import until


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


def test_a_race_through_nginx_has_one_winner_and_uses_both_hosts(hosts: Hosts) -> None:
    end_of_log = hosts.front.log.stat().st_size
    for _ in range(3):
        artwork_id = hosts.artwork()
        people = [hosts.buyer() for _ in range(6)]

        def bid(
            number: int, people: list[TestPerson] = people, artwork_id: int = artwork_id
        ) -> int:
            return bid_at(hosts.url, people[number], artwork_id, "100.00").status_code

        assert sorted(at_once(6, bid)) == [201] + [409] * 5
        [won] = hosts.rows(Bid, Bid.artwork_id == artwork_id)
        assert won.status.value == "WON"
    asked = re.findall(r'"POST /api/bids" .*?from=(\S+)', hosts.front.log.read_text()[end_of_log:])
    assert set(asked) == set(hosts.webs)


def test_a_webhook_at_one_host_is_seen_at_once_by_who_looks_at_the_other(hosts: Hosts) -> None:
    hosts.webhooks("hold")
    for told, looked_at in ((0, 1), (1, 0)):
        sale = hosts.win()
        with hosts.no_sweep(), ear(hosts.urls[looked_at]) as listening:
            listening.watch(sale.artwork_id)
            sale.pay()
            assert sale.deliver(COMPLETED, url=hosts.urls[told] + WEBHOOK) == [200]
            sold = {"artwork_id": sale.artwork_id, "status": "SOLD"}
            until(lambda heard=listening.heard, sold=sold: ("payment_completed", sold) in heard)
        assert sale.standing() == SOLD


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
