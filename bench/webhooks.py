"""Stripe's `checkout.session.completed`, signed, each for another payment: how many, how soon.

    python -m bench.webhooks [--database postgresql] [--sales 200] [--rounds 5] [--no-browser]

- how many a second two web processes settle, and their CPU for each, against the same statements
  of a settlement sent by the database's driver alone
- how long after a webhook was sent it was answered; the artwork was SOLD for whoever asked; a
  socket was told; and a page in Chromium said "Sold" (where Chromium is installed)
"""

import argparse
import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import socketio
from flask import Flask
from playwright.sync_api import Page, sync_playwright

from bench import load, raw_sales
from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.live import Model, served
from bench.people import product
from bench.sales import Wins, requests_of, signed
from bench.stage import DATABASES, Stage, machine, raised

_CORES = 2
_CLIENTS = 8
_FOLLOWED = 60
_APART_SECONDS = 0.1
_SEEN_IN_BROWSER = 10
_PATIENCE_SECONDS = 20
DELAY_GOAL_MS, CPU_GOAL_MS, RATE_GOAL = 500, 12.4, 59
RATE_HEADS = (
    "database", "clients", "webhooks/s", "without generator", "statements alone/s", "ratio",
    "CPU ms/webhook", "database ms", "p50 ms", "p95 ms", "alone p95", "failed",
)  # fmt: skip
DELAY_HEADS = ("database", "from the webhook until", "times", "p50 ms", "p95 ms", "longest ms")
_STEPS = {
    "answered": "it was answered",
    "sold": "the artwork was SOLD for whoever asked",
    "told": "a socket was told",
    "shown": "a page in Chromium said so",
}
# In the page: when the chip first says it, on the clock that Python's time.time() reads.
_LOOK = """() => {
  const look = () => {
    // Whichever is there: the page may just be fetching that part of itself anew.
    const chip = document.querySelector("[data-live=status]");
    if (!window.soldAt && chip?.textContent.trim() === "Sold") window.soldAt = Date.now() / 1000;
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true,
    characterData: true});
}"""


@dataclass(frozen=True)
class Rate:
    """One interleaved pair of measurements."""

    rate: float
    rate_without_generator: float
    cpu_milliseconds: float
    database_cpu_milliseconds: float
    p50: float
    p95: float
    failed: float
    raw_rate: float
    raw_p95: float


