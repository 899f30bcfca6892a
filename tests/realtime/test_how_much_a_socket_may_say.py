"""A socket that floods is cut off, and nobody else notices; a page never comes near."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.realtime.budget import BURST, LARGEST_MESSAGE, PER_SECOND, Budget, Frame, Frames
from tests.realtime.conftest import World
from tests.realtime.processes import WebProcess, ear

TEXT, BINARY, CONTINUED, PING = 1, 2, 0, 9
SAME = b'42["watch",{"artwork_id":1}]'


def framed(said: bytes, kind: int = TEXT, *, last: bool = True, length: int | None = None) -> bytes:
    """A client's frame, masked with noughts; `length` is what it claims to have."""
    length = len(said) if length is None else length
    head = bytes([kind | (0x80 if last else 0)])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 2**16:
        head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return head + bytes(4) + said


@contextlib.contextmanager
def wire(process: WebProcess) -> Iterator[socket.socket]:
    """A websocket that is connected as far as Socket.IO is concerned."""
    host, port = process.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as opened:
        opened.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
            b"Host: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        said = b""
        while b'0{"sid"' not in said:
            said += opened.recv(4096)
        opened.sendall(framed(b"40"))
        while b'40{"sid"' not in said:
            said += opened.recv(4096)
        yield opened


def flood(process: WebProcess, *said: bytes, seconds: float = 20) -> float:
    """Say this as fast as it goes, reading nothing; after how long the connection was cut."""
    began = time.monotonic()
    with wire(process) as opened:
        opened.settimeout(seconds)
        try:
            opened.sendall(said[0])
            while time.monotonic() - began < seconds:
                opened.sendall(b"".join(said[1:]) or said[0])
        except TimeoutError:
            pytest.fail("it is not cut off, and not read either")
        except OSError:
            return time.monotonic() - began
    pytest.fail("it is not cut off")


def resident_mb(process: WebProcess) -> int:
    """What the Gunicorn's workers hold."""
    pages = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == process.process.pid:
                    pages += int((entry / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "said",
    [
        (framed(SAME) * 1_000,),
        (framed(b"3") * 5_000,),
        (framed(b"junk") * 1_000,),
        (framed(b"", PING) * 10_000,),
        (framed(b"x" * 8_000, BINARY) * 20,),
        (framed(b"42", length=2**40), b"x" * 2**16),
        (framed(b"42", last=False), framed(b"x", CONTINUED, last=False) * 10_000),
        (framed(b"42", last=False), framed(b"x" * 8_000, CONTINUED, last=False) * 20),
    ],
    ids=["watch", "heartbeats", "junk", "pings", "binary", "endless", "parts", "large-parts"],
)
def test_who_floods_is_cut_off_and_others_are_answered_meanwhile(
    world: World, said: tuple[bytes, ...]
) -> None:
    artwork_id = world.artwork(world.person("SELLER"))
    with ear(world.one.url) as other:
        other.watch(artwork_id)
        before = resident_mb(world.one)
        took: list[float] = []
        floods = [
            threading.Thread(target=lambda: took.append(flood(world.one, *said))) for _ in range(5)
        ]
        for each in floods:
            each.start()
        while any(each.is_alive() for each in floods):
            asked = time.monotonic()
            assert other.watch(artwork_id) == {"ok": True}
            assert requests.get(f"{world.one.url}/health", timeout=5).status_code == 200
            assert time.monotonic() - asked < 2
        assert len(took) == 5
        assert max(took) < 5
        assert resident_mb(world.one) - before < 30
        assert other.watch(artwork_id) == {"ok": True}
        assert not other.gone.is_set()


def test_pages_of_very_many_artworks_are_never_cut_off(world: World) -> None:
    """Not as they watch all at once, come back again and again, and change all for others."""
    seller = world.person("SELLER")
    ids = [world.artwork(seller) for _ in range(400)]
    for _ in range(3):
        with ear(world.one.url) as page:
            answers: list[object] = []
            for artwork_id in ids[:200]:
                page.client.emit("watch", {"artwork_id": artwork_id}, callback=answers.append)
            for artwork_id in ids[:200]:
                page.client.emit("unwatch", {"artwork_id": artwork_id}, callback=answers.append)
            for artwork_id in ids[200:290]:
                page.client.emit("watch", {"artwork_id": artwork_id}, callback=answers.append)
            assert page.watch(ids[-1]) == {"ok": True}
            assert answers == [{"ok": True}] * 490
            assert not page.gone.is_set()


def test_nothing_is_kept_for_attachments_that_may_never_come(world: World) -> None:
    artwork_id = world.artwork(world.person("SELLER"))
    with wire(world.one) as opened:
        opened.sendall(framed(b'459999-["watch",{"_placeholder":true,"num":0}]'))
        asked = json.dumps(["watch", {"artwork_id": artwork_id}]).encode()
        opened.sendall(framed(b"427" + asked))
        opened.settimeout(10)
        said = b""
        while b'437[{"ok":true}]' not in said:
            said += opened.recv(4096)


def test_frames_are_told_apart_in_whatever_pieces_they_arrive() -> None:
    stream = b"".join(
        [
            framed(b"40"),
            framed(b"", PING),
            framed(b"x" * 125, last=False),
            framed(b"y" * 126, CONTINUED),
            framed(b"z" * 70_000, BINARY),
            # A server's would not be masked.
            b"\x81\x03abc",
        ]
    )
    expected = [
        Frame(2, False, True),
        Frame(0, True, True),
        Frame(125, False, False),
        Frame(126, False, True),
        Frame(70_000, False, True),
        Frame(3, False, True),
    ]
    for size in (1, 2, 3, 7, 14, 4096, len(stream)):
        frames = Frames()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert list(itertools.chain.from_iterable(map(frames.heads, pieces))) == expected


def test_a_budget_is_filled_again_as_time_passes_but_never_above_its_burst() -> None:
    moment = [1_000.0]
    budget = Budget(clock=lambda: moment[0])
    assert budget.allows(framed(SAME) * int(BURST))
    moment[0] += 1
    assert budget.allows(framed(SAME) * int(PER_SECOND))
    assert not budget.allows(framed(SAME))
    rested = Budget(clock=lambda: moment[0])
    moment[0] += 3_600
    assert not rested.allows(framed(SAME) * int(BURST + 1))


def test_large_messages_count_as_several_and_too_large_ones_are_refused_unread() -> None:
    def budget() -> Budget:
        return Budget(clock=lambda: 0.0)

    largest = framed(b"x" * LARGEST_MESSAGE)
    assert budget().allows(largest)
    assert not budget().allows(largest * 60)
    assert not budget().allows(framed(b"", length=LARGEST_MESSAGE + 1))
    in_parts = framed(b"x" * LARGEST_MESSAGE, last=False)
    assert budget().allows(in_parts + framed(b"", PING) + framed(b"", CONTINUED) + largest)
    assert not budget().allows(in_parts + framed(b"y", CONTINUED))
