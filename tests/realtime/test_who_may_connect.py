"""Who may open a socket, what it may watch, and when it is closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.people import TestPerson
from tests.realtime.conftest import World
from tests.realtime.processes import Refused, ear, handshake_status


@pytest.mark.parametrize("token", ["wrong", "", "x" * 5_000, "\u2603", 7, ["a"], {"a": 1}, True])
def test_a_wrong_token_is_refused(world: World, token: Any) -> None:
    with (
        pytest.raises(Refused, match="not valid"),
        ear(world.one.url, auth={"token": token}),
    ):
        pass


def test_a_browsers_token_is_no_api_token(world: World) -> None:
    buyer = world.person()
    with buyer.browser.session_transaction() as kept:
        browser_token = kept["_user_id"]

    with (
        pytest.raises(Refused, match="not valid"),
        ear(world.one.url, auth={"token": browser_token}),
    ):
        pass


def test_a_cookie_that_signs_nobody_in_is_an_anonymous_visitor(world: World) -> None:
    artwork_id = world.artwork(world.person("SELLER"))

    with ear(world.one.url, headers={"Cookie": "__Host-session=forged"}) as nobody:
        assert nobody.watch(artwork_id) == {"ok": True}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://bids.example.com.evil"]
)
def test_a_page_of_somebody_else_may_not_connect(world: World, origin: str) -> None:
    assert handshake_status(world.one.url, origin) == 400


def test_our_own_pages_and_programs_may_connect(world: World) -> None:
    for origin in ("https://bids.example.com", world.one.url, None):
        assert handshake_status(world.one.url, origin) == 101


def test_long_polling_is_off(world: World) -> None:
    answer = requests.get(
        f"{world.one.url}/socket.io/", params={"EIO": "4", "transport": "polling"}, timeout=10
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (None, "artwork_id must be a whole number"),
        ({}, "artwork_id must be a whole number"),
        ([1], "artwork_id must be a whole number"),
        ("1", "artwork_id must be a whole number"),
        ({"artwork_id": "1"}, "artwork_id must be a whole number"),
        ({"artwork_id": 1.5}, "artwork_id must be a whole number"),
        ({"artwork_id": True}, "artwork_id must be a whole number"),
        ({"artwork_id": None}, "artwork_id must be a whole number"),
        ({"artwork_id": {"$gt": 0}}, "artwork_id must be a whole number"),
        ({"artwork_id": 0}, "artwork_id must be from 1 to 9223372036854775807"),
        ({"artwork_id": -1}, "artwork_id must be from 1 to 9223372036854775807"),
        ({"artwork_id": 2**63}, "artwork_id must be from 1 to 9223372036854775807"),
        ({"artwork_id": 2**63 - 1}, "there is no such artwork"),
    ],
)
def test_a_wrong_wish_is_answered_with_what_is_wrong(
    world: World, message: Any, complaint: str
) -> None:
    with ear(world.one.url) as nobody:
        answer = nobody.client.call("watch", message, timeout=10)

        assert answer == {"ok": False, "error": complaint}
        if "no such" not in complaint:
            assert nobody.client.call("unwatch", message, timeout=10) == answer


def test_a_withdrawn_artwork_can_be_watched_by_its_seller_and_administrators_alone(
    world: World,
) -> None:
    seller = world.person("SELLER")
    artwork_id = world.artwork(seller, status="ARCHIVED")
    answers = {}
    for name, token in (
        ("seller", seller.token),
        ("admin", world.person("ADMIN").token),
        ("another", world.person("SELLER").token),
        ("nobody", None),
    ):
        with ear(world.one.url, auth={"token": token} if token else None) as listener:
            answers[name] = listener.watch(artwork_id)["ok"]

    assert answers == {"seller": True, "admin": True, "another": False, "nobody": False}


def test_a_socket_watches_at_most_two_hundred_artworks(world: World) -> None:
    seller = world.person("SELLER")
    artworks = [world.artwork(seller) for _ in range(201)]

    with ear(world.one.url) as nobody:
        for artwork_id in artworks[:200]:
            assert nobody.watch(artwork_id) == {"ok": True}
        assert nobody.watch(artworks[0]) == {"ok": True}
        assert nobody.watch(artworks[200]) == {
            "ok": False,
            "error": "watch at most 200 artworks",
        }
        nobody.client.call("unwatch", {"artwork_id": artworks[0]}, timeout=10)
        assert nobody.watch(artworks[200]) == {"ok": True}


def test_logging_out_disconnects_that_sign_in_in_every_process(
    world: World, cookies: Callable[[TestPerson], dict[str, str]]
) -> None:
    buyer = world.person()

    with (
        ear(world.one.url, auth={"token": buyer.token}) as here,
        ear(world.other.url, auth={"token": buyer.token}) as there,
        ear(world.other.url, headers=cookies(buyer)) as browser,
    ):
        answer = requests.delete(
            f"{world.pages.url}/api/auth/token", headers=buyer.bearer, timeout=10
        )
        assert answer.status_code == 204

        assert here.gone.wait(10)
        assert there.gone.wait(10)
        assert not browser.gone.wait(0.5)
    with (
        pytest.raises(Refused, match="not valid"),
        ear(world.other.url, auth={"token": buyer.token}),
    ):
        pass


def test_ending_every_sign_in_disconnects_them_all(
    world: World, cookies: Callable[[TestPerson], dict[str, str]]
) -> None:
    buyer, another = world.person(), world.person()

    with (
        ear(world.one.url, auth={"token": buyer.token}) as program,
        ear(world.other.url, headers=cookies(buyer)) as browser,
        ear(world.other.url, auth={"token": another.token}) as stranger,
    ):
        world.speaker.say("SignedOut", user_id=buyer.id, token_id=None)

        assert program.gone.wait(10)
        assert browser.gone.wait(10)
        assert not stranger.gone.wait(0.5)


def test_the_server_survives_nonsense(world: World) -> None:
    artwork_id = world.artwork(world.person("SELLER"))

    with ear(world.one.url) as rude:
        rude.client.emit("no such event", {"a": 1})
        rude.client.emit("watch")
        rude.client.emit("watch", ("a", "b", "c"))
        rude.client.emit("watch", {"artwork_id": "x" * 1_000})
        assert rude.watch(artwork_id) == {"ok": True}
    with ear(world.one.url) as flood:
        flood.client.emit("watch", {"artwork_id": "x" * 100_000})
        assert flood.gone.wait(10)
    time.sleep(0.1)
    with ear(world.one.url) as polite:
        assert polite.watch(artwork_id) == {"ok": True}


def test_a_suspension_and_another_role_close_open_sockets(world: World) -> None:
    admin, buyer = world.person("ADMIN"), world.person()
    for change in ({"role": "SELLER"}, {"active": False}):
        with ear(world.other.url, auth={"token": buyer.token}) as listener:
            answer = requests.patch(
                f"{world.pages.url}/api/admin/users/{buyer.id}",
                json=change,
                headers=admin.bearer,
                timeout=10,
            )
            assert answer.status_code == 200
            assert listener.gone.wait(10)
    with pytest.raises(Refused, match="not valid"), ear(world.one.url, auth={"token": buyer.token}):
        pass