class Bench:
    """A stage with wins that await their payment."""

    def __init__(self, stage: Stage, app: Flask) -> None:
        self._stage = stage
        self._wins = Wins()
        client = app.test_client()
        first, second = self._wins.add(2)

        def settle(number: int) -> None:
            body = self._wins.event(number)
            answer = client.post(
                "/api/payments/webhook", data=body, headers={"Stripe-Signature": signed(body)}
            )
            if answer.status_code != 200:
                raise RuntimeError(f"a webhook was answered {answer.status_code}")

        settle(first)
        self._recorded = raw_sales.record(lambda: settle(second))
        self._recorded_number = second

    @property
    def statements(self) -> int:
        """How many statements a settlement takes."""
        return len(self._recorded)

    def rate(self, sales: int) -> Rate:
        """So many through the product, and so many by their statements alone."""
        bodies = [self._wins.event(number) for number in self._wins.add(sales)]
        before = self._stage.cpu_seconds()
        answered = load.generate(
            load.Load(
                host="127.0.0.1",
                port=self._stage.port,
                connections=_CLIENTS,
                seconds=90,
                requests=requests_of(bodies),
                once=True,
            )
        )
        after = self._stage.cpu_seconds()
        alone = raw_sales.run(
            raw_sales.Replay(
                address=self._stage.environment["DATABASE_URL"],
                statements=self._recorded,
                recorded_number=self._recorded_number,
                numbers=self._wins.add(sales),
                connections=_CLIENTS,
            )
        )
        done = answered.of(200)
        return Rate(
            rate=done / answered.wall_seconds,
            rate_without_generator=done
            / (answered.wall_seconds - answered.own_cpu_seconds / _CORES),
            cpu_milliseconds=(after["web"] - before["web"]) * 1000 / sales,
            database_cpu_milliseconds=(after.get("database", 0) - before.get("database", 0))
            * 1000
            / sales,
            p50=percentile(answered.milliseconds, 0.5),
            p95=percentile(answered.milliseconds, 0.95),
            failed=sales - done,
            raw_rate=len(alone.milliseconds) / alone.wall_seconds,
            raw_p95=percentile(alone.milliseconds, 0.95),
        )

    def delays(self, model: Model, count: int) -> dict[str, list[float]]:
        """For so many sales, one after another, the milliseconds until each step."""
        numbers = self._wins.add(count)
        found: dict[str, list[float]] = {"answered": [], "sold": [], "told": []}
        with _ear(model, numbers) as told, requests.Session() as http:
            sent = {}
            for number in numbers:
                sent[number] = self._send(http, number)
                found["answered"].append((time.monotonic() - sent[number]) * 1000)
                self._see_sold(http, number)
                found["sold"].append((time.monotonic() - sent[number]) * 1000)
                time.sleep(_APART_SECONDS)
            until = time.monotonic() + _PATIENCE_SECONDS
            while len(told) < count and time.monotonic() < until:
                time.sleep(0.05)
            found["told"] = [
                (told.get(number, float("inf")) - sent[number]) * 1000 for number in numbers
            ]
        return found

    def shown(self, page: Page, count: int) -> list[float]:
        """For so many sales the milliseconds until a page in a browser says so."""
        found = []
        with requests.Session() as http:
            for number in self._wins.add(count):
                page.goto(f"{self._stage.url}/artworks/{number}")
                page.wait_for_selector("[data-live-badge][data-state=live]")
                page.evaluate(_LOOK)
                apart = time.time() - time.monotonic()
                sent = self._send(http, number)
                page.wait_for_function("() => window.soldAt")
                found.append((page.evaluate("window.soldAt") - apart - sent) * 1000)
        return found

    def _send(self, http: requests.Session, number: int) -> float:
        body = self._wins.event(number)
        headers = {"Stripe-Signature": signed(body), "Content-Type": "application/json"}
        began = time.monotonic()
        http.post(
            f"{self._stage.url}/api/payments/webhook", body, headers=headers, timeout=30
        ).raise_for_status()
        return began

    def _see_sold(self, http: requests.Session, number: int) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            answer = http.get(f"{self._stage.url}/api/artworks/{number}", timeout=30).json()
            if answer["status"] == "SOLD":
                return
        raise RuntimeError(f"artwork {number} was not sold")


@contextlib.contextmanager
def _ear(model: Model, artworks: list[int]) -> Iterator[dict[int, float]]:
    """When a socket that watches these artworks was told that each is sold."""
    told: dict[int, float] = {}
    lock = threading.Lock()
    client = socketio.Client(reconnection=False, handle_sigint=False)

    def hear(payload: dict[str, int]) -> None:
        with lock:
            told[payload["artwork_id"]] = time.monotonic()

    client.on("payment_completed", hear)
    client.connect(
        f"http://127.0.0.1:{model.sockets_port}", transports=["websocket"], wait_timeout=30
    )
    try:
        for artwork_id in artworks:
            answer = client.call("watch", {"artwork_id": artwork_id}, timeout=30)
            if not answer["ok"]:
                raise RuntimeError(answer["error"])
        yield told
    finally:
        client.shutdown()


def measure(
    database: str, sales: int, rounds: int, browser: bool
) -> tuple[list[Rate], dict[str, list[float]], int]:
    """Interleaved rounds of settlements and delays, and how many statements a settlement takes."""
    with raised(database) as stage, product(stage) as app:
        bench = Bench(stage, app)
        rates, delays = [], {name: list[float]() for name in _STEPS}
        bench.rate(sales // 4)
        with served(stage, "greenlets") as live:
            for number in range(1, rounds + 1):
                rates.append(bench.rate(sales))
                for name, times in bench.delays(live, _FOLLOWED).items():
                    delays[name] += times
                print(f"round {number}:", *_rate_line(database, rates[-1:]), flush=True)
        if browser:
            delays["shown"] = _in_a_browser(bench, rounds * _SEEN_IN_BROWSER)
        return rates, delays, bench.statements


def _in_a_browser(bench: Bench, count: int) -> list[float]:
    chromium = shutil.which("chromium")
    if chromium is None:
        return []
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=chromium).new_page()
        page.set_default_timeout(60_000)
        found = bench.shown(page, count)
        page.context.browser.close() if page.context.browser else None
        return found


