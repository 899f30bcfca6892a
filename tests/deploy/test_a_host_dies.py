"""One of two hosts is killed: the other goes on with everything."""

from __future__ import annotations

import time

import pytest

from app.core import clock
from app.jobs.sweep import PAYMENTS
from tests.deploy.hosts import Hosts
from tests.deploy.load import people_bid_and_pay
from tests.faults.shop import RELEASED, SOLD
from tests.waiting import until

# Programs of two hosts are started more than once: slow on a busy machine.
pytestmark = pytest.mark.timeout(300)

# What may be under way on a host at one moment: two bids, a winning one, and a webhook.
UNDER_WAY = 4


def test_a_host_that_is_killed_takes_nothing_with_it(hosts: Hosts) -> None:
    held_back = hosts.win()
    with people_bid_and_pay(hosts) as load:
        load.goes_on()
        hosts.kill(*hosts.second)
        died = len(load.offers)
        load.goes_on()
        assert not hosts.serves(1)
        held_back.pay()
        held_back.becomes(*SOLD)
    assert {offer.status for offer in load.offers} <= {201, 503}
    # What was under way on the dead host, and nothing after it.
    refused = [number for number, offer in enumerate(load.offers) if offer.status != 201]
    assert len(refused) <= UNDER_WAY
    assert all(number <= died + UNDER_WAY for number in refused)
    load.nobody_looked_in_vain()
    load.nothing_was_lost()
    hosts.start()
    until(lambda: hosts.serves(1), 20)


def test_one_sweeps_at_a_time_and_who_died_sweeping_is_followed_within_the_lease(
    hosts: Hosts,
) -> None:
    with hosts.no_sweep(PAYMENTS):
        assert "another sweep is at work" in hosts.sweep().stdout
    sale = hosts.win()
    gate = {"name": "x", "operation": "expire", "when": "before"}
    hosts.sandbox.control("POST", "/barriers", gate, status=201)
    sale.pass_deadline()
    until(lambda: waiting(hosts) and hosts.sweeper() >= 0, 60)
    web, worker = hosts.both[hosts.sweeper()]
    hosts.kill(worker, web)
    began = time.monotonic()
    lease = hosts.lease()
    assert lease.held_until > clock.now(), "nobody died sweeping"
    hosts.sandbox.control("POST", "/barriers/x/release")
    until(lambda: hosts.lease().holder != lease.holder, 30)
    # The lease's 15 seconds, and the other's next look, however busy the machine is.
    assert time.monotonic() - began < 15 + 10
    sale.becomes(*RELEASED)


def waiting(hosts: Hosts) -> bool:
    return any(barrier["waiting"] for barrier in hosts.sandbox.control("GET", "/barriers"))
