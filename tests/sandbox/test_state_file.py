"""The process: its command line, its end, and what a restart remembers."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.sandbox_process import (
    ROOT,
    SECRET,
    Receiver,
    Sandbox,
    flat_params,
    session_params,
)
from tests.waiting import until

CREATE = "/v1/checkout/sessions"


@pytest.mark.parametrize("kill", [False, True])
def test_a_restart_forgets_nothing(tmp_path: Path, kill: bool) -> None:
    receiver = Receiver()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        deaf = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        options = ("--state", str(tmp_path / "state.db"), "--webhook-secret", SECRET)
        before = Sandbox(*options, "--webhook-url", deaf)
        params: Any = session_params()
        paid = before.stripe().v1.checkout.sessions.create(params)
        before.pay(paid.id)
        kept = before.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
        before.fault("list", "status", status=502)
        before.control("POST", "/clock", {"offset_seconds": 30})
        until(lambda: all(event["attempts"] for event in before.control("GET", "/events")))
        remembered = before.ledger()
        status = before.stop(kill=kill)
    assert (status == 0) is not kill

    after = Sandbox(*options, "--webhook-url", receiver.url)
    try:
        assert after.ledger() == remembered
        until(lambda: receiver.of(paid.id))
        again = after.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.content == kept.content
        assert after.raw("GET", CREATE).status_code == 502
        open_session = kept.json()["id"]
        assert after.pay(open_session)["payment_status"] == "paid"
    finally:
        assert after.stop() == 0
        receiver.close()


def test_without_a_state_file_nothing_is_left_behind(tmp_path: Path) -> None:
    first = Sandbox()
    first.raw("POST", CREATE, flat_params())
    first.stop()
    second = Sandbox()
    assert second.ledger()["sessions"] == []
    second.stop()


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "99999"],
        ["--port", "many"],
        ["--webhook-url", "http://127.0.0.1:9/"],
        ["--webhook-url", "ftp://x", "--webhook-secret", "whsec_x"],
        ["--colour", "red"],
    ],
)
def test_a_wrong_command_line_is_told_and_exits_2(options: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2
    assert "error:" in ended.stderr


def test_it_stops_within_a_moment_although_requests_wait_at_a_barrier() -> None:
    sandbox = Sandbox()
    gate = {"name": "g", "operation": "list", "when": "before"}
    sandbox.control("POST", "/barriers", gate, 201)
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))) as waiting:
        waiting.sendall(
            b"GET /v1/checkout/sessions HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer sk_test_x\r\n\r\n"
        )
        until(lambda: sandbox.control("GET", "/barriers")[0]["waiting"] == 1)
        assert sandbox.stop() == 0
