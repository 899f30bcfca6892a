"""With Redis away live updates limp, say so, and recover by themselves."""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from redis import Redis

from app.realtime.exchange import Exchange
from dev.redis_server import start_redis
from tests import people
from tests.realtime.conftest import World
from tests.realtime.processes import THREADS, ear, speaker, web_process
from tests.waiting import until


def test_sockets_are_told_when_redis_goes_and_comes_back(
    world: World, processes_settings: dict[str, str], tmp_path: Path
) -> None:
    buyer = world.person()
    artwork_id = people.make_artwork(world.app, world.person("SELLER"), 99_900)
    redis = start_redis(tmp_path, password="only-for-this-test")
    settings = processes_settings | {"REDIS_URL": redis.url}
    with (
        web_process(config=world.config, **settings) as web,
        speaker(**settings) as speaking,
        ear(web.url) as nobody,
        ExitStack() as more,
    ):
        alone = world.config == THREADS
        pages = web if alone else more.enter_context(web_process(config=THREADS, **settings))
        nobody.watch(artwork_id)
        redis.stop()
        until(lambda: ("live_paused", {}) in nobody.heard, 15)
        nobody.heard.clear()

        began = time.monotonic()
        bid = requests.post(
            f"{pages.url}/api/bids",
            json={"artwork_id": artwork_id, "amount": "12.50"},
            headers=buyer.bearer,
            timeout=10,
        )
        assert bid.status_code == 201, bid.text
        assert time.monotonic() - began < 3
        if alone:
            # Who watches in the process that took the bid is told without Redis.
            until(lambda: "new_bid" in [name for name, _ in nobody.heard])

        with start_redis(tmp_path, password="only-for-this-test", port=redis.port):
            until(lambda: ("live_resumed", {}) in nobody.heard, 20)
            nobody.heard.clear()
            speaking.say("ArtworkStatusChanged", artwork_id=artwork_id, status="EXPIRED")
            nobody.hears("artwork_status")


def test_a_redis_that_hangs_holds_nobody_up_for_long() -> None:
    with start_redis() as redis:
        exchange = Exchange(redis.url, "a channel")
        redis.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            for _ in range(50):
                exchange._publish({"method": "emit"})
            assert time.monotonic() - began < 3
        finally:
            redis.process.send_signal(signal.SIGCONT)
        assert exchange._publisher is not None
        exchange._publisher.close()


def test_what_is_said_together_is_one_message() -> None:
    with start_redis() as redis, Redis.from_url(redis.url) as listening:
        exchange = Exchange(redis.url, "a channel")
        heard = listening.pubsub(ignore_subscribe_messages=True)
        heard.subscribe("a channel")
        until(lambda: listening.pubsub_numsub("a channel")[0][1] == 1)
        with exchange.together():
            exchange._publish({"number": 1})
            with exchange.together():
                exchange._publish({"number": 2})
            # Another thread says its own, and at once.
            other = threading.Thread(target=exchange._publish, args=({"number": 3},))
            other.start()
            other.join()
        with exchange.together():
            pass
        exchange._publish({"number": 4})
        said: list[object] = []

        def four_is_said() -> bool:
            message = heard.get_message(timeout=0.1)
            if message is not None:
                said.append(json.loads(message["data"]))
            return said[-1:] == [{"number": 4}]

        until(four_is_said)
        assert said == [{"number": 3}, [{"number": 1}, {"number": 2}], {"number": 4}]
        heard.close()
        assert exchange._publisher is not None
        exchange._publisher.close()


def test_whatever_else_is_on_the_channel_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange(None, "a channel")
    ours = {"method": "close_room", "room": "a room", "host_id": "another"}
    for said in (b"{", b"7", b"[]", b"[7, [8]]"):
        assert list(exchange._read(said)) == []
    assert caplog.text.count("is not ours") == 4
    assert list(exchange._read(json.dumps([7, ours]).encode())) == [ours]
