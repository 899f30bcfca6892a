"""Requests at a steady rate, whether or not the server keeps up, from a process of its own.

Reads one JSON object (`Paced`) from standard input and writes a list of `Asked`. The time
of a page counts from the moment at which it was due: a server that stalls cannot hide it. What is
not answered some time after the last was due has failed.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 20
# What comes of a server that is away, too slow, or answers what is no HTTP.
_WRONG = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, ValueError)


@dataclass(frozen=True)
class Paced:
    """Bids on one artwork, each a cent higher than the last, and pages: so many a second of each.

    `bidders` and `pages` are heads of HTTP requests without their last empty line, used in turn.
    """

    host: str
    port: int
    seconds: float
    bids_per_second: float
    bidders: list[str]
    artwork_id: int
    first_cents: int
    pages_per_second: float
    pages: list[str]
    # Few, so that bids arrive in their order: one that is overtaken is refused.
    bid_connections: int = 4
    page_connections: int = 16


@dataclass(frozen=True)
class Asked:
    """One request: when it was due, sent and answered (CLOCK_MONOTONIC, seconds).

    `cents` is a bid's amount, 0 for a page; `status` is 0 if there was no answer.
    """

    cents: int
    due_at: float
    sent_at: float
    answered_at: float
    status: int

    @property
    def milliseconds(self) -> float:
        """From when it was due until it was answered."""
        return (self.answered_at - self.due_at) * 1000


def start(paced: Paced) -> subprocess.Popen[str]:
    """Begin to ask; `finish` waits for the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.paced"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(paced)))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> list[Asked]:
    """Every request with its answer."""
    with process:
        said, wrong = process.communicate()
    if process.returncode:
        raise RuntimeError(wrong[-2000:])
    return [Asked(**each) for each in json.loads(said)]


def _bids(paced: Paced) -> Iterator[tuple[int, bytes]]:
    for cents, head in enumerate(cycle(paced.bidders), paced.first_cents):
        amount = f"{cents // 100}.{cents % 100:02d}"
        body = f'{{"artwork_id": {paced.artwork_id}, "amount": "{amount}"}}'
        yield cents, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _pages(paced: Paced) -> Iterator[tuple[int, bytes]]:
    for head in cycle(paced.pages):
        yield 0, f"{head}\r\n".encode()


async def _run(paced: Paced) -> list[Asked]:
    asked: list[Asked] = []
    began = time.monotonic()
    until = asyncio.get_running_loop().time() + paced.seconds + _PATIENCE_SECONDS

    async def feed(
        requests: Iterator[tuple[int, bytes]], per_second: float, connections: int
    ) -> None:
        waiting: asyncio.Queue[tuple[float, int, bytes] | None] = asyncio.Queue()
        crew = [asyncio.create_task(ask(waiting)) for _ in range(connections)]
        for number in range(int(paced.seconds * per_second)):
            due_at = began + number / per_second
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            waiting.put_nowait((due_at, *next(requests)))
        for _ in crew:
            waiting.put_nowait(None)
        await asyncio.gather(*crew)

    async def ask(waiting: asyncio.Queue[tuple[float, int, bytes] | None]) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while (item := await waiting.get()) is not None:
            due_at, cents, request = item
            sent_at, status, stays = time.monotonic(), 0, False
            with contextlib.suppress(*_WRONG):
                async with asyncio.timeout_at(until):
                    if connection is None:
                        connection = await asyncio.open_connection(paced.host, paced.port)
                        sent_at = time.monotonic()
                    reader, writer = connection
                    writer.write(request)
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
                    await reader.readexactly(length)
                    status, stays = int(head[9:12]), b"connection: close" not in head
            asked.append(Asked(cents, due_at, sent_at, time.monotonic(), status))
            if connection and not stays:
                connection[1].close()
                connection = None
        if connection:
            connection[1].close()

    await asyncio.gather(
        feed(_bids(paced), paced.bids_per_second, paced.bid_connections),
        feed(_pages(paced), paced.pages_per_second, paced.page_connections),
    )
    return asked


def main() -> None:
    """Read what to ask, ask, and write what was answered."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump([asdict(each) for each in asyncio.run(_run(Paced(**given)))], sys.stdout)


if __name__ == "__main__":
    main()
