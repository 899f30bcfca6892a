"""The example is run as somebody who reads it would run it, and its buyer pays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.payments.models import Payment
from tests.databases import environment
from tests.payments.conftest import market as market
from tests.payments.market import SECRET, WEBHOOK, Market, listening
from tests.sandbox.sandbox_process import Sandbox

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sell_and_buy.py"


@pytest.fixture
def database() -> str:
    """The example sees nothing of the database."""
    return "sqlite"


@pytest.fixture
def settings_given(_stripe_sandbox: Sandbox) -> dict[str, Any]:
    """The application asks the sandbox."""
    return {"stripe_api_base": _stripe_sandbox.url}


@contextmanager
def started(url: str) -> Iterator[subprocess.Popen[str]]:
    """The example, against the product at this address; ended with the test."""
    command = [sys.executable, "-W", "error", str(EXAMPLE), "--url", url]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def until_it_asks_to_be_paid(process: subprocess.Popen[str]) -> list[str]:
    """What it printed, up to the address of the payment."""
    assert process.stdout is not None
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line.strip())
        if line.startswith("Pay until"):
            return printed
    raise AssertionError("\n".join(printed))


def rest(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and the last line that it prints."""
    said, _ = process.communicate(timeout=30)
    return process.returncode, said.strip()


def test_it_lists_bids_wins_and_sees_it_sold_once_it_is_paid(market: Market) -> None:
    with listening(market.app) as url, started(url) as example:
        market.sandbox.control(
            "PUT", "/webhooks", {"mode": "deliver", "url": url + WEBHOOK, "secret": SECRET}
        )
        listed, lost, won, asked = until_it_asks_to_be_paid(example)
        assert listed.startswith(f"Listed: {url}/artworks/")
        assert (lost, won) == ("Bid 50.00: not this time", "Bid 120.00: it wins")
        session = market.only_session()
        assert asked.endswith(session["url"])
        market.sandbox.pay(session["id"])
        assert rest(example) == (0, "SOLD for 120.00")


def test_it_says_so_when_nobody_pays(market: Market) -> None:
    with listening(market.app) as url, started(url) as example:
        until_it_asks_to_be_paid(example)
        [payment] = market.rows(Payment)
        market.pass_deadline(payment.id)
        market.sweep()
        status, said = rest(example)
    assert (status, said) == (1, "Not paid in time: CANCELED. The artwork is ACTIVE.")
