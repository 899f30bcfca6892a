"""Bids on one hot artwork and spread over many, against the database's own limit.

    python -m bench.bids [--database both] [--clients 1 16 64 256] [--artworks 1 200]

Rising losing bids by bearer token, one connection a client, each asking again as soon as it is
answered. The product is Gunicorn with PostgreSQL (fsync on) or SQLite (synchronous FULL). The
yardstick ("raw") is the guarded statements of the product's own bid, recorded and sent by psycopg
or sqlite3 with as many connections (128 at most: the database takes no 256), from as many processes
as the product has. Between them stands the least that a plain Flask application does for a bid
(bench/least.py): under the same Gunicorn settings it reads the JSON, finds the token in memory and
sends the recorded statements by the driver; it checks, logs and tells nothing. All three run in
turn on the same database, with its connections warmed up and, on SQLite, under the same pragmas.

- On PostgreSQL a losing bid is one statement, the yardstick's as the product's. That is more than
  twice as fast as the same sent one by one in a transaction; a ratio to the latter would be
  as much higher.
- Whether the bidder's token holds is asked by the bid's own statement, the yardstick's as the
  product's; who that is each process looks up once a minute.
- Bids rise by a cent in the order in which clients take them, the yardstick's with the clock. With
  many at once a later one often comes first, and the earlier is refused, by the yardstick's guard
  as by the product's. `accepted` counts bids placed, `answered` those refused as well.
- A process in which requests wait leaves new connections to the others for a moment, the least
  bid's as the product's: 16 bidders fall about evenly to two processes. On one artwork, who waits
  in the longer queue is overtaken from the shorter one and refused: the more unevenly they are
  shared, the fewer bids are placed.
- Where a process of the product saw a higher bid in the last minute, it looks before it writes, and
  what that finds to be too low is refused by the read alone. The yardstick always asks its guard.
- Rates are without the generator: what choosing, sending and counting bids took of the cores is
  taken from the time. The yardstick's is its loop around the driver; the driver's own CPU stays,
  and what it takes to fill in a statement, as the product's does.
- Ratios are the medians of the rounds' own, and not those of the medians beside them.
- CPU is the web processes', user and system, for each answer. In brackets: all of it for each bid
  that was accepted. SQLite works inside the web processes.
- SQLite gives no turns: of 16 connections one writes again and again while the others sleep. Nearly
  all its answers come at once and few wait for long (clients divided by the rate is the mean), so
  that 5 times its p95 is out of reach for bidders who all get their turn.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from bench import alone, load, raw
from bench.alone import Alone, Work
from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.people import add_artworks, add_people, product
from bench.stage import DATABASES, Stage, machine, raised, yardstick

_CORES = os.cpu_count() or 1
# However many cores there are: each has its connections, and the database takes 200.
_WEB = 2
_BIDDERS = 16
# With so many clients the goals ask for half of the yardstick's rate.
_RATED = 16
_FIRST_CENTS = 1_000
_STALL_SECONDS = 1.0
# The product's pools and the least bid's threads have theirs as well.
_RAW_CONNECTIONS = 128
_MANY = 200
# What the report measures: artworks, clients.
_REPORTED = ((1, 1), (1, 16), (1, 64), (1, 256), (_MANY, 16), (_MANY, 64))
_REPORTED_SECONDS = 1.5


@dataclass(frozen=True)
class Side:
    """One side of a round: rates without the generator, in bids a second; the others in ms.

    CPU is for each answer: of the web processes, or of the yardstick's driver; and of the
    database, for the yardstick with what its new connections took.
    """

    accepted: float
    answered: float
    p50: float
    p95: float
    cpu: float
    database_cpu: float

    @property
    def refused_share(self) -> float:
        """Of all answers, those that refused the bid."""
        return 1 - self.accepted / self.answered

    @property
    def cpu_accepted(self) -> float:
        """`cpu`, refusals' as well, for each accepted bid."""
        return self.cpu / (1 - self.refused_share)


@dataclass(frozen=True)
class Served:
    """What Gunicorn answered, and what the generator saw of it."""

    side: Side
    generator_cpu: float
    failures: int
    longest_silence: float


