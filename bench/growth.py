"""What everything costs as the product's past grows: bids, pages, lists, figures, the sweep.

    python -m bench.growth [--database postgresql] [--sizes small middle large] [--rounds 5]

Each size is a database of its own, filled by `bench.crowd`: one artwork has a tenth of all bids,
one seller a tenth of all artworks, one buyer a tenth of all bids. Every operation goes through the
application in this process, once on each size in turn. Its cost is CPU: this process's and, for
PostgreSQL, that of the server processes that answer it (schedstat). Rows and buffers are those that
EXPLAIN ANALYZE counts for the statements that ran.
"""

import argparse
import contextlib
import itertools
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from app import create_app
from app.accounts import service as accounts
from app.accounts.states import Role
from app.admin import queries as admin
from app.artworks import service as artworks
from app.bidding import service as bidding
from app.config import read_settings
from app.core import figures
from app.core.extensions import db
from app.core.money import amount_text
from app.core.remembered import Remembered
from app.core.transaction import for_writing
from app.notifications import service as notifications
from app.payments import service as payments
from bench import crowd
from bench.crowd import HOT, Crowd
from bench.figures import Goal, Section, Table, median, rendered
from bench.plans import postgres_plan, recorded
from bench.stage import DATABASES, SECRET, WEBHOOK_SECRET, machine
from dev.loopback import LOOPBACK
from dev.postgres_server import PostgresServer, start_postgres

# Bids and artworks.
SIZES = {"small": (1_000, 1_000), "middle": (100_000, 10_000), "large": (1_000_000, 100_000)}
# A thousand times as many bids: what grows with their logarithm doubles.
FACTOR_GOAL = 2.0
# Below this the factor of an operation tells of noise.
_SMALL_MS = 1.0


@dataclass
class Town:
    """The application on a database with a past, and how to ask it as each kind of person."""

    size: str
    app: Flask
    crowd: Crowd
    server: PostgresServer | None = None
    _amounts: Iterator[int] = field(default_factory=lambda: itertools.count(50_000_000))
    _client: FlaskClient | None = None

    def get(self, path: str, role: Role | None = None) -> None:
        """Ask for a page or an answer of the API; anything but success is an error."""
        answer = self._asking().get(path, headers=self._headers(path, role))
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        answer.close()

    def bid(self, *, higher: bool = True) -> None:
        """Bid on the hot artwork as the buyer; losing, or refused because it is not higher."""
        if higher:
            cents = next(self._amounts)
        else:
            cents = 5_000
            # Refused by the guard, as by a process that has not heard of a higher one.
            self.app.extensions["highest_bids"] = Remembered()
        answer = self._asking().post(
            "/api/bids",
            json={"artwork_id": HOT, "amount": amount_text(cents)},
            headers=self._headers("/api", Role.BUYER),
        )
        if answer.status_code != (201 if higher else 409):
            raise RuntimeError(f"the bid was answered {answer.status_code}: {answer.text}")

    def inside(self, work: Callable[[], Any]) -> None:
        """Do something as the worker does it, with no request around it."""
        with self.app.app_context():
            work()
            db.session.remove()

    def _asking(self) -> FlaskClient:
        if self._client is None:
            self._client = self.app.test_client(use_cookies=False)
        return self._client

    def _headers(self, path: str, role: Role | None) -> dict[str, str]:
        if role is None:
            return {}
        if path.startswith("/api"):
            return {"Authorization": f"Bearer {self.crowd.api_tokens[role]}"}
        interface: Any = self.app.session_interface
        signer: URLSafeTimedSerializer = interface.get_signing_serializer(self.app)
        value = signer.dumps({"_user_id": self.crowd.browser_tokens[role], "_fresh": True})
        return {"Cookie": f"{self.app.config['SESSION_COOKIE_NAME']}={value}"}


Operation = Callable[[Town], None]


def _page(path: str, role: Role | None = None) -> Operation:
    return lambda town: town.get(path, role)


