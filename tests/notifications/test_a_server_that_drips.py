"""A mail server that always says a little more, and never enough."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app.notifications import service, smtp
from app.notifications.states import EmailStatus
from tests.notifications.conftest import Outbox

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PATIENCE = 0.6
# How long the server drips, unless the other side leaves.
DRIPS_SECONDS = 6.0


class Dripper:
    """Answers in order until `stage`, and from then on a byte at a time."""

    def __init__(self, stage: bytes, drop: bytes) -> None:
        self._stage, self._drop = stage, drop
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        wire, _ = self._listening.accept()
        with wire, wire.makefile("rb") as said:
            try:
                if self._stage:
                    wire.sendall(b"220 here\r\n")
                writing = False
                for line in said if self._stage else ():
                    if line.startswith(self._stage):
                        break
                    if not writing:
                        writing = line.lower().startswith(b"data")
                        wire.sendall(b"354 go on\r\n" if writing else b"250 OK\r\n")
                ends_at = time.monotonic() + DRIPS_SECONDS
                while time.monotonic() < ends_at:
                    wire.sendall(self._drop)
                    time.sleep(0.05)
            except OSError:
                return

    def stop(self) -> None:
        """Nobody drips any more."""
        self._thread.join(2 * DRIPS_SECONDS)
        self._listening.close()


@pytest.fixture(
    params=[
        pytest.param((b"", b"2"), id="in its greeting"),
        pytest.param((b"mail", b"250-and another thing\r\n"), id="in lines without end"),
        pytest.param((b".\r\n", b"2"), id="in its last word"),
        pytest.param((b"", b"\x16\x03\x03\x40\x00"), id="in a handshake"),
    ]
)
def dripper(request: pytest.FixtureRequest) -> Iterator[Dripper]:
    dripper = Dripper(*request.param)
    yield dripper
    dripper.stop()


@pytest.fixture
def settings_given(dripper: Dripper, request: pytest.FixtureRequest) -> dict[str, Any]:
    return {
        "mail_port": dripper.port,
        "mail_use_tls": "handshake" in request.node.name,
        "public_url": "https://bids.example.com",
    }


def test_it_is_given_up_on_when_the_time_is_over(
    outbox: Outbox,
    dripper: Dripper,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", PATIENCE)
    if "handshake" in request.node.name:
        monkeypatch.setattr(smtp, "TLS_PORT", dripper.port)
    outbox.happen(outbox.expired())
    began = time.monotonic()
    with outbox.app.app_context():
        assert not service.deliver_email(outbox.row().id)
    assert PATIENCE / 2 < time.monotonic() - began < DRIPS_SECONDS / 2
    assert outbox.row().status == EmailStatus.PENDING
    assert outbox.row().attempts == 1