@dataclass(frozen=True)
class Round:
    """The product, the least that Flask does, and the driver alone, one after the other."""

    product: Served
    least: Served
    raw: Side

    def ratio(self, of: Callable[[Side], float], *, least: bool = False) -> float:
        """The product's figure, or the least bid's, to that of the driver alone."""
        return of((self.least if least else self.product).side) / of(self.raw)


@dataclass(frozen=True)
class OneThread:
    """A bid in one thread: the product's, and the least."""

    database: str
    product: Alone
    least: Alone


@dataclass(frozen=True)
class Case:
    """All rounds of one combination."""

    database: str
    artworks: int
    clients: int
    rounds: Sequence[Round]

    def middle(self, of: Callable[[Round], float]) -> float:
        """The median of a figure."""
        return median(of(each) for each in self.rounds)


def measure(
    database: str, combinations: Sequence[tuple[int, int]], seconds: float, rounds: int, web: int
) -> tuple[list[Case], OneThread]:
    """Interleaved rounds of the three for each (artworks, clients), then bids in one thread."""
    found: dict[tuple[int, int], list[Round]] = {each: [] for each in combinations}
    with raised(database, web=web) as stage:
        with product(stage) as app:
            tokens = add_people(_BIDDERS)
            works = add_artworks(max(_MANY, *(each for each, _ in combinations)))
            recorded = raw.record(app, tokens)
        with yardstick(stage, "least", json.dumps(asdict(recorded)).encode()) as least:
            bench = _Bench(stage, least, tokens, recorded, web)
            for artworks, clients in combinations:
                bench.served(stage, works[:artworks], clients, 1.0)
                bench.served(least, works[:artworks], clients, 1.0)
            for number in range(rounds):
                for artworks, clients in combinations:
                    print(f"{database}: round {number + 1}, {artworks} artworks, "
                          f"{clients} clients", flush=True)  # fmt: skip
                    chosen = works[:artworks]
                    found[artworks, clients].append(bench.round(chosen, clients, seconds))
            one_thread = OneThread(
                database,
                bench.alone(stage, "wsgi:app", works),
                bench.alone(least, "bench.least:app", works),
            )
    return [Case(database, *each, rounds) for each, rounds in found.items()], one_thread


class _Bench:
    """The three that are compared, and how high the bids are by now."""

    def __init__(
        self, stage: Stage, least: Stage, tokens: list[str], recorded: raw.Recorded, web: int
    ) -> None:
        self._stage = stage
        self._least = least
        self._tokens = tokens
        self._recorded = recorded
        self._web = web
        self._cents = _FIRST_CENTS
        self._heads = [
            "POST /api/bids HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
            for token in tokens
        ]

    def served(self, web: Stage, works: list[int], clients: int, seconds: float) -> Served:
        """Bid by the API of the product, or of what stands beside it."""
        web_before, database_before = self._used(web)
        answered = load.generate(
            load.Load(
                host=str(urlsplit(web.url).hostname),
                port=web.port,
                connections=clients,
                seconds=seconds,
                requests=self._heads,
                artworks=works,
                first_cents=self._cents,
            )
        )
        web_after, database_after = self._used(web)
        self._cents = answered.last_cents + 1
        placed = answered.of(201)
        if not placed:
            raise RuntimeError(f"no bid was placed: {answered.statuses}")
        answers = sum(answered.statuses.values())
        told = placed + answered.of(409)
        taken = answered.wall_seconds - answered.own_cpu_seconds / _CORES
        return Served(
            Side(
                placed / taken,
                told / taken,
                percentile(answered.milliseconds, 0.5),
                percentile(answered.milliseconds, 0.95),
                (web_after - web_before) * 1000 / answers,
                (database_after - database_before) * 1000 / answers,
            ),
            answered.own_cpu_seconds * 1000 / answers,
            answers - told,
            answered.longest_silence_seconds,
        )

    def alone(self, web: Stage, application: str, works: list[int]) -> Alone:
        """Bid in one thread of another process, while nobody else does."""
        work = Work(application, self._tokens, works[:_MANY], self._cents)
        found = alone.measure(work, web.environment)
        self._cents = found.next_cents
        return found

    def raw(self, works: list[int], clients: int, seconds: float) -> Side:
        """Bid by the driver."""
        _, before = self._used(self._stage)
        answered = raw.run(
            raw.RawLoad(
                address=self._stage.environment["DATABASE_URL"],
                connections=min(clients, _RAW_CONNECTIONS),
                seconds=seconds,
                recorded=asdict(self._recorded),
                artworks=works,
                first_cents=self._cents,
                since=time.monotonic(),
            ),
            self._web,
        )
        _, after = self._used(self._stage)
        self._cents = answered.last_cents + 1
        answers = answered.placed + answered.refused
        taken = answered.wall_seconds - answered.asking_cpu_seconds / _CORES
        return Side(
            answered.placed / taken,
            answers / taken,
            percentile(answered.milliseconds, 0.5),
            percentile(answered.milliseconds, 0.95),
            answered.driver_cpu_seconds * 1000 / answers,
            (after - before) * 1000 / answers,
        )

    def round(self, works: list[int], clients: int, seconds: float) -> Round:
        """One after the other, on the same database."""
        return Round(
            self.served(self._stage, works, clients, seconds),
            self.served(self._least, works, clients, seconds),
            self.raw(works, clients, seconds),
        )

    def _used(self, web: Stage) -> tuple[float, float]:
        """CPU seconds so far: web processes and database."""
        return web.cpu_seconds()["web"], self._stage.cpu_seconds().get("database", 0.0)


