"""With Redis away live updates limp, say so, and recover by themselves."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import requests

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
