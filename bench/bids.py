"""Bids on one hot artwork and spread over many, against the database's own limit.

`python -m bench.bids --help` tells the choices.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from bench import load, raw
from bench.figures import median, percentile, table
from bench.people import add_artworks, add_people, product
from bench.stage import DATABASES, Stage, machine, raised

_CORES = 2
_BIDDERS = 16
_FIRST_CENTS = 1_000


@dataclass(frozen=True)
class Round:
    """One interleaved pair of measurements; rates in accepted bids a second."""

    rate: float
    rate_without_generator: float
    refused_share: float
    cpu_milliseconds: float
    database_cpu_milliseconds: float
    p50: float
    p95: float
    failures: float
    longest_silence: float
    raw_rate: float
    raw_p95: float


def measure(
    database: str, clients: int, artworks: int, seconds: float, rounds: int, web: int
) -> list[Round]:
    """So many interleaved rounds of product and raw statements on a stage of their own."""
    with raised(database, web=web) as stage:
        with product(stage) as app:
            tokens = add_people(_BIDDERS)
            works = add_artworks(artworks)
            recorded = raw.record(app, tokens[0], works[0], _FIRST_CENTS)
        heads = [
            "POST /api/bids HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
            for token in tokens
        ]
        cents = _FIRST_CENTS + 10
        found = []
        _, cents = _product(stage, heads, works, clients, 1.0, cents)
        for _ in range(rounds):
            mine, cents = _product(stage, heads, works, clients, seconds, cents)
            theirs = raw.run(
                raw.RawLoad(
                    address=_address(stage),
                    connections=clients,
                    seconds=seconds,
                    recorded=asdict(recorded),
                    artworks=works,
                    first_cents=cents + 1,
                    step=1,
                )
            )
            cents = theirs.last_cents + 1
            found.append(
                Round(
                    **mine,
                    raw_rate=theirs.placed / theirs.wall_seconds,
                    raw_p95=percentile(theirs.milliseconds, 0.95),
                )
            )
    return found


def _product(
    stage: Stage, heads: list[str], works: list[int], clients: int, seconds: float, cents: int
) -> tuple[dict[str, float], int]:
    before = stage.cpu_seconds()
    answered = load.generate(
        load.Load(
            host=str(urlsplit(stage.url).hostname),
            port=stage.port,
            connections=clients,
            seconds=seconds,
            requests=heads,
            artworks=works,
            first_cents=cents,
        )
    )
    after = stage.cpu_seconds()
    placed = answered.of(201)
    if not placed:
        raise RuntimeError(f"no bid was placed: {answered.statuses}")
    all_answers = sum(answered.statuses.values())
    figures = {
        "rate": placed / answered.wall_seconds,
        "rate_without_generator": placed
        / (answered.wall_seconds - answered.own_cpu_seconds / _CORES),
        "refused_share": answered.of(409) / all_answers,
        "cpu_milliseconds": (after["web"] - before["web"]) * 1000 / all_answers,
        "database_cpu_milliseconds": (after.get("database", 0) - before.get("database", 0))
        * 1000
        / all_answers,
        "p50": percentile(answered.milliseconds, 0.5),
        "p95": percentile(answered.milliseconds, 0.95),
        "failures": all_answers - placed - answered.of(409),
        "longest_silence": answered.longest_silence_seconds,
    }
    return figures, answered.last_cents + 1


def _address(stage: Stage) -> str:
    return stage.environment["DATABASE_URL"]


def rows(
    databases: list[str], clients: list[int], artworks: list[int], seconds: float, rounds: int,
    web: int,
) -> list[list[str]]:  # fmt: skip
    """A line of medians for every combination."""
    lines = []
    for database in databases:
        for works in artworks:
            for number in clients:
                found = measure(database, number, works, seconds, rounds, web)
                lines.append(_line(database, works, number, found))
                print(" ".join(lines[-1]), flush=True)
    return lines


HEADS = (
    "database", "artworks", "clients", "bids/s", "without generator", "raw/s", "ratio",
    "CPU ms/bid", "database ms", "p50 ms", "p95 ms", "raw p95", "refused", "failed",
    "longest silence s",
)  # fmt: skip


def _line(database: str, works: int, clients: int, found: list[Round]) -> list[str]:
    def middle(name: str) -> float:
        return median(getattr(each, name) for each in found)

    ratio = median(each.rate_without_generator / each.raw_rate for each in found)
    return [
        database,
        str(works),
        str(clients),
        f"{middle('rate'):.0f}",
        f"{middle('rate_without_generator'):.0f}",
        f"{middle('raw_rate'):.0f}",
        f"{ratio:.0%}",
        f"{middle('cpu_milliseconds'):.2f}",
        f"{middle('database_cpu_milliseconds'):.2f}",
        f"{middle('p50'):.1f}",
        f"{middle('p95'):.1f}",
        f"{middle('raw_p95'):.1f}",
        f"{middle('refused_share'):.0%}",
        f"{max(each.failures for each in found):.0f}",
        f"{max(each.longest_silence for each in found):.2f}",
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--artworks", type=int, nargs="+", default=[1, 200])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--web", type=int, default=2, help="web processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    given = parser.parse_args()
    databases = list(DATABASES) if given.database == "both" else [given.database]
    lines = rows(databases, given.clients, given.artworks, given.seconds, given.rounds, given.web)
    print(f"\n{machine()}; {given.web} web processes; medians of {given.rounds} rounds\n")
    print(table(HEADS, lines))
    if given.json:
        print(json.dumps([dict(zip(HEADS, line, strict=True)) for line in lines]))


if __name__ == "__main__":
    main()
