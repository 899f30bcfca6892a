"""All benchmarks one after another, and `bench/REPORT.md` with what they found.

    python -m bench [--only bids pages …] [--rounds 5] [--to bench/REPORT.md]

Each runs in a process of its own. One that fails is told in the report and takes nothing from the
others; the command then ends with 1. A goal that is missed is no failure: the report says so.
"""

import argparse
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
import sqlite3
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis

from app.core import clock
from bench import speed
from bench.figures import Section, met, rendered, table
from bench.speed import WORK, Speed
from dev.postgres_server import start_postgres
from dev.redis_server import start_redis

NAMES = ("bids", "pages", "webhooks", "live", "settlement", "growth", "footprint")
REPORT = Path(__file__).with_name("REPORT.md")
# Other programs take this share of one core at most while a quiet machine is measured.
_QUIET_LOAD = 0.5


@dataclass(frozen=True)
class Outcome:
    """What came of one benchmark: its section, or the error that ended it.

    `speeds` are the machine's before and after it.
    """

    name: str
    seconds: float
    section: Section | None = None
    error: str = ""
    speeds: tuple[Speed, ...] = ()


def run(name: str, rounds: int) -> Outcome:
    """Run one benchmark in a process of its own."""
    began, before = time.monotonic(), speed.measure()
    # Not forked: an application's threads and connections of one are nothing to the next.
    fresh = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            section = process.submit(_section, name, rounds).result()
    except Exception as problem:
        # The cause is what happened over there; our own side of it tells nothing.
        error = str(problem.__cause__ or "".join(traceback.format_exception(problem)))
        return Outcome(name, time.monotonic() - began, error=error)
    return Outcome(name, time.monotonic() - began, section, speeds=(before, speed.measure()))


def _section(name: str, rounds: int) -> Section:
    report: Callable[[int], Section] = importlib.import_module(f"bench.{name}").report
    return report(rounds)


def surroundings() -> list[tuple[str, str]]:
    """The machine and the versions that matter for the figures."""
    memory = psutil.virtual_memory().total / 2**30
    with start_postgres() as server, psycopg.connect(server.url) as connection:
        postgres = connection.info.parameter_status("server_version") or "unknown"
    with start_redis() as store, redis.Redis.from_url(store.url) as client:
        redis_version = str(client.info("server")["redis_version"])
    packages = [
        f"{name} {importlib.metadata.version(name)}"
        for name in ("flask", "sqlalchemy", "psycopg", "gunicorn", "python-socketio")
    ]
    return [
        ("machine", f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("PostgreSQL", postgres),
        ("SQLite", sqlite3.sqlite_version),
        ("Redis", redis_version),
        ("packages", ", ".join(packages)),
    ]


def _processor() -> str:
    # Linux names it only here; platform.processor() is empty there.
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def document(
    outcomes: Sequence[Outcome], facts: Sequence[tuple[str, str]], load: float, rounds: int,
    command: str,
) -> str:  # fmt: skip
    """The report as Markdown; `load` is the load average before the first benchmark."""
    seconds = sum(outcome.seconds for outcome in outcomes)
    times = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    parts = [
        "# What was measured",
        f"{clock.now():%Y-%m-%d %H:%M} UTC, by `{command}`, in {_minutes(seconds)}: {times} where"
        " nothing else is said, by turns with the yardstick of the same run.",
        table(("", ""), [*facts, ("load average at the start", f"{load:.2f}")]),
    ]
    if load > _QUIET_LOAD:
        parts.append(
            f"**The machine was not quiet:** other programs ran when this began (load average"
            f" {load:.2f}). Times are longer than they would be; ratios and CPU suffer less."
        )
    parts += ["## Goals", _summary(outcomes), _all_goals(outcomes)]
    for outcome in outcomes:
        again = f"`python -m bench.{outcome.name}`, {_minutes(outcome.seconds)}"
        if outcome.speeds:
            again += f"; {_how_fast(outcome.speeds)}"
        if outcome.section is not None:
            parts += [rendered(outcome.section, goals=False), again]
        else:
            parts.append(f"## {outcome.name}\n\nThis failed ({again}):\n\n{_fenced(outcome)}")
    parts.append(
        "## To repeat\n\n`make bench` measures everything and writes this file;"
        ' `make bench ARGS="--only bids pages"` some of it. Every section ends with the command'
        " that measures it alone, with more choices (`--help`). All of it needs what `make test`"
        " needs and nothing else; let nothing else run meanwhile."
    )
    return "\n\n".join(parts) + "\n"


def _how_fast(speeds: Sequence[Speed]) -> str:
    alone = " and ".join(f"{each.alone:.1f} ms" for each in speeds)
    together = " and ".join(f"{each.together:.1f} ms" for each in speeds)
    return f"before and after it, {WORK} took {alone} of CPU, and {together} while all cores did so"


def _summary(outcomes: Sequence[Outcome]) -> str:
    goals = [goal for each in outcomes if each.section for goal in each.section.goals]
    failed = [each.name for each in outcomes if each.section is None]
    words = [f"{sum(goal.met for goal in goals)} of {len(goals)} goals are met"]
    if failed:
        words.append(f"{' and '.join(failed)} failed and told nothing")
    return "; ".join(words) + "."


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _all_goals(outcomes: Sequence[Outcome]) -> str:
    rows: list[tuple[str, str, str, str, str]] = []
    for outcome in outcomes:
        if outcome.section is None:
            rows.append((outcome.name, "", "", "", "**failed**"))
            continue
        rows += [
            (outcome.name, goal.name, goal.goal, goal.reached, met(goal))
            for goal in outcome.section.goals
        ]
    return table(("benchmark", "goal", "asked", "reached", ""), rows)


def _fenced(outcome: Outcome) -> str:
    return f"```\n{outcome.error.strip()}\n```"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the report, and exit with 1 when a benchmark failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME",
                        help=f"some of: {', '.join(NAMES)}")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--to", type=Path, default=REPORT, help="the report's file")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    load = os.getloadavg()[0]
    facts = surroundings()
    outcomes: list[Outcome] = []
    only = [name for name in NAMES if name in given.only]
    for number, name in enumerate(only, 1):
        print(f"== {name} ({number} of {len(only)}, {clock.now():%H:%M:%S} UTC)", flush=True)
        outcomes.append(run(name, given.rounds))
        last = outcomes[-1]
        print(last.error or f"== {name} took {last.seconds:.0f} s", flush=True)
        # Written after each, so that what is there survives whatever comes next.
        words = [] if only == list(NAMES) else ["--only", *only]
        command = " ".join(["python -m bench", *words, f"--rounds {given.rounds}"])
        given.to.write_text(document(outcomes, facts, load, given.rounds, command))
    print(f"\n{_all_goals(outcomes)}\n\n{_summary(outcomes)}\n{given.to}", flush=True)
    return 1 if any(outcome.section is None for outcome in outcomes) else 0
