"""One sandbox process for all tests here, emptied before each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.sandbox_process import SECRET, Receiver, Sandbox, session_params

# A developer's machine may have no browser; in CI its absence fails the run.
_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
collect_ignore = [] if _BROWSER or os.environ.get("CI") else ["test_pages_in_browser.py"]


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Sandbox, Receiver]]:
    """One sandbox process and its receiver for all tests."""
    receiver = Receiver()
    sandbox = Sandbox("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    yield sandbox, receiver
    assert sandbox.stop() == 0
    receiver.close()


@pytest.fixture
def sandbox(running: tuple[Sandbox, Receiver]) -> Iterator[Sandbox]:
    """The sandbox with nothing in it."""
    sandbox, receiver = running
    sandbox.control("POST", "/reset", status=204)
    receiver.clear()
    yield sandbox
    sandbox.control("POST", "/reset", status=204)


@pytest.fixture
def receiver(running: tuple[Sandbox, Receiver], sandbox: Sandbox) -> Receiver:
    """The webhook's receiver, empty."""
    return running[1]


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    """Stripe's library without retries."""
    return sandbox.stripe()


@pytest.fixture
def session(client: stripe.StripeClient) -> Any:
    """An open Checkout Session."""
    return client.v1.checkout.sessions.create(session_params())  # type: ignore[arg-type]