def _last_page(path: str, per_page: int, count: Callable[[Crowd], int]) -> Operation:
    """The last page of a list of so many, for `{page}` in the path."""
    return lambda town: town.get(path.format(page=-(-count(town.crowd) // per_page)))


def _work(work: Callable[[], Any]) -> Operation:
    return lambda town: town.inside(work)


_BUYER, _SELLER, _ADMIN = Role.BUYER, Role.SELLER, Role.ADMIN
_SHOWN = 9 / 10

# What people and the worker do all the time: it has to cost the same however long the past.
OPERATIONS: dict[str, Operation] = {
    "bid on the hot artwork": lambda town: town.bid(),
    "bid refused: too low": lambda town: town.bid(higher=False),
    "browse": _page("/"),
    "browse, signed in": _page("/", _BUYER),
    "browse, page 20": _page("/?page=20"),
    "browse, open": _page("/?status=ACTIVE"),
    "browse, sold": _page("/?status=SOLD"),
    "browse, reserved": _page("/?status=PENDING_PAYMENT"),
    "browse, category": _page("/?category=Sculpture"),
    "browse, open in a category": _page("/?status=ACTIVE&category=Sculpture"),
    "browse, one seller": _page(f"/?seller_id={crowd.SELLER}"),
    "browse, ending": _page("/?sort=ending"),
    "browse, price": _page("/?sort=price"),
    "browse, bids": _page("/?sort=bids"),
    "browse, open, ending": _page("/?status=ACTIVE&sort=ending"),
    "browse, category, price": _page("/?category=Sculpture&sort=price"),
    "browse, category, bids": _page("/?category=Sculpture&sort=bids"),
    "search, found often": _page("/?q=still"),
    "search, found once": _page("/?q=number+777%2C"),
    "search, found never": _page("/?q=nothing+like+it"),
    "artwork": _page("/artworks/11"),
    "artwork, hot": _page(f"/artworks/{HOT}"),
    "artwork, hot, signed in": _page(f"/artworks/{HOT}", _BUYER),
    "API: artworks": _page("/api/artworks"),
    "API: artwork, hot": _page(f"/api/artworks/{HOT}"),
    "API: bids of the hot artwork": _page(f"/api/artworks/{HOT}/bids"),
    "API: my bids": _page("/api/bids/my-bids", _BUYER),
    "API: my payments": _page("/api/payments/my-payments", _BUYER),
    "API: me": _page("/api/auth/me", _BUYER),
    "API: payment": _page("/api/payments/11", _SELLER),
    "API: payment of a session": _page("/api/payments/session/cs_test_11", _SELLER),
    "API: payment of an artwork": _page("/api/payments/artwork/11", _SELLER),
    "API: favourites": _page("/api/favourites", _BUYER),
    "API: seller's numbers": _page("/api/stats/seller", _SELLER),
    "API: platform's numbers": _page("/api/stats/platform", _ADMIN),
    "my bids": _page("/me/bids", _BUYER),
    "my payments": _page("/me/payments", _BUYER),
    "my favourites": _page("/me/favourites", _BUYER),
    "seller's dashboard": _page("/seller", _SELLER),
    "seller's dashboard, sold": _page("/seller?status=SOLD", _SELLER),
    "seller's artwork": _page("/seller/artworks/11", _SELLER),
    "admin: home": _page("/admin", _ADMIN),
    "admin: numbers": _page("/admin/numbers", _ADMIN),
    "admin: payments": _page("/admin/payments", _ADMIN),
    "admin: payments by status": _page("/admin/payments?status=CANCELED", _ADMIN),
    "admin: a payment": _page("/admin/payments/11", _ADMIN),
    "admin: what needs a person": _page("/admin/attention", _ADMIN),
    "admin: what was acknowledged": _page("/admin/attention/acknowledged", _ADMIN),
    "admin: people": _page("/admin/users", _ADMIN),
    "admin: administrators": _page("/admin/users?role=ADMIN", _ADMIN),
    "admin: the suspended": _page("/admin/users?active=no", _ADMIN),
    "admin: a person": _page("/admin/users/7", _ADMIN),
    "admin: events": _page("/admin/webhook-events", _ADMIN),
    "admin: events by outcome": _page("/admin/webhook-events?outcome=FAILED", _ADMIN),
    "admin: mails": _page("/admin/emails", _ADMIN),
    "admin: mails given up": _page("/admin/emails?status=DEAD", _ADMIN),
    "admin: mails of a kind": _page("/admin/emails?kind=password_reset", _ADMIN),
    "admin: deeds": _page("/admin/audit-logs", _ADMIN),
    "admin: deeds of a kind": _page("/admin/audit-logs?action=payment.declined", _ADMIN),
    "admin: deeds of a person": _page("/admin/audit-logs?user_id=3", _ADMIN),
    "admin: deeds of a day": _page("/admin/audit-logs?since=2000-01-01&until=2000-01-02", _ADMIN),
    "API: deeds to a thing": _page("/api/admin/audit-logs?resource_id=11", _ADMIN),
    "metrics": _page("/metrics"),
    "ready": _page("/health/ready"),
    "sweep: open payments": _work(payments.open_payments),
    "sweep: payments just due": _work(payments.take_due),
    "sweep: next deadline": _work(payments.seconds_to_next_deadline),
    "sweep: finished payments to compare": _work(payments.compare_finished),
    "sweep: artworks that ended": _work(artworks.expire_ended_artworks),
    "sweep: mails due": _work(notifications.deliver_due),
    "sweep: old sign-ins": _work(accounts.delete_old_sign_ins),
    "sweep: pictures that nobody shows": _work(artworks.delete_orphan_pictures),
    "sweep: bids by day": _work(bidding.count_bids_by_day),
    "sweep: figures of large tables": _work(figures.count_figures),
    "alerts": _work(admin.open_alerts),
}
# What costs by what it is asked for: so many rows handed out or skipped, a text too short for an
# index.
BY_ROWS: dict[str, Operation] = {
    "browse, last page": _last_page("/?page={page}", 12, lambda c: round(c.artworks * _SHOWN)),
    "hot artwork, last page of bids": _last_page(
        f"/artworks/{HOT}?page={{page}}", 20, lambda c: c.bids // 10
    ),
    "seller's sales as a sheet": _page("/seller/sales.csv", _SELLER),
    "search, two letters, found never": _page("/?q=qz"),
}


@dataclass(frozen=True)
class Cost:
    """What one operation took on one size; rows and buffers only where PostgreSQL counts them."""

    cpu_ms: float
    wall_ms: float
    statements: int
    rows: int = 0
    buffers: int = 0


@contextlib.contextmanager
def towns(database: str, sizes: Sequence[str]) -> Iterator[list[Town]]:
    """An application for each size, in this process."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        server = stack.enter_context(start_postgres(fsync=True)) if database != "sqlite" else None
        found = []
        for size in sizes:
            address = (
                server.create_database(size) if server else f"sqlite:///{folder / size}.sqlite3"
            )
            app = _application(address, folder)
            began = time.monotonic()
            with app.app_context():
                gathered = crowd.gather(*SIZES[size])
                db.session.remove()
            stack.callback(_release, app)
            print(f"{database}, {size}: filled in {time.monotonic() - began:.0f} s", flush=True)
            found.append(Town(size, app, gathered, server))
        yield found


def _application(address: str, folder: Path) -> Flask:
    settings = {
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": f"http://{LOOPBACK}",
        "DATABASE_URL": address,
        "UPLOAD_DIR": str(folder / "uploads"),
        "STRIPE_SECRET_KEY": "sk_test_benchmarks",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        # Nobody listens there: a benchmark never reaches Stripe.
        "STRIPE_API_BASE": f"http://{LOOPBACK}:9",
        "RATELIMIT_ENABLED": "0",
    }
    app = create_app(read_settings(settings))
    with app.app_context():
        upgrade()
        if db.engine.dialect.name != "sqlite":
            with db.engine.begin() as connection:
                # A process that helped is gone before anybody asks for its CPU.
                alone = "ALTER ROLE CURRENT_USER SET max_parallel_workers_per_gather = 0"
                connection.execute(text(alone))
            db.engine.dispose()
    # What an administrator hears of slow statements is no part of the figures.
    logging.disable(logging.WARNING)
    return app


def _release(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def measure(town: Town, operation: Operation, repeats: int) -> Cost:
    """The cost of one time, of so many."""
    operation(town)
    cpu = []
    wall = []
    for _ in range(repeats):
        before, began = _cpu_seconds(town), time.perf_counter()
        operation(town)
        wall.append(time.perf_counter() - began)
        cpu.append(_cpu_seconds(town) - before)
    return Cost(median(cpu) * 1000, median(wall) * 1000, 0)


def _cpu_seconds(town: Town) -> float:
    served = _backends_cpu(town.server.pid) if town.server else 0.0
    return time.process_time() + served


def _backends_cpu(postmaster: int) -> float:
    total = 0
    for process in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        with contextlib.suppress(OSError):
            # Nanoseconds on a core (docs.kernel.org/scheduler/sched-stats.html).
            total += int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
    return total / 1e9


def looked_at(town: Town, operation: Operation) -> Cost:
    """How many statements an operation runs, and the rows and buffers that they touch."""
    with town.app.app_context():
        engine = db.engine
    # The first time, a long list is counted whole.
    operation(town)
    with recorded(engine) as statements:
        operation(town)
    rows = buffers = 0
    if town.server:
        with engine.connect().execution_options(**for_writing(engine)) as connection:
            for statement in statements:
                plan = postgres_plan(connection, statement)
                rows += plan.rows
                buffers += plan.buffers
    return Cost(0, 0, len(statements), rows, buffers)


def compare(
    found: Sequence[Town], operations: dict[str, Operation], rounds: int
) -> dict[str, list[Cost]]:
    """The cost of every operation on each size: medians of interleaved rounds."""
    costs = {}
    for name, operation in operations.items():
        touched = [looked_at(town, operation) for town in found]
        measured = [[measure(town, operation, 3) for town in found] for _ in range(rounds)]
        costs[name] = [
            Cost(
                median(each[number].cpu_ms for each in measured),
                median(each[number].wall_ms for each in measured),
                touched[number].statements,
                touched[number].rows,
                touched[number].buffers,
            )
            for number in range(len(found))
        ]
        print(name, *(f"{cost.cpu_ms:.1f} ms, {cost.rows} rows" for cost in costs[name]),
              sep="; ", flush=True)  # fmt: skip
    return costs


def factor(costs: Sequence[Cost]) -> float:
    """How much more the operation takes on the largest size than on the smallest."""
    return max(costs[-1].cpu_ms, _SMALL_MS) / max(costs[0].cpu_ms, _SMALL_MS)


def _table(found: Sequence[Town], costs: dict[str, list[Cost]], caption: str) -> Table:
    heads = ["operation", "statements"]
    for town in found:
        bids = f"{town.crowd.bids:,}"
        heads += [f"CPU ms, {bids} bids", "wall ms", "rows", "buffers"]
    heads.append("times the CPU")
    lines = [
        [
            name,
            each[-1].statements,
            *itertools.chain.from_iterable(
                (f"{cost.cpu_ms:.1f}", f"{cost.wall_ms:.1f}", cost.rows or "", cost.buffers or "")
                for cost in each
            ),
            f"{factor(each):.1f}",
        ]
        for name, each in costs.items()
    ]
    return Table(heads, lines, caption)


def section(database: str, sizes: Sequence[str], rounds: int) -> Section:
    """Everything measured on one database."""
    with towns(database, sizes) as found:
        steady = compare(found, OPERATIONS, rounds)
        by_rows = compare(found, BY_ROWS, rounds)
        tables = [
            _table(found, steady, f"{database}: what has to stay flat or logarithmic"),
            _table(found, by_rows, f"{database}: what costs by what it is asked for"),
        ]
        crowds = [town.crowd for town in found]
        first, last = crowds[0], crowds[-1]
    grown = {name: factor(costs) for name, costs in steady.items() if factor(costs) > FACTOR_GOAL}
    worst = max(steady, key=lambda name: factor(steady[name]))
    goal = Goal(
        f"{len(steady)} operations, {database}, {first.bids:,} to {last.bids:,} bids",
        f"each at most {FACTOR_GOAL:.0f} times the CPU",
        f"{len(steady) - len(grown)} of {len(steady)}; most: {factor(steady[worst]):.1f} ({worst})",
        not grown,
    )
    return Section(
        "Growth",
        "The same operations with "
        + ", ".join(f"{crowd.bids:,} bids on {crowd.artworks:,} artworks" for crowd in crowds)
        + ": CPU of the application and of the database, by turns on databases of each size, three "
        "times in each round. What grows with the logarithm of a thousand times as many bids "
        "doubles. Rows and buffers (8 KiB) are those that EXPLAIN ANALYZE counts for the "
        "statements that ran. A long list is counted once a minute, which the first of several "
        "looks pays for and is not in the figures.",
        tables,
        [goal],
        _beyond(grown),
    )


def _beyond(grown: dict[str, float]) -> str:
    lines = [f"- {name}: {times:.1f} times" for name, times in grown.items()]
    return "\n".join(["Grown beyond the goal:", "", *lines]) if grown else ""


def report(rounds: int = 5) -> Section:
    """For the report of all: PostgreSQL, every size."""
    return section("postgresql", list(SIZES), rounds)


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=DATABASES, default="postgresql")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    told = section(given.database, given.sizes, given.rounds)
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
