"""Bids on one hot artwork and spread over many, against the database's own limit.

    python -m bench.bids [--database both] [--clients 1 16 64 256] [--artworks 1 200]

Rising losing bids by bearer token, one connection a client, each asking again as soon as it is
answered. The product is Gunicorn with PostgreSQL (fsync on) or SQLite (synchronous FULL). The
yardstick is the guarded statements of the product's own bid, recorded and sent by psycopg or
sqlite3 with as many connections (128 at most: the database takes no 256), from as many processes
as the product has. Both run in turn on the same database.

- On PostgreSQL a losing bid is one statement, the yardstick's as the product's. That is more than
  twice as fast as the same sent one by one in a transaction; a ratio to the latter would be
  as much higher.
- Bids rise by a cent in the order in which clients take them. With many at once a later one often
  comes first, and the earlier is refused, by the yardstick's guard as by the product's. `accepted`
  counts bids placed, `answered` those refused as well.
- Rates are without the generator: what choosing, sending and counting bids took of the cores is
  taken from the time. The yardstick's is its loop around the driver; the driver's own CPU stays,
  as the product's does.
- CPU is the web processes', user and system, for each answer. In brackets: all of it for each bid
  that was accepted.
- SQLite gives no turns: of the yardstick's connections one writes again and again while the others
  sleep. Nearly all its answers come at once and few wait for long (clients divided by the rate is
  the mean), so that its p95 is out of reach for bidders who all get their turn.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from bench import load, raw
from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.people import add_artworks, add_people, product
from bench.stage import DATABASES, Stage, bare_flask, machine, raised

_CORES = 2
_BIDDERS = 16
# With so many clients the goals ask for half of the yardstick's rate.
_RATED = 16
_FIRST_CENTS = 1_000
_STALL_SECONDS = 1.0
# The database takes 200, and the product's pools have theirs.
_RAW_CONNECTIONS = 128
_MANY = 200
# As long as what a losing bid is answered with.
_ANSWER = b"-" * 135
# What the report measures: artworks, clients.
_REPORTED = ((1, 1), (1, 16), (1, 64), (1, 256), (_MANY, 16), (_MANY, 64))
_REPORTED_SECONDS = 1.5


@dataclass(frozen=True)
class Side:
    """One side of a round: rates without the generator, in bids a second; times in ms."""

    accepted: float
    answered: float
    p50: float
    p95: float

    @property
    def refused_share(self) -> float:
        """Of all answers, those that refused the bid."""
        return 1 - self.accepted / self.answered


@dataclass(frozen=True)
class Beside:
    """CPU in ms, in the same minute as a round, of what has nothing of the product's own.

    `frame`: a request to a bare Flask route under the same Gunicorn settings. `statements`: the
    yardstick's bid, which looks up the bidder's token first: its process and the database.
    """

    frame: float
    statements: float


@dataclass(frozen=True)
class Round:
    """One interleaved pair of measurements. CPU in ms an answer."""

    product: Side
    raw: Side
    cpu: float
    database_cpu: float
    generator_cpu: float
    failures: int
    longest_silence: float
    # What is measured beside it where the rate is a goal.
    beside: Beside | None

    @property
    def cpu_accepted(self) -> float:
        """All CPU in ms, refusals' as well, for each accepted bid."""
        return self.cpu / (1 - self.product.refused_share)

    @property
    def ratio(self) -> float:
        """Accepted bids, of the yardstick's."""
        return self.product.accepted / self.raw.accepted

    @property
    def answered_ratio(self) -> float:
        """Answered bids, of the yardstick's."""
        return self.product.answered / self.raw.answered


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

    def beside(self, of: Callable[[Beside], float]) -> float:
        """The median of what was measured beside it."""
        return median(of(each.beside) for each in self.rounds if each.beside)


def measure(
    database: str, combinations: Sequence[tuple[int, int]], seconds: float, rounds: int, web: int
) -> list[Case]:
    """Interleaved rounds of product and raw statements for each (artworks, clients)."""
    found: dict[tuple[int, int], list[Round]] = {each: [] for each in combinations}
    with raised(database, web=web) as stage, bare_flask(stage, _ANSWER) as bare:
        with product(stage) as app:
            tokens = add_people(_BIDDERS)
            # The one to record from is the last: its number is nobody else's.
            [*works, recording] = add_artworks(1 + max(_MANY, *(each for each, _ in combinations)))
            recorded = raw.record(app, tokens[0], recording, _FIRST_CENTS)
        bench = _Bench(stage, bare, tokens, recorded)
        for artworks, clients in combinations:
            bench.product(works[:artworks], clients, 1.0)
        for number in range(rounds):
            for artworks, clients in combinations:
                print(f"{database}: round {number + 1}, {artworks} artworks, {clients} clients",
                      flush=True)  # fmt: skip
                chosen = works[:artworks]
                found[artworks, clients].append(bench.round(chosen, clients, seconds))
    return [Case(database, *each, rounds) for each, rounds in found.items()]


