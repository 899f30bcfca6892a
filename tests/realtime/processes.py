"""Real processes that share live updates, and clients that listen to them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import socketio
import socketio.exceptions

from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn
from tests.databases import ROOT, environment
from tests.waiting import until

# A process that states facts and holds no socket, as the worker does.
SPEAKER = """
import json, sys
from datetime import datetime, UTC
from app import create_app
from app.core import events
from app.core.transaction import transaction
app = create_app()
print("ready", flush=True)
for line in sys.stdin:
    kind, given = json.loads(line)
    given = {
        name: datetime.fromisoformat(value) if name.endswith("_at") else value
        for name, value in given.items()
    }
    with app.app_context(), transaction() as session:
        events.record(session, getattr(events, kind)(**given))
    print("said", flush=True)
"""


@dataclass
class WebProcess:
    """A Gunicorn with the product in it."""

    url: str
    process: subprocess.Popen[bytes]


THREADS = "deploy/gunicorn.conf.py"
GREENLETS = "deploy/gunicorn-live.conf.py"


@contextlib.contextmanager
def web_process(
    program: str = "wsgi:app",
    config: str = THREADS,
    log: Path = Path(os.devnull),
    **settings: str,
) -> Iterator[WebProcess]:
    """Start one and wait until it answers; `log` gets what it writes."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with log.open("wb") as written:
        process = spawn(
            [sys.executable, "-m", "gunicorn", "-c", config, program],
            cwd=ROOT,
            env=environment(
                **{"PUBLIC_URL": "https://bids.example.com", **settings, "PORT": str(port)}
            ),
            stdout=written,
            stderr=written,
        )
        try:
            until(lambda: _answers(url) or process.poll() is not None, 90, log.read_text)
            assert process.poll() is None, "it ended"
            yield WebProcess(url, process)
        finally:
            end(process)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@dataclass
class Speaker:
    """The process that states facts."""

    process: subprocess.Popen[str]

    def say(self, kind: str, **given: Any) -> None:
        """State one; returns once its listeners are done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([kind, given]) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "said\n"


@contextlib.contextmanager
def speaker(**settings: str) -> Iterator[Speaker]:
    """Start one and wait until it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", SPEAKER],
        cwd=ROOT,
        env=environment(**{"PUBLIC_URL": "https://bids.example.com", **settings}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Speaker(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


class Refused(Exception):
    """The server did not let us connect; the text says why."""


@dataclass
class Ear:
    """One Socket.IO client, and what it heard."""

    client: socketio.Client
    heard: list[tuple[str, Any]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def watch(self, artwork_id: Any) -> Any:
        """Ask to watch; returns the server's answer."""
        return self.client.call("watch", {"artwork_id": artwork_id}, timeout=10)

    def hears(self, *names: str, seconds: float = 30) -> list[tuple[str, Any]]:
        """Wait for as many messages; they must be these, in this order."""
        until(lambda: len(self.heard) >= len(names), seconds, lambda: f"heard {self.heard}")
        assert [name for name, _ in self.heard] == list(names)
        heard = list(self.heard)
        self.heard.clear()
        return heard


@contextlib.contextmanager
def ear(url: str, auth: Any = None, headers: dict[str, str] | None = None) -> Iterator[Ear]:
    """Connect; raises Refused with the server's reason."""
    client = socketio.Client(reconnection=False, handle_sigint=False)
    listener = Ear(client)
    client.on("*", lambda name, payload: listener.heard.append((name, payload)))
    client.on("disconnect", lambda _reason: listener.gone.set())
    reasons: list[Any] = []
    client.on("connect_error", reasons.append)
    try:
        try:
            client.connect(
                url, auth=auth, headers=headers or {}, transports=["websocket"], wait_timeout=10
            )
        except socketio.exceptions.ConnectionError as failure:
            raise Refused(str(reasons or failure)) from failure
        yield listener
    finally:
        client.shutdown()
        client.eio.disconnect(abort=True)
        # The library leaves the socket open when it was the server who closed.
        if client.eio.ws is not None:
            client.eio.ws.shutdown()


def handshake_status(url: str, origin: str | None) -> int:
    """The HTTP status that a websocket handshake from a page of `origin` gets."""
    headers = [] if origin is None else [f"Origin: {origin}"]
    with held_socket(url, "127.0.0.1", *headers) as status:
        return status


@contextlib.contextmanager
def held_socket(url: str, address: str = "127.0.0.1", *headers: str) -> Iterator[int]:
    """A websocket from `address` that is opened and says nothing; its handshake's status."""
    host, port = url.removeprefix("http://").split(":")
    lines = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        *headers,
    ]
    with socket.create_connection((host, int(port)), 10, (address, 0)) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        yield int(wire.recv(4096).split()[1])