HEADS = (
    "database", "artworks", "clients", "accepted/s", "raw accepted/s", "accepted ratio",
    "answered/s", "raw answered/s", "answered ratio", "refused", "raw refused", "CPU ms",
    "database CPU ms", "generator CPU ms", "p50 ms", "p95 ms", "raw p95 ms", "failed",
    "longest silence s",
)  # fmt: skip
_LEAST_HEADS = (
    "database", "artworks", "clients", "accepted/s", "accepted ratio", "answered/s",
    "answered ratio", "refused", "CPU ms", "database CPU ms", "p50 ms", "p95 ms", "p95 ratio",
    "failed",
)  # fmt: skip


def _database(case: Case, cpu: float) -> str:
    return f"{cpu:.2f}" if case.database == "postgresql" else "–"


def _accepted(side: Side) -> float:
    return side.accepted


def _answered(side: Side) -> float:
    return side.answered


def _p95(side: Side) -> float:
    return side.p95


def _line(case: Case) -> list[str]:
    middle = case.middle
    return [
        case.database,
        str(case.artworks),
        str(case.clients),
        f"{middle(lambda each: each.product.side.accepted):.0f}",
        f"{middle(lambda each: each.raw.accepted):.0f}",
        f"{middle(lambda each: each.ratio(_accepted)):.0%}",
        f"{middle(lambda each: each.product.side.answered):.0f}",
        f"{middle(lambda each: each.raw.answered):.0f}",
        f"{middle(lambda each: each.ratio(_answered)):.0%}",
        f"{middle(lambda each: each.product.side.refused_share):.0%}",
        f"{middle(lambda each: each.raw.refused_share):.0%}",
        f"{middle(lambda each: each.product.side.cpu):.2f} "
        f"({middle(lambda each: each.product.side.cpu_accepted):.2f})",
        _database(case, middle(lambda each: each.product.side.database_cpu)),
        f"{middle(lambda each: each.product.generator_cpu):.2f}",
        f"{middle(lambda each: each.product.side.p50):.1f}",
        f"{middle(lambda each: each.product.side.p95):.1f}",
        f"{middle(lambda each: each.raw.p95):.1f}",
        str(sum(each.product.failures for each in case.rounds)),
        f"{max(each.product.longest_silence for each in case.rounds):.2f}",
    ]


def _least_line(case: Case) -> list[str]:
    middle = case.middle
    return [
        case.database,
        str(case.artworks),
        str(case.clients),
        f"{middle(lambda each: each.least.side.accepted):.0f}",
        f"{middle(lambda each: each.ratio(_accepted, least=True)):.0%}",
        f"{middle(lambda each: each.least.side.answered):.0f}",
        f"{middle(lambda each: each.ratio(_answered, least=True)):.0%}",
        f"{middle(lambda each: each.least.side.refused_share):.0%}",
        f"{middle(lambda each: each.least.side.cpu):.2f}",
        _database(case, middle(lambda each: each.least.side.database_cpu)),
        f"{middle(lambda each: each.least.side.p50):.1f}",
        f"{middle(lambda each: each.least.side.p95):.1f}",
        f"{middle(lambda each: each.ratio(_p95, least=True)):.1f} ×",
        str(sum(each.least.failures for each in case.rounds)),
    ]


