"""The load generator, a process of its own: so many connections, each asking again when answered.

Reads one JSON object from standard input and writes one to standard output; see `Load`.
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.children import answers


@dataclass(frozen=True)
class Load:
    """What to ask for, how often at once, and for how long.

    `requests` are whole HTTP requests, used in turn. With `artworks`, every request is a bid
    instead: higher by a cent than the one before on the same artwork, from `first_cents` on, and
    `requests` are one for each bidder in which `{artwork}` and `{amount}` are filled in.
    """

    host: str
    port: int
    connections: int
    seconds: float
    requests: list[str]
    artworks: list[int] = field(default_factory=list)
    first_cents: int = 0
    once: bool = False


@dataclass(frozen=True)
class Answered:
    """What came of a load: answers by status, their times, and the generator's own CPU."""

    statuses: dict[str, int]
    milliseconds: list[float]
    wall_seconds: float
    own_cpu_seconds: float
    longest_silence_seconds: float
    last_cents: int

    def of(self, status: int) -> int:
        """How many answers had this status."""
        return self.statuses.get(str(status), 0)


def generate(load: Load) -> Answered:
    """Run a load in a process of its own."""
    [answered] = answers("bench.load", [asdict(load)], load.seconds + 120)
    return Answered(**answered)


class _Bids:
    """Rising bids, spread over artworks in turn."""

    def __init__(self, load: Load) -> None:
        self._bodies = itertools.cycle(load.requests)
        self._artworks = itertools.cycle(load.artworks)
        self._cents = dict.fromkeys(load.artworks, load.first_cents)

    def __iter__(self) -> Iterator[bytes]:
        for artwork in self._artworks:
            self._cents[artwork] += 1
            cents = self._cents[artwork]
            body = f'{{"artwork_id": {artwork}, "amount": "{cents // 100}.{cents % 100:02d}"}}'
            head = next(self._bodies)
            yield f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    @property
    def highest(self) -> int:
        """The last amount asked for, in cents."""
        return max(self._cents.values())


class _Connection(asyncio.Protocol):
    """One connection that asks, waits for the whole answer, and asks again."""

    def __init__(self, ask: Callable[[], bytes | None], note: Callable[[int, float], None]) -> None:
        self._ask = ask
        self._note = note
        self._buffer = b""
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._buffer = b""
        self._note(int(head[9:12]), time.perf_counter() - self._asked_at)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self._note(0, time.perf_counter() - self._asked_at)
            self.over.set_result(None)

    def _next(self) -> None:
        request = self._ask()
        if request is None or self._transport is None:
            if not self.over.done():
                self.over.set_result(None)
            return
        self._asked_at = time.perf_counter()
        self._transport.write(request)


async def _run(load: Load) -> Answered:
    bids = _Bids(load)
    texts = [text.encode() for text in load.requests]
    waiting: Iterator[bytes] = (
        iter(bids) if load.artworks else iter(texts if load.once else itertools.cycle(texts))
    )
    statuses: Counter[int] = Counter()
    times: list[float] = []
    # What starting this program took is in no time that is told.
    started = _cpu_seconds()
    began = time.perf_counter()
    heard = [began]
    silence = [0.0]

    def ask() -> bytes | None:
        if time.perf_counter() - began > load.seconds:
            return None
        return next(waiting, None)

    def note(status: int, seconds: float) -> None:
        moment = time.perf_counter()
        silence[0] = max(silence[0], moment - heard[0])
        heard[0] = moment
        statuses[status] += 1
        times.append(seconds * 1000)

    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(load.connections):
        _, connection = await loop.create_connection(
            lambda: _Connection(ask, note), load.host, load.port
        )
        connections.append(connection)
    await asyncio.wait_for(
        asyncio.gather(*(connection.over for connection in connections)), load.seconds + 90
    )
    return Answered(
        statuses={str(status): number for status, number in statuses.items()},
        milliseconds=[round(value, 3) for value in times],
        wall_seconds=time.perf_counter() - began,
        own_cpu_seconds=_cpu_seconds() - started,
        longest_silence_seconds=silence[0],
        last_cents=bids.highest if load.artworks else 0,
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Read the load, run it, write what came of it."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(asyncio.run(_run(Load(**given)))), sys.stdout)


if __name__ == "__main__":
    main()
