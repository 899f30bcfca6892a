"""People who look, bid, win and pay through nginx, and what they were answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from app.bidding.models import Bid
from tests.deploy.hosts import Hosts
from tests.faults.shop import SOLD, Sale
from tests.faults.webhooks import COMPLETED
from tests.people import TestPerson
from tests.waiting import until


def bid_at(url: str, person: TestPerson, artwork_id: int, amount: str) -> requests.Response:
    """An offer by the API at this address."""
    body = {"artwork_id": artwork_id, "amount": amount}
    return requests.post(f"{url}/api/bids", json=body, headers=person.bearer, timeout=30)


@dataclass(frozen=True)
class Offer:
    """One bid and its answer; status 0 when the connection was lost instead."""

    status: int
    artwork_id: int
    cents: int
    seconds: float = 0


@dataclass
class Load:
    """What was asked and answered so far."""

    hosts: Hosts
    offers: list[Offer] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)

    def accepted(self) -> int:
        """How many bids were taken."""
        return sum(offer.status == 201 for offer in self.offers)

    def goes_on(self, bids: int = 15) -> None:
        """Wait for so many more bids that are taken, and another sale."""
        enough, sold = self.accepted() + bids, len(self.sales)
        until(lambda: self.accepted() >= enough and len(self.sales) > sold, 40)

    def nothing_was_lost(self) -> None:
        """Every bid that was taken is there, none is there twice, and every sale was told of."""
        there = Counter((bid.artwork_id, bid.amount_cents) for bid in self.hosts.rows(Bid))
        for offer in self.offers:
            found = there[offer.artwork_id, offer.cents]
            assert found == 1 if offer.status == 201 else found <= 1, offer
        assert self.sales
        for sale in self.sales:
            sale.becomes(*SOLD, seconds=30)
        # Stripe sends what was not answered again by itself.
        for sale in self.sales:
            until(lambda sale=sale: self.hosts.events(COMPLETED, sale.session_id), 30)

    def nobody_looked_in_vain(self) -> None:
        """Every page was answered: a GET that a host did not answer is asked of another."""
        assert self.pages
        assert set(self.pages) == {200}


@contextmanager
def people_bid_and_pay(hosts: Hosts) -> Iterator[Load]:
    """While it lasts, two people bid, one wins and pays again and again, and one looks."""
    load, over = Load(hosts), threading.Event()
    artworks = [hosts.artwork() for _ in range(2)]
    people = [hosts.buyer() for _ in range(2)]

    def bid(number: int) -> None:
        for cents in range(1_000, 9_900):
            if over.wait(0.06):
                return
            status, seconds = 0, 0.0
            try:
                said = bid_at(hosts.url, people[number], artworks[number], f"{cents / 100:.2f}")
                status, seconds = said.status_code, said.elapsed.total_seconds()
            except requests.RequestException:
                pass
            load.offers.append(Offer(status, artworks[number], cents, seconds))

    def buy() -> None:
        while not over.wait(0.3):
            sale = hosts.offer()
            load.offers.append(Offer(sale.answer.status, sale.artwork_id, 10_000))
            if sale.answer.status == 201:
                until(lambda sale=sale: sale.payment.stripe_session_id, 30)
                sale.pay()
                load.sales.append(sale)

    def look() -> None:
        while not over.wait(0.1):
            try:
                page = requests.get(f"{hosts.url}/artworks/{artworks[0]}", timeout=30)
                load.pages.append(page.status_code)
            except requests.RequestException:
                load.pages.append(0)

    with ThreadPoolExecutor(4) as pool:
        running = [*(pool.submit(bid, number) for number in range(2)), pool.submit(buy)]
        running.append(pool.submit(look))
        try:
            yield load
        finally:
            over.set()
        for each in running:
            each.result(60)
