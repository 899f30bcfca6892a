"""A host that nothing is heard of any more, or that reaches only a part of what it needs."""

from __future__ import annotations

import time

import pytest
import requests

from tests.deploy.hosts import Hosts
from tests.deploy.load import bid_at, people_bid_and_pay
from tests.deploy.test_a_host_dies import UNDER_WAY
from tests.faults.shop import SOLD
from tests.realtime.processes import ear
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)
# nginx gives a host up after 20 seconds without an answer; then the other one is asked.
LONGEST_SECONDS = 30


def ready(hosts: Hosts, host: int) -> requests.Response:
    """What the host itself says of its readiness."""
    return requests.get(f"{hosts.urls[host]}/health/ready", timeout=60)


def test_a_host_that_falls_silent_mid_sale_is_passed_over_and_comes_back(
    separate_hosts: Hosts,
) -> None:
    hosts = separate_hosts
    held_back = hosts.win()
    with people_bid_and_pay(hosts) as load:
        load.goes_on(5)
        hosts.network.silence(1)
        load.goes_on()
        assert not hosts.serves(1)
        held_back.pay()
        held_back.becomes(*SOLD)
        hosts.network.speak(1)
        until(lambda: hosts.serves(1), 40)
        load.goes_on(5)
    assert {offer.status for offer in load.offers} <= {201, 503}
    # What was under way there, and what waited for the rows that it held.
    assert sum(offer.status != 201 for offer in load.offers) <= 2 * UNDER_WAY
    assert max(offer.seconds for offer in load.offers) < LONGEST_SECONDS
    load.nobody_looked_in_vain()
    load.nothing_was_lost()
    until(lambda: ready(hosts, 1).ok, 30)


def test_a_host_without_the_database_says_so_and_loses_nothing(separate_hosts: Hosts) -> None:
    hosts = separate_hosts
    with people_bid_and_pay(hosts) as load:
        load.goes_on(5)
        hosts.network.cut_off(1, hosts.network.postgres)
        began = time.monotonic()
        answer = ready(hosts, 1)
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
        assert time.monotonic() - began < LONGEST_SECONDS
        assert requests.get(f"{hosts.urls[1]}/health", timeout=10).ok
        load.goes_on()
        hosts.network.mend()
        until(lambda: ready(hosts, 1).ok, 40)
        load.goes_on(5)
    assert {offer.status for offer in load.offers} <= {201, 503}
    assert max(offer.seconds for offer in load.offers) < LONGEST_SECONDS
    load.nothing_was_lost()


def test_a_host_without_redis_goes_on_and_is_heard_again(separate_hosts: Hosts) -> None:
    hosts = separate_hosts
    artwork_id, buyer = hosts.artwork(), hosts.buyer()
    hosts.network.cut_off(1, hosts.network.redis)
    for amount in ("10.00", "11.00", "12.00"):
        began = time.monotonic()
        assert bid_at(hosts.urls[1], buyer, artwork_id, amount).status_code == 201
        assert time.monotonic() - began < 10
    sale = hosts.offer()
    assert sale.answer.status == 201
    until(lambda: sale.payment.stripe_session_id, 30)
    sale.pay()
    sale.becomes(*SOLD)
    said = ready(hosts, 1)
    assert (said.status_code, said.json()["checks"]["redis"]["status"]) == (200, "degraded")

    hosts.network.mend()
    amounts = iter(f"{dollars}.00" for dollars in range(20, 90))
    with ear(hosts.urls[0]) as listening:
        listening.watch(artwork_id)

        def heard_across() -> bool:
            amount = next(amounts)
            assert bid_at(hosts.urls[1], buyer, artwork_id, amount).status_code == 201
            time.sleep(0.5)
            return amount in str(listening.heard)

        until(heard_across, 30)
    with ear(hosts.urls[1]) as listening:
        listening.watch(artwork_id)

        def heard_back() -> bool:
            amount = next(amounts)
            assert bid_at(hosts.urls[0], buyer, artwork_id, amount).status_code == 201
            time.sleep(0.5)
            return amount in str(listening.heard)

        until(heard_back, 30)
