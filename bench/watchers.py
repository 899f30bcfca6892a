"""People who watch one artwork: plain Socket.IO clients over websocket, in a process of their own.

Reads one JSON object (`Watching`) on a line from standard input, says on a line when all watch,
and writes what each heard (`Heard`) once a second line comes. The wire:
https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/
"""

import asyncio
import base64
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_AT_ONCE = 50
_PATIENCE_SECONDS = 60
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


@dataclass(frozen=True)
class Watching:
    """Who watches what: so many sockets, never more than `per_address` from one loopback address.

    With `bare`, nothing of Socket.IO is spoken: the server sends events from the handshake on.
    """

    host: str
    port: int
    watchers: int
    per_address: int
    artwork_id: int
    bare: bool = False


@dataclass(frozen=True)
class Heard:
    """For each watcher what it was told: moments (CLOCK_MONOTONIC, seconds) and amounts (cents)."""

    news: list[list[tuple[float, int]]]
    lost: int


class _Refused(Exception):
    """A watcher could not watch; says why."""


@functools.lru_cache
def _cents(packet: str) -> int:
    told = json.loads(packet[2:])[1]
    return int(told["current_highest_bid"].replace(".", ""))


class _Watcher(asyncio.Protocol):
    """One websocket. Frames from a server are never masked; ours always are (RFC 6455, 5.1)."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._buffer = bytearray()
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.news: list[tuple[float, int]] = []
        self.lost = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: {self._watching.host}:{self._watching.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            # As browsers do.
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.split(b"\r\n", 1)[0].decode())
                return
            if b"permessage-deflate" in head.lower():
                self._fail("it compresses, which this watcher does not read")
                return
            self._open = True
            self._buffer[:] = rest
            if self._watching.bare:
                self._be_ready()
        for kind, payload in self._frames():
            if kind == _TEXT:
                self._packet(payload.decode())
            elif kind == _PING:
                self._send(payload, _PONG)
            elif kind == _CLOSE and self._transport:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._fail("the connection was lost")

    def close(self) -> None:
        """Go away without a word, as a browser that is closed does."""
        if self._transport:
            self._transport.abort()

    def _fail(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(_Refused(f"a watcher was refused: {reason}"))

    def _be_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        buffer = self._buffer
        while len(buffer) >= 2:
            size, at = buffer[1] & 0x7F, 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, at = int.from_bytes(buffer[2 : 2 + wide], "big"), 2 + wide
            if len(buffer) < at + size:
                return
            kind, payload = buffer[0] & 0x0F, bytes(buffer[at : at + size])
            del buffer[: at + size]
            yield kind, payload

    def _send(self, payload: bytes, kind: int = _TEXT) -> None:
        assert self._transport is not None
        assert len(payload) < 126
        # A mask of zeros leaves the payload as it is.
        self._transport.write(bytes([0x80 | kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def _packet(self, packet: str) -> None:
        if packet.startswith('42["new_bid"'):
            self.news.append((time.monotonic(), _cents(packet)))
        elif packet == "2":
            self._send(b"3")
        elif packet.startswith("0{"):
            self._send(b"40")
        elif packet.startswith("40"):
            self._send(f'420["watch",{{"artwork_id":{self._watching.artwork_id}}}]'.encode())
        elif packet.startswith("430"):
            if '"ok":true' in packet.replace(" ", ""):
                self._be_ready()
            else:
                self._fail(packet)


async def _watch(watching: Watching) -> Heard:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def begin(number: int) -> _Watcher:
        address = f"127.0.1.{1 + number // watching.per_address}"
        async with gate:
            _, watcher = await loop.create_connection(
                lambda: _Watcher(watching),
                watching.host,
                watching.port,
                local_addr=(address, 0),
            )
            await asyncio.wait_for(watcher.ready, _PATIENCE_SECONDS)
            return watcher

    began = time.monotonic()
    try:
        watchers = await asyncio.gather(*(begin(number) for number in range(watching.watchers)))
    except (OSError, _Refused) as problem:
        print(json.dumps(str(problem) or "it took too long"), flush=True)
        return Heard(news=[], lost=watching.watchers)
    print(json.dumps(time.monotonic() - began), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()
    heard = Heard(
        news=[watcher.news for watcher in watchers],
        lost=sum(watcher.lost for watcher in watchers),
    )
    for watcher in watchers:
        watcher.close()
    return heard


class NotConnected(RuntimeError):
    """Not all watchers could connect; says what happened to one that could not."""


class Crowd:
    """A running process of watchers; `connected_seconds` is how long it took until all watched."""

    def __init__(self, process: subprocess.Popen[str], connected_seconds: float) -> None:
        self._process = process
        self.connected_seconds = connected_seconds

    def heard(self) -> Heard:
        """End it, and ask what everybody was told."""
        said, _ = self._process.communicate("\n", timeout=_PATIENCE_SECONDS)
        given: dict[str, Any] = json.loads(said)
        return Heard(**given)


@contextlib.contextmanager
def crowd(watching: Watching) -> Iterator[Crowd]:
    """Watchers in a process of their own, all of them connected; raises NotConnected if not."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.watchers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdin.write(json.dumps(asdict(watching)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(process.stderr.read()[-2000:])
            connected = json.loads(line)
            if isinstance(connected, str):
                raise NotConnected(connected)
            yield Crowd(process, connected)
        finally:
            if process.poll() is None:
                process.kill()


def main() -> None:
    """Read who watches what, watch, and write what was heard."""
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    json.dump(asdict(asyncio.run(_watch(Watching(**given)))), sys.stdout)


if __name__ == "__main__":
    main()