# Packages that are called less for a bid stand together.
_FEW_CALLS = 8


def _one_thread(found: Sequence[OneThread]) -> Table:
    """CPU and calls by package, the product's and the least bid's by turns."""
    sides = [side for each in found for side in (each.product, each.least)]
    whose = [_by_owner(side.calls) for side in sides]
    most = {name: max(each[name] for each in whose) for each in whose for name in each}
    named = sorted(
        (name for name in most if most[name] >= _FEW_CALLS), key=lambda name: -most[name]
    )
    rows: list[list[object]] = [
        ["CPU ms", *(f"{side.cpu:.2f}" for side in sides)],
        ["calls in all", *(each.total() for each in whose)],
        *([f"calls: {name}", *(each[name] for each in whose)] for name in named),
        ["calls: others", *(each.total() - sum(each[n] for n in named) for each in whose)],
    ]
    heads = [f"{each.database}, {side}" for each in found for side in ("product", "least")]
    caption = (
        "A bid in one thread that nothing else disturbs, without Gunicorn: its CPU, and how many "
        "functions are called, C's included, by the package whose they are or that calls them. "
        "What a bid takes above has Gunicorn in it, news for watchers, and what processes lose to "
        "each other on shared cores:"
    )
    return Table(("", *heads), rows, caption)


def _by_owner(calls: dict[str, int]) -> Counter[str]:
    owned: Counter[str] = Counter()
    for package, number in calls.items():
        if package in sys.stdlib_module_names:
            package = "Python's library"
        elif package in ("app", "bench"):
            package = "our own"
        owned[package] += number
    return owned


def _name(case: Case) -> str:
    works = "one artwork" if case.artworks == 1 else f"{case.artworks} artworks"
    clients = "1 client" if case.clients == 1 else f"{case.clients} clients"
    return f"{case.database}, {works}, {clients}"


@dataclass(frozen=True)
class _Aim:
    """What a figure of a case is held against; with `more`, more of it is better.

    `product` and `least` are that of each round. `beyond` is the CPU in ms that the goal leaves for
    what the product does beyond the least bid, were all cores full, and what that takes.
    """

    what: str
    words: str
    limit: float
    more: bool
    product: list[float]
    least: list[float]
    told: Callable[[float], str]
    beyond: tuple[float, float] | None = None

    def met_by(self, rounds: list[float]) -> bool:
        reached = median(rounds)
        return reached >= self.limit if self.more else reached <= self.limit

    def reached(self, rounds: list[float]) -> str:
        """The median, and between what it is."""
        return f"{self.told(median(rounds))} ({self.told(min(rounds))} to {self.told(max(rounds))})"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _times(value: float) -> str:
    return f"{value:.1f} ×"


def _milliseconds(value: float) -> str:
    return f"{value:.2f} ms"


def _aims(case: Case) -> list[_Aim]:
    aims = []
    if case.clients == _RATED:
        for what, of in (("accepted bids", _accepted), ("answered bids", _answered)):
            aims.append(_rate(case, what, of))
        limit = 2.5 if case.artworks == 1 else 1.8
        cpu = [each.product.side.cpu for each in case.rounds]
        least = [each.least.side.cpu for each in case.rounds]
        left, taken = limit - median(least), median(cpu) - median(least)
        words = f"≤ {limit} ms"
        aims.append(
            _Aim(
                "web CPU for an answer", words, limit, False, cpu, least, _milliseconds,
                (left, taken),
            )
        )  # fmt: skip
    if case.clients < 256:
        aims.append(_ratio(case, "p95", "≤ 5 × raw", 5, _p95, _times, more=False))
    return aims


def _rate(case: Case, what: str, of: Callable[[Side], float]) -> _Aim:
    def spent(side: Side) -> float:
        return (side.cpu + side.database_cpu) * side.answered / of(side)

    half = case.middle(lambda each: _CORES * 1000 / (of(each.raw) / 2))
    least = case.middle(lambda each: spent(each.least.side))
    beyond = case.middle(lambda each: spent(each.product.side)) - least
    aim = _ratio(case, what, "≥ 50 % of raw", 0.5, of, _percent, more=True)
    return replace(aim, beyond=(half - least, beyond))