class _Bench:
    """A stage, a bare application beside it, and how high the bids are by now."""

    def __init__(
        self, stage: Stage, bare: Stage, tokens: list[str], recorded: raw.Recorded
    ) -> None:
        self._stage = stage
        self._bare = bare
        self._recorded = recorded
        self._cents = _FIRST_CENTS + 10
        self._heads = [
            "POST /api/bids HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
            for token in tokens
        ]

    def product(self, works: list[int], clients: int, seconds: float) -> load.Answered:
        """Bid by the API."""
        answered = load.generate(
            load.Load(
                host=str(urlsplit(self._stage.url).hostname),
                port=self._stage.port,
                connections=clients,
                seconds=seconds,
                requests=self._heads,
                artworks=works,
                first_cents=self._cents,
            )
        )
        self._cents = answered.last_cents + 1
        if not answered.of(201):
            raise RuntimeError(f"no bid was placed: {answered.statuses}")
        return answered

    def raw(
        self, works: list[int], clients: int, seconds: float, *, asking: bool = False
    ) -> raw.RawAnswer:
        """Bid by the driver; with `asking`, look up the bidder's token before each."""
        answered = raw.run(
            raw.RawLoad(
                address=self._stage.environment["DATABASE_URL"],
                connections=min(clients, _RAW_CONNECTIONS),
                seconds=seconds,
                recorded=asdict(self._recorded),
                artworks=works,
                first_cents=self._cents,
                step=1,
                asking=asking,
            )
        )
        self._cents = answered.last_cents + 1
        return answered

    def beside(self, works: list[int], clients: int, seconds: float) -> Beside:
        """What a request, and a bid's statements, take alone."""
        used = self._bare.cpu_seconds()["web"]
        answered = load.generate(
            load.Load(
                host=str(urlsplit(self._bare.url).hostname),
                port=self._bare.port,
                connections=clients,
                seconds=seconds,
                requests=["GET / HTTP/1.1\r\nHost: bench\r\n\r\n"],
            )
        )
        used = self._bare.cpu_seconds()["web"] - used
        database = self._stage.cpu_seconds().get("database", 0.0)
        told = self.raw(works, clients, seconds, asking=True)
        database = self._stage.cpu_seconds().get("database", 0.0) - database
        stated = told.driver_cpu_seconds + database
        return Beside(
            frame=used * 1000 / sum(answered.statuses.values()),
            statements=stated * 1000 / (told.placed + told.refused),
        )

    def round(self, works: list[int], clients: int, seconds: float) -> Round:
        """One after the other, on the same database."""
        before = self._stage.cpu_seconds()
        mine = self.product(works, clients, seconds)
        after = self._stage.cpu_seconds()
        theirs = self.raw(works, clients, seconds)
        answers = sum(mine.statuses.values())
        told = mine.of(201) + mine.of(409)
        used = {name: (after[name] - before[name]) * 1000 / answers for name in before}
        my_seconds = mine.wall_seconds - mine.own_cpu_seconds / _CORES
        their_seconds = theirs.wall_seconds - theirs.asking_cpu_seconds / _CORES
        return Round(
            product=Side(
                mine.of(201) / my_seconds,
                told / my_seconds,
                percentile(mine.milliseconds, 0.5),
                percentile(mine.milliseconds, 0.95),
            ),
            raw=Side(
                theirs.placed / their_seconds,
                (theirs.placed + theirs.refused) / their_seconds,
                percentile(theirs.milliseconds, 0.5),
                percentile(theirs.milliseconds, 0.95),
            ),
            cpu=used["web"],
            database_cpu=used.get("database", 0.0),
            generator_cpu=mine.own_cpu_seconds * 1000 / answers,
            failures=answers - told,
            longest_silence=mine.longest_silence_seconds,
            beside=self.beside(works, clients, seconds) if clients == _RATED else None,
        )


HEADS = (
    "database", "artworks", "clients", "accepted/s", "raw", "ratio", "answered/s", "raw", "ratio",
    "refused", "raw", "CPU ms", "database CPU ms", "generator CPU ms", "p50 ms", "p95 ms",
    "raw p95", "failed", "longest silence s",
)  # fmt: skip


def _line(case: Case) -> list[str]:
    middle = case.middle
    return [
        case.database,
        str(case.artworks),
        str(case.clients),
        f"{middle(lambda each: each.product.accepted):.0f}",
        f"{middle(lambda each: each.raw.accepted):.0f}",
        f"{middle(lambda each: each.ratio):.0%}",
        f"{middle(lambda each: each.product.answered):.0f}",
        f"{middle(lambda each: each.raw.answered):.0f}",
        f"{middle(lambda each: each.answered_ratio):.0%}",
        f"{middle(lambda each: each.product.refused_share):.0%}",
        f"{middle(lambda each: each.raw.refused_share):.0%}",
        f"{middle(lambda each: each.cpu):.2f} ({middle(lambda each: each.cpu_accepted):.2f})",
        f"{middle(lambda each: each.database_cpu):.2f}",
        f"{middle(lambda each: each.generator_cpu):.2f}",
        f"{middle(lambda each: each.product.p50):.1f}",
        f"{middle(lambda each: each.product.p95):.1f}",
        f"{middle(lambda each: each.raw.p95):.1f}",
        str(sum(each.failures for each in case.rounds)),
        f"{max(each.longest_silence for each in case.rounds):.2f}",
    ]


