"""The same races over real sockets, among threads of one web process and among several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from app.bidding.models import Bid
from app.core import clock
from dev.redis_server import RedisServer
from tests.orders import truths
from tests.orders.stage import read_scene
from tests.payments.market import SECRET, Market, at_once
from tests.people import TestPerson
from tests.races import naive
from tests.realtime.processes import web_process

PROCESSES = pytest.mark.parametrize("processes", ["1", "3"])


@pytest.fixture
def surroundings(market: Market, redis_server: RedisServer) -> Callable[[str], dict[str, str]]:
    """The settings of web processes on the market's own database."""
    settings = market.app.config["SETTINGS"]

    def given(processes: str) -> dict[str, str]:
        return {
            "DATABASE_URL": settings.database_url,
            "UPLOAD_DIR": str(settings.upload_dir),
            "STRIPE_API_BASE": str(settings.stripe_api_base),
            "REDIS_URL": redis_server.url,
            "RATELIMIT_ENABLED": "0",
            "WEB_CONCURRENCY": processes,
        }

    return given


def post(url: str, person: TestPerson, path: str, body: Any = None) -> requests.Response:
    with requests.Session() as http:
        http.trust_env = False
        return http.post(f"{url}/api{path}", json=body, headers=person.bearer, timeout=30)


def statuses(market: Market, artwork_id: int) -> list[str]:
    found = market.rows(Bid, Bid.artwork_id == artwork_id)
    return sorted(bid.status.value for bid in found)


def bid_at_once(market: Market, url: str, people: list[TestPerson], artwork_id: int) -> list[Any]:
    offer = {"artwork_id": artwork_id, "amount": "120.37"}
    return at_once(len(people), lambda number: post(url, people[number], "/bids", offer))


@pytest.mark.parametrize(
    ("database", "processes"), [("sqlite", "1"), ("postgresql", "3")], indirect=["database"]
)
def test_without_the_guard_several_win(
    market: Market,
    surroundings: Callable[[str], dict[str, str]],
    processes: str,
    tmp_path: Path,
) -> None:
    people = [market.make_person("BUYER") for _ in range(6)]
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    given = {**surroundings(processes), "MEETING": str(meeting)}
    with (
        naive.without_indexes(market.app, "uq_bids_won", "uq_payments_open"),
        web_process("tests.races.unguarded:app", **given) as web,
    ):
        artwork_id = market.make_artwork(market.seller)
        bid_at_once(market, web.url, people, artwork_id)
        assert statuses(market, artwork_id).count("WON") > 1


@PROCESSES
def test_one_wins_pays_once_and_nothing_is_done_twice(
    market: Market, surroundings: Callable[[str], dict[str, str]], processes: str
) -> None:
    people = [market.make_person("BUYER") for _ in range(6)]
    with web_process(**surroundings(processes)) as web:
        for number in range(2):
            artwork_id = market.make_artwork(market.seller)
            said = bid_at_once(market, web.url, people, artwork_id)
            assert sorted(answer.status_code for answer in said) == [201] + [409] * 5
            assert statuses(market, artwork_id) == ["WON"]
            [won] = [answer.json() for answer in said if answer.status_code == 201]
            [winner] = [people[who] for who, answer in enumerate(said) if answer.status_code == 201]
            payment_id = won["payment"]["id"]

            asked = {"bid_id": won["id"]}
            told = at_once(
                10,
                lambda _, winner=winner, asked=asked: post(
                    web.url, winner, "/payments/checkout-session", asked
                ),
            )
            assert {answer.json()["session_id"] for answer in told} == {market.session_id(won)}

            if number % 2:
                sells_once_whoever_tells(market, web.url, won)
            else:
                ways = [
                    lambda won=won: market.pay(won),
                    lambda winner=winner, payment_id=payment_id: post(
                        web.url, winner, f"/payments/{payment_id}/cancel"
                    ),
                    lambda payment_id=payment_id: market.settle(payment_id),
                ]
                at_once(3, lambda which, ways=ways: ways[which]())
        market.sweep()
    ledger = market.sandbox.ledger()
    scene = read_scene(market.app, clock.now(), ledger["sessions"], ledger["payment_intents"])
    truths.hold_always(scene)
    truths.hold_once_told(scene)


def sells_once_whoever_tells(market: Market, url: str, won: Any) -> None:
    market.pay(won)
    event = market.event("checkout.session.completed")
    where = {"url": f"{url}/api/payments/webhook", "secret": SECRET}
    ways = [
        lambda: market.sandbox.control(
            "POST", f"/events/{event['id']}/deliver", {"copies": 20, "concurrent": True, **where}
        ),
        lambda: market.sweep().failures,
    ]
    answers, failures = at_once(2, lambda which: ways[which]())
    assert [answer["status"] for answer in answers] == [200] * 20
    assert failures == 0
    assert market.standing(won) == ("SOLD", "WON", "SUCCEEDED")
    sold = [deed for deed in market.audits("artwork.sold") if deed.resource_id == won["artwork_id"]]
    assert len(sold) == 1