def _rate_line(database: str, found: list[Rate]) -> list[str]:
    def middle(name: str) -> float:
        return median(getattr(each, name) for each in found)

    ratio = median(each.rate_without_generator / each.raw_rate for each in found)
    return [
        database,
        str(_CLIENTS),
        f"{middle('rate'):.0f}",
        f"{middle('rate_without_generator'):.0f}",
        f"{middle('raw_rate'):.0f}",
        f"{ratio:.0%}",
        f"{middle('cpu_milliseconds'):.2f}",
        f"{middle('database_cpu_milliseconds'):.2f}",
        f"{middle('p50'):.1f}",
        f"{middle('p95'):.1f}",
        f"{middle('raw_p95'):.1f}",
        f"{max(each.failed for each in found):.0f}",
    ]


def _delay_lines(database: str, delays: dict[str, list[float]]) -> list[list[str]]:
    return [
        [
            database,
            _STEPS[name],
            str(len(times)),
            f"{percentile(times, 0.5):.0f}",
            f"{percentile(times, 0.95):.0f}",
            f"{max(times):.0f}",
        ]
        for name, times in delays.items()
        if times
    ]


def report(
    rounds: int = 5,
    databases: tuple[str, ...] = DATABASES,
    sales: int = 200,
    browser: bool = True,
) -> Section:
    """What was measured, as a section of the report."""
    rates, delays, goals, notes = [], [], [], []
    for database in databases:
        found, times, statements = measure(database, sales, rounds, browser)
        rates.append(_rate_line(database, found))
        delays += _delay_lines(database, times)
        slowest = max(percentile(each, 0.95) for each in times.values() if each)
        cpu = median(each.cpu_milliseconds for each in found)
        rate = median(each.rate_without_generator for each in found)
        failed = sum(each.failed for each in found)
        goals += [
            Goal(f"webhook, SOLD, live event ({database})",
                 f"p95 of every step ≤ {DELAY_GOAL_MS} ms",
                 f"{slowest:.0f} ms ({', '.join(name for name, each in times.items() if each)})",
                 slowest <= DELAY_GOAL_MS),
            Goal(f"CPU per webhook ({database})",
                 f"below the closest existing system's {CPU_GOAL_MS} ms", f"{cpu:.2f} ms",
                 cpu < CPU_GOAL_MS),
            Goal(f"webhooks a second, two processes ({database})",
                 f"above twice the closest existing system's {RATE_GOAL} a process, and none fails",
                 f"{rate:.0f}/s, {failed:.0f} failed", rate > 2 * RATE_GOAL and not failed),
        ]  # fmt: skip
        notes.append(
            f"A settlement takes {statements} statements on {database}: the event's log, the "
            "payment, the artwork, two audit lines and two mails owed are written in one "
            "transaction, and answered only when that is durable."
        )
    return Section(
        title="Webhooks",
        about=(
            "Signed `checkout.session.completed` events, each for another payment that was seeded "
            f"into the database, from {_CLIENTS} connections to two web processes; against the "
            "statements recorded from one settlement and sent by the driver alone (two processes, "
            "as many connections). Then one sale after another: how long until each step was seen "
            "from outside, over a socket of the live process and in Chromium; percentiles of the "
            "sales of all rounds."
        ),
        tables=(Table(RATE_HEADS, rates), Table(DELAY_HEADS, delays)),
        goals=goals,
        notes="\n\n".join(notes),
    )


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.webhooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--sales", type=int, default=200, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-browser", action="store_true")
    given = parser.parse_args()
    databases = DATABASES if given.database == "both" else (given.database,)
    told = report(given.rounds, databases, given.sales, not given.no_browser)
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
