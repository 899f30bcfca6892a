"""What happens in any process reaches everybody whom it concerns, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.people import TestPerson
from tests.realtime.conftest import World
from tests.realtime.processes import ear

DEADLINE = "2026-11-23T14:05:00+00:00"


def reserved(world: World, artwork_id: int, buyer: TestPerson, seller: TestPerson) -> None:
    world.speaker.say(
        "ArtworkReserved",
        artwork_id=artwork_id,
        artwork_title="Harbour at dawn",
        bid_id=31,
        payment_id=12,
        buyer_id=buyer.id,
        seller_id=seller.id,
        amount_cents=15_000,
        deadline_at=DEADLINE,
    )


def released(
    world: World, artwork_id: int, buyer: TestPerson, seller: TestPerson, status: str = "ACTIVE"
) -> None:
    world.speaker.say(
        "PaymentReleased",
        payment_id=12,
        bid_id=31,
        artwork_id=artwork_id,
        artwork_title="Harbour at dawn",
        artwork_status=status,
        buyer_id=buyer.id,
        seller_id=seller.id,
        amount_cents=15_000,
        reason="deadline",
    )


def sold(world: World, artwork_id: int, buyer: TestPerson, seller: TestPerson) -> None:
    world.speaker.say(
        "SaleCompleted",
        payment_id=12,
        artwork_id=artwork_id,
        artwork_title="Harbour at dawn",
        buyer_id=buyer.id,
        seller_id=seller.id,
        amount_cents=15_000,
        paid_at=DEADLINE,
    )


def test_a_bid_in_one_web_process_reaches_watchers_in_both(world: World) -> None:
    buyer = world.person()
    artwork_id = world.artwork(world.person("SELLER"), threshold_cents=99_900)

    with ear(world.one.url) as here, ear(world.other.url) as there:
        assert here.watch(artwork_id) == {"ok": True}
        assert there.watch(artwork_id) == {"ok": True}
        answer = requests.post(
            f"{world.pages.url}/api/bids",
            json={"artwork_id": artwork_id, "amount": "12.50"},
            headers=buyer.bearer,
            timeout=10,
        )
        assert answer.status_code == 201, answer.text

        for listener in (here, there):
            [(_, payload)] = listener.hears("new_bid")
            assert payload == {
                "artwork_id": artwork_id,
                "current_highest_bid": "12.50",
                "bid_count": 1,
            }


def test_a_win_is_told_in_full_to_its_buyer_in_part_to_the_seller_and_hardly_to_others(
    world: World, cookies: Callable[[TestPerson], dict[str, str]]
) -> None:
    buyer, seller, another = world.person(), world.person("SELLER"), world.person()
    artwork_id = world.artwork(seller)

    with (
        ear(world.one.url, auth={"token": buyer.token}) as winner,
        ear(world.other.url, headers=cookies(seller)) as owner,
        ear(world.other.url, auth={"token": another.token}) as stranger,
        ear(world.one.url) as nobody,
    ):
        stranger.watch(artwork_id)
        nobody.watch(artwork_id)
        reserved(world, artwork_id, buyer, seller)

        [(_, required)] = winner.hears("payment_required")
        [(_, pending)] = owner.hears("sale_pending")
        assert required == {
            "artwork_id": artwork_id,
            "bid_id": 31,
            "payment_id": 12,
            "amount": "150.00",
            "pay_url": "https://bids.example.com/payments/12/pay",
            "expires_at": "2026-11-23T14:05:00.000Z",
        }
        assert pending == {
            "artwork_id": artwork_id,
            "payment_id": 12,
            "amount": "150.00",
            "expires_at": "2026-11-23T14:05:00.000Z",
        }
        for public in (stranger, nobody):
            [(_, status)] = public.hears("artwork_status")
            assert status == {"artwork_id": artwork_id, "status": "PENDING_PAYMENT"}


@pytest.mark.parametrize("status", ["ACTIVE", "EXPIRED"])
def test_a_release_tells_the_public_the_new_state_alone(world: World, status: str) -> None:
    buyer, seller = world.person(), world.person("SELLER")
    artwork_id = world.artwork(seller)

    with (
        ear(world.one.url, auth={"token": buyer.token}) as winner,
        ear(world.other.url, auth={"token": seller.token}) as owner,
        ear(world.other.url) as nobody,
    ):
        nobody.watch(artwork_id)
        released(world, artwork_id, buyer, seller, status)

        told = {"artwork_id": artwork_id, "payment_id": 12, "reason": "deadline"}
        assert winner.hears("payment_released") == [("payment_released", told)]
        assert owner.hears("sale_released") == [("sale_released", told)]
        [(_, public)] = nobody.hears("artwork_status")
        assert public == {"artwork_id": artwork_id, "status": status}


def test_a_sale_makes_the_price_public(world: World) -> None:
    buyer, seller = world.person(), world.person("SELLER")
    artwork_id = world.artwork(seller)

    with (
        ear(world.one.url) as nobody,
        ear(world.other.url, auth={"token": seller.token}) as owner,
    ):
        nobody.watch(artwork_id)
        sold(world, artwork_id, buyer, seller)

        heard = nobody.hears("artwork_status", "payment_completed")
        assert [payload for _, payload in heard] == [
            {"artwork_id": artwork_id, "status": "SOLD", "sold_price": "150.00"},
            {"artwork_id": artwork_id, "status": "SOLD"},
        ]
        [(_, completed)] = owner.hears("sale_completed")
        assert completed == {"artwork_id": artwork_id, "payment_id": 12, "amount": "150.00"}


@pytest.mark.parametrize(
    ("code", "told"),
    [("insufficient_funds", "insufficient_funds"), ("stolen_card", "generic_decline")],
)
def test_a_decline_is_told_to_its_buyer_alone(world: World, code: str, told: str) -> None:
    buyer, seller = world.person(), world.person("SELLER")
    artwork_id = world.artwork(seller)

    with (
        ear(world.one.url, auth={"token": buyer.token}) as winner,
        ear(world.one.url, auth={"token": seller.token}) as owner,
    ):
        owner.watch(artwork_id)
        world.speaker.say(
            "PaymentDeclined",
            payment_id=12,
            artwork_id=artwork_id,
            artwork_title="Harbour at dawn",
            buyer_id=buyer.id,
            amount_cents=15_000,
            reason=code,
            deadline_at=DEADLINE,
            occurrence=f"evt_{code}",
        )
        world.speaker.say("ArtworkStatusChanged", artwork_id=artwork_id, status="EXPIRED")

        [(_, failed)] = winner.hears("payment_failed")
        assert failed == {"artwork_id": artwork_id, "payment_id": 12, "reason": told}
        [(_, status)] = owner.hears("artwork_status")
        assert status == {"artwork_id": artwork_id, "status": "EXPIRED"}


def test_who_stops_watching_hears_no_more(world: World) -> None:
    seller = world.person("SELLER")
    first, second = world.artwork(seller), world.artwork(seller)

    with ear(world.one.url) as nobody:
        nobody.watch(first)
        nobody.watch(second)
        answer: Any = nobody.client.call("unwatch", {"artwork_id": first}, timeout=10)
        assert answer == {"ok": True}
        world.speaker.say("ArtworkStatusChanged", artwork_id=first, status="EXPIRED")
        world.speaker.say("ArtworkStatusChanged", artwork_id=second, status="EXPIRED")

        [(_, status)] = nobody.hears("artwork_status")
        assert status["artwork_id"] == second


def test_watchers_of_another_artwork_hear_nothing_of_this_one(world: World) -> None:
    seller = world.person("SELLER")
    this, that = world.artwork(seller), world.artwork(seller)

    with ear(world.other.url) as nobody:
        nobody.watch(that)
        world.speaker.say("BidOutbid", artwork_id=this, highest_bid_cents=1_000, bid_count=1)
        world.speaker.say("BidOutbid", artwork_id=that, highest_bid_cents=2_000, bid_count=2)

        [(_, bid)] = nobody.hears("new_bid")
        assert bid == {"artwork_id": that, "current_highest_bid": "20.00", "bid_count": 2}