def _works(case: Case) -> str:
    return "one artwork" if case.artworks == 1 else f"{case.artworks} artworks"


def _goals(case: Case) -> list[Goal]:
    """What this combination is held against."""
    who = "1 client" if case.clients == 1 else f"{case.clients} clients"
    name = f"{case.database}, {_works(case)}, {who}"
    goals = []
    if case.clients == _RATED:
        ratio = case.middle(lambda each: each.ratio)
        answered = case.middle(lambda each: each.answered_ratio)
        limit = 2.5 if case.artworks == 1 else 1.8
        cpu = case.middle(lambda each: each.cpu)
        frame = case.beside(lambda each: each.frame)
        goals += [
            Goal(f"{name}: accepted bids", "≥ 50 % of raw", f"{ratio:.0%}", ratio >= 0.5),
            Goal(f"{name}: answered bids", "≥ 50 % of raw", f"{answered:.0%}", answered >= 0.5),
            Goal(f"{name}: web CPU for an answer", f"≤ {limit} ms",
                 f"{cpu:.2f} ms ({case.middle(lambda each: each.cpu_accepted):.2f} for each "
                 f"accepted bid; a bare route: {frame:.2f})", cpu <= limit),
        ]  # fmt: skip
    if case.clients < 256:
        times = case.middle(lambda each: each.product.p95 / each.raw.p95)
        goals.append(Goal(f"{name}: p95", "≤ 5 × raw", f"{times:.1f} ×", times <= 5))
    if case.clients == 256:
        silence = max(each.longest_silence for each in case.rounds)
        failures = sum(each.failures for each in case.rounds)
        goals.append(
            Goal(
                f"{name}: no stall",
                f"none failed, never {_STALL_SECONDS:.0f} s without an answer",
                f"{failures} failed, {silence:.2f} s",
                failures == 0 and silence < _STALL_SECONDS,
            )
        )
    return goals


def section(cases: Sequence[Case], rounds: int, web: int) -> Section:
    """What was found, told."""
    about = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    return Section(
        "Bids",
        f"{about}\n{web} web processes; medians of {rounds} rounds, the longest silence of all.\n\n"
        "Limits on how often one may ask are off: 16 bidders would soon have met them.",
        [Table(HEADS, [_line(case) for case in cases])],
        [goal for case in cases for goal in _goals(case)],
        _notes(cases),
    )


def _notes(cases: Sequence[Case]) -> str:
    """Where the cores' time went in the cases that missed their rate."""
    missed = [
        case
        for case in cases
        if case.clients == _RATED
        and case.middle(lambda each: min(each.ratio, each.answered_ratio)) < 0.5
    ]
    if not missed:
        return ""
    lines = [
        "Where the rate is missed, of the cores' time for each answer. Frame and statements alone",
        "are a bare Flask route under the same Gunicorn settings, and the yardstick with a lookup",
        "of the bidder's token before each bid: no log line, no check of what came, no header.",
        "",
    ]
    for case in missed:
        rate = case.middle(lambda each: each.product.answered)
        spent = case.middle(lambda each: each.cpu + each.database_cpu)
        left = _CORES * 1000 / (case.middle(lambda each: each.raw.answered) / 2)
        frame = case.beside(lambda each: each.frame)
        statements = case.beside(lambda each: each.statements)
        lines.append(
            f"- {case.database}, {_works(case)}: {spent:.2f} ms of CPU in web processes "
            f"and database at {rate:.0f} answers/s, {rate * spent / 1000:.2f} of {_CORES} cores; "
            f"half of the yardstick's rate would leave {left:.2f} ms for everything, and frame "
            f"and statements alone take {frame:.2f} + {statements:.2f} ms"
        )
    return "\n".join(lines)


def report(rounds: int = 5) -> Section:
    """For the report of all: both databases."""
    cases = [
        case
        for database in DATABASES
        for case in measure(database, _REPORTED, _REPORTED_SECONDS, rounds, web=_CORES)
    ]
    return section(cases, rounds, _CORES)


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
    parser.add_argument("--web", type=int, default=_CORES, help="web processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    given = parser.parse_args()
    databases = list(DATABASES) if given.database == "both" else [given.database]
    combinations = [(works, clients) for works in given.artworks for clients in given.clients]
    cases = [
        case
        for database in databases
        for case in measure(database, combinations, given.seconds, given.rounds, given.web)
    ]
    told = section(cases, given.rounds, given.web)
    print(f"\n{machine()}\n\n{rendered(told)}")
    if given.json:
        print(json.dumps([asdict(case) for case in cases]))


if __name__ == "__main__":
    main()