def _ratio(
    case: Case, what: str, words: str, limit: float, of: Callable[[Side], float],
    told: Callable[[float], str], *, more: bool,
) -> _Aim:  # fmt: skip
    return _Aim(
        what, words, limit, more,
        [each.ratio(of) for each in case.rounds],
        [each.ratio(of, least=True) for each in case.rounds],
        told,
    )  # fmt: skip


def _goals(case: Case) -> list[Goal]:
    """What this combination is held against."""
    goals = [
        Goal(
            f"{_name(case)}: {aim.what}",
            aim.words,
            aim.reached(aim.product),
            aim.met_by(aim.product),
        )
        for aim in _aims(case)
    ]
    if case.clients == 256:
        silence = max(each.product.longest_silence for each in case.rounds)
        failures = sum(each.product.failures for each in case.rounds)
        goals.append(
            Goal(
                f"{_name(case)}: no stall",
                f"none failed, never {_STALL_SECONDS:.0f} s without an answer",
                f"{failures} failed, {silence:.2f} s",
                failures == 0 and silence < _STALL_SECONDS,
            )
        )
    return goals


def section(
    cases: Sequence[Case], one_thread: Sequence[OneThread], rounds: int, web: int
) -> Section:
    """What was found, told."""
    about = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    return Section(
        "Bids",
        f"{about}\n{web} web processes; medians of {rounds} rounds, the longest silence of all.\n\n"
        "Limits on how often one may ask are off: 16 bidders would soon have met them.",
        [
            Table(HEADS, [_line(case) for case in cases]),
            Table(_LEAST_HEADS, [_least_line(case) for case in cases], "The least bid:"),
            _one_thread(one_thread),
        ],
        [goal for case in cases for goal in _goals(case)],
        _notes(cases),
    )


def _notes(cases: Sequence[Case]) -> str:
    """Of each goal that is missed, whether the least bid would have met it."""
    lines = [
        f"- {_name(case)}: {aim.what} {aim.told(median(aim.product))}, asked {aim.words}; the "
        f"least bid {_reach(aim)}"
        for case in cases
        for aim in _aims(case)
        if not aim.met_by(aim.product)
    ]
    if not lines:
        return ""
    return "\n".join(
        [
            "Where a goal is missed, and what the least bid reaches. Where that misses it too, the",
            "goal would not be met either if all that the product does beyond it were left out:",
            "who may ask for what, checks of what came and what they say, the request's number and",
            "log line, headers, news for watchers. Where it meets the goal, it is told how much",
            "CPU is left for all that, were every core full.",
            "",
            *lines,
        ]
    )


def _reach(aim: _Aim) -> str:
    reached = aim.reached(aim.least)
    if not aim.met_by(aim.least):
        return f"misses it too: {reached}"
    if aim.beyond is None:
        return f"meets it: {reached}"
    left, taken = aim.beyond
    return f"meets it: {reached}; {left:.2f} ms are left for what the product does in {taken:.2f}"


def report(rounds: int = 5) -> Section:
    """For the report of all: both databases."""
    found = [
        measure(database, _REPORTED, _REPORTED_SECONDS, rounds, web=_WEB) for database in DATABASES
    ]
    return _told(found, rounds, _WEB)


def _told(found: Sequence[tuple[list[Case], OneThread]], rounds: int, web: int) -> Section:
    cases = [case for each, _ in found for case in each]
    return section(cases, [one_thread for _, one_thread in found], rounds, web)


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bids",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--artworks", type=int, nargs="+", default=[1, _MANY])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--web", type=int, default=_WEB, help="web processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    given = parser.parse_args()
    databases = list(DATABASES) if given.database == "both" else [given.database]
    combinations = [(works, clients) for works in given.artworks for clients in given.clients]
    found = [
        measure(database, combinations, given.seconds, given.rounds, given.web)
        for database in databases
    ]
    print(f"\n{machine()}\n\n{rendered(_told(found, given.rounds, given.web))}")
    if given.json:
        print(json.dumps([asdict(case) for cases, _ in found for case in cases]))


if __name__ == "__main__":
    main()
