"""How fast a sale is finalised, and how soon an unpaid artwork is open again.

    python -m bench.settlement [--sales 100] [--expiries 40]

Everything runs as in `make run`; the database is SQLite unless DATABASE_URL names another. Stripe
(the sandbox) takes 100 ms for every answer.

- `sale`: from the moment Stripe's webhook is sent until it is answered 200, which is not before the
  sale is durable. Goal: 95 of 100 within 250 ms.
- `reopened`: from the buyer's deadline until everybody sees the artwork open again. Goal: 95 of 100
  within 2 s.
- `reopened-together`: the same, of payments whose deadlines come all within a second.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.running import Product, running
from bench.stage import machine

WINDOW_SECONDS = 10
STRIPE_SECONDS = 0.1
_GOALS_MS = {"sale": 250, "reopened": 2_000, "reopened-together": 2_000}
_CARD = "4242424242424242"
_TOGETHER = 10


def sales(product: Product, count: int) -> list[float]:
    """Milliseconds from each webhook's arrival to its answer."""
    seller, buyer = product.sign_up("SELLER"), product.sign_up("BUYER")
    sessions: set[str] = set()
    for _ in range(count):
        won = _win(product, seller, buyer)
        asked = {"bid_id": won["id"]}
        session = product.call("POST", "/payments/checkout-session", asked, buyer)["session_id"]
        product.control("POST", f"/sessions/{session}/pay", {"card": _CARD})
        sessions.add(session)
        _until_status(product, won["artwork_id"], "SOLD")
    return _answered(product, sessions)


def _answered(product: Product, sessions: set[str]) -> list[float]:
    # A sale is seen before the answer to its webhook has been written down at Stripe.
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        attempts = [
            event["attempts"]
            for event in product.control("GET", "/events")
            if event["type"] == "checkout.session.completed"
            and event["data"]["object"]["id"] in sessions
        ]
        if all(attempts):
            break
        time.sleep(0.1)
    wrong = [tried for tried in attempts if [each["status"] for each in tried] != [200]]
    if wrong:
        raise RuntimeError(f"webhooks that were not answered 200 at once: {wrong}")
    return [float(tried[0]["ms"]) for tried in attempts]


def expiries(product: Product, count: int, apart_seconds: float) -> list[float]:
    """Milliseconds from each deadline to the moment at which the artwork is seen open."""
    seller = product.sign_up("SELLER")
    deadlines: dict[int, datetime] = {}
    took: list[float] = []
    artworks = [product.list_artwork(seller) for _ in range(count)]
    buyers = [product.sign_up("BUYER") for _ in range(count)]
    due_to_bid = time.monotonic()
    ends_at = due_to_bid + count * apart_seconds + WINDOW_SECONDS + 120
    while len(took) < count and time.monotonic() < ends_at:
        if artworks and time.monotonic() >= due_to_bid:
            due_to_bid += apart_seconds
            won = _bid(product, artworks.pop(), buyers.pop())
            deadlines[won["artwork_id"]] = datetime.fromisoformat(won["payment"]["expires_at"])
        for artwork_id, deadline in list(deadlines.items()):
            if deadline > datetime.now(UTC):
                continue
            if product.call("GET", f"/artworks/{artwork_id}")["status"] == "ACTIVE":
                took.append((datetime.now(UTC) - deadline).total_seconds() * 1000)
                del deadlines[artwork_id]
        time.sleep(0.01)
    if len(took) < count:
        raise RuntimeError(f"{count - len(took)} artworks were not opened again")
    return took


def _win(product: Product, seller: str, buyer: str) -> dict[str, Any]:
    return _bid(product, product.list_artwork(seller), buyer)


def _bid(product: Product, artwork_id: int, buyer: str) -> dict[str, Any]:
    body = {"artwork_id": artwork_id, "amount": "100.00"}
    return dict(product.call("POST", "/bids", body, buyer))


def _until_status(product: Product, artwork_id: int, status: str) -> None:
    ends_at = time.monotonic() + 60
    while product.call("GET", f"/artworks/{artwork_id}")["status"] != status:
        if time.monotonic() > ends_at:
            raise RuntimeError(f"artwork {artwork_id} did not become {status}")
        time.sleep(0.02)


def measure(sold: int, expired: int) -> tuple[str, dict[str, list[float]]]:
    """The database's kind, and the milliseconds of each operation."""
    with running(PAYMENT_WINDOW_SECONDS=str(WINDOW_SECONDS)) as product:
        slow = {"operation": "*", "kind": "delay", "seconds": STRIPE_SECONDS, "times": None}
        product.control("POST", "/faults", slow)
        found = {}
        work: dict[str, Callable[[], list[float]]] = {
            "sale": lambda: sales(product, sold),
            "reopened": lambda: expiries(product, expired, 0.75),
            "reopened-together": lambda: expiries(product, _TOGETHER, 0.0),
        }
        for name in work:
            found[name] = work[name]()
            print(name, f"p95 {percentile(found[name], 0.95):.0f} ms", flush=True)
        return product.database, found


def section(database: str, found: dict[str, list[float]]) -> Section:
    """What was measured, told against the goals."""
    rows, goals = [], []
    for name, milliseconds in found.items():
        p95 = percentile(milliseconds, 0.95)
        limit = _GOALS_MS[name]
        rows.append(
            (name, len(milliseconds), f"{median(milliseconds):.0f}", f"{p95:.0f}",
             f"{max(milliseconds):.0f}")
        )  # fmt: skip
        goals.append(Goal(f"{name}, p95", f"≤ {limit} ms", f"{p95:.0f} ms", p95 <= limit))
    return Section(
        "A sale finalised, an unpaid artwork open again",
        "From Stripe's webhook to its answer (not before the sale is durable), and from a buyer's"
        " deadline until everybody sees the artwork open again (deadlines 0.75 s apart, then"
        f" {_TOGETHER} within a second). Everything runs as in `make run` on {database}, with a"
        f" Stripe that takes {STRIPE_SECONDS * 1000:.0f} ms for every answer. Each was measured so"
        " often in one run, in no rounds.",
        [Table(("operation", "measured", "median ms", "p95 ms", "longest ms"), rows)],
        goals,
    )


def report(rounds: int = 5) -> Section:
    """For the report of all: 8 sales and 4 deadlines for each round of the others."""
    return section(*measure(8 * rounds, 4 * rounds))


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.settlement",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sales", type=int, default=100)
    parser.add_argument("--expiries", type=int, default=40)
    given = parser.parse_args()
    told = section(*measure(given.sales, given.expiries))
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
