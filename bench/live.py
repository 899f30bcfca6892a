"""A thousand watchers of one artwork, while a hundred bids a second arrive and pages are asked for.

    python -m bench.live [--watchers 1000] [--rounds 5] [--models greenlets threads together]

Measured for each way to serve sockets, against a bare loop that writes the same bytes:

- `greenlets`: a live process of its own under Gunicorn's gevent worker, as deploy/ has it
- `threads`: a live process of its own under Gunicorn's threads
- `together`: the web processes themselves, with threads enough

Two web processes, PostgreSQL with fsync, Redis. `behind` is the time from the moment a bid was sent
until the last of all watchers had been told of it or of a higher one.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import requests

from bench import paced
from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.people import add_artworks, add_people, product
from bench.stage import ROOT, Stage, machine, raised
from bench.watchers import Heard, NotConnected, Watching, crowd
from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn

BIDS_PER_SECOND, PAGES_PER_SECOND = 100, 10
BEHIND_GOAL_MS, PAGES_GOAL_MS = 1_000, 300
MODELS = ("greenlets", "threads", "together")
_PER_ADDRESS = 25
_BIDDERS = 16
_THREADS = "2000"
_SETTLE_SECONDS = 1.5
_UPDATES_PER_SECOND = 4
_CPU = "sockets' CPU"
HEADS = (
    "model", "connected in s", "bids/s", "told/s", "behind p50 ms", "behind p95 ms",
    "behind max ms", "pages p50 ms", "pages p95 ms", _CPU, "µs CPU/told",
    "kB/watcher", "threads", "lost",
)  # fmt: skip


@dataclass(frozen=True)
class Round:
    """One model, once. Shares of CPU are of one core."""

    connected_seconds: float
    bids: float
    told: float
    behind: list[float] = field(repr=False)
    pages: list[float] = field(repr=False)
    cpu_share: float
    kilobytes: float
    threads: int
    lost: int
    failed: int


@dataclass(frozen=True)
class Model:
    """Where watchers connect, where pages and bids are asked for; the root of the sockets' part."""

    name: str
    sockets_port: int
    pages_port: int
    pid: int


@contextmanager
def served(stage: Stage, name: str) -> Iterator[Model]:
    """The stage's product with its sockets served in one of the ways."""
    port = free_port()
    options = {
        "greenlets": ["-c", "deploy/gunicorn-live.conf.py", "wsgi:app"],
        "threads": ["-c", "deploy/gunicorn.conf.py", "--workers", "1", "--threads", _THREADS,
                    "--worker-connections", _THREADS, "bench.many_threads:app"],
        "together": ["-c", "deploy/gunicorn.conf.py", "--threads", _THREADS,
                     "--worker-connections", _THREADS, "bench.many_threads:app"],
        "bare": [],
    }[name]  # fmt: skip
    command = (
        ["-m", "gunicorn", *options]
        if options
        else ["-m", "bench.bare_live", str(port), str(_UPDATES_PER_SECOND)]
    )
    server = spawn(
        [sys.executable, *command],
        cwd=ROOT,
        env=stage.environment | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, web=bool(options))
        yield Model(name, port, port if name == "together" else stage.port, server.pid)
    finally:
        end(server)


def _await(port: int, web: bool) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if not web or requests.get(f"http://{LOOPBACK}:{port}/health", timeout=5).ok:
                return
        time.sleep(0.1)
    raise RuntimeError("a process for sockets did not start")


class Bench:
    """A stage with one artwork and its bidders."""

    def __init__(self, stage: Stage, watchers: int, seconds: float) -> None:
        self._stage = stage
        self._watchers = watchers
        self._seconds = seconds
        with product(stage):
            self._bidders = [
                "POST /api/bids HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {token}\r\n"
                for token in add_people(_BIDDERS)
            ]
            [self._artwork_id] = add_artworks(1)
        self._cents = 1_000

    def measure(self, model: Model) -> Round:
        """One round: connect everybody, bid and look at pages, and ask what everybody heard."""
        try:
            return self._measured(model)
        except NotConnected as refused:
            print(f"{model.name}: {refused}", file=sys.stderr, flush=True)
            never = [float("inf")]
            return Round(never[0], 0, 0, never, never, 0, 0, 0, lost=self._watchers, failed=0)

    def _measured(self, model: Model) -> Round:
        watchers = 0 if model.name == "nobody" else self._watchers
        at_rest = _memory(model.pid)
        with crowd(self._watching(model, watchers)) as watching:
            together = _memory(model.pid)
            threads = sum(process.num_threads() for process in _tree(model.pid))
            before, began = _cpu(model.pid), time.monotonic()
            asked = paced.finish(paced.start(self._load(model)))
            time.sleep(_SETTLE_SECONDS)
            after, ended = _cpu(model.pid), time.monotonic()
            heard = watching.heard()
        bids = [each for each in asked if each.cents and each.status == 201]
        pages = [each.milliseconds for each in asked if not each.cents]
        return Round(
            connected_seconds=watching.connected_seconds,
            bids=len(bids) / self._seconds,
            told=sum(map(len, heard.news)) / (ended - began),
            behind=(_behind(bids, heard) or [float("inf")]) if watchers else [],
            pages=pages,
            cpu_share=(after - before) / (ended - began),
            kilobytes=(together - at_rest) / watchers / 1000 if watchers else 0,
            threads=threads,
            lost=heard.lost,
            failed=sum(each.status not in (200, 201, 409) for each in asked),
        )

    def measure_bare(self, model: Model) -> Round:
        """The yardstick's round."""
        at_rest = _memory(model.pid)
        with crowd(self._watching(model, self._watchers, bare=True)) as watching:
            together = _memory(model.pid)
            before, began = _cpu(model.pid), time.monotonic()
            time.sleep(self._seconds)
            after, ended = _cpu(model.pid), time.monotonic()
            heard = watching.heard()
        last: dict[int, float] = {}
        for news in heard.news:
            for moment, cents in news:
                last[cents] = max(last.get(cents, 0), moment)
        return Round(
            connected_seconds=watching.connected_seconds,
            bids=0,
            told=sum(map(len, heard.news)) / (ended - began),
            behind=[(moment - cents / 10_000) * 1000 for cents, moment in last.items()],
            pages=[],
            cpu_share=(after - before) / (ended - began),
            kilobytes=(together - at_rest) / self._watchers / 1000,
            threads=1,
            lost=heard.lost,
            failed=0,
        )

    def _watching(self, model: Model, watchers: int, bare: bool = False) -> Watching:
        return Watching(
            LOOPBACK, model.sockets_port, watchers, _PER_ADDRESS, self._artwork_id, bare
        )

    def _load(self, model: Model) -> paced.Paced:
        first = self._cents
        self._cents += int(BIDS_PER_SECOND * self._seconds) + 1
        head = "HTTP/1.1\r\nHost: bench\r\n"
        return paced.Paced(
            host=LOOPBACK,
            port=model.pages_port,
            seconds=self._seconds,
            bids_per_second=BIDS_PER_SECOND,
            bidders=self._bidders,
            artwork_id=self._artwork_id,
            first_cents=first,
            pages_per_second=PAGES_PER_SECOND,
            pages=[f"GET /artworks/{self._artwork_id} {head}", f"GET / {head}"],
        )


def _behind(bids: list[paced.Asked], heard: Heard) -> list[float]:
    """For each bid the milliseconds until the last watcher knew of it; infinite for never."""
    ordered = sorted(bids, key=lambda bid: bid.cents)
    amounts = [bid.cents for bid in ordered]
    last = [0.0] * len(ordered)
    for news in heard.news:
        known = 0
        for moment, cents in news:
            beyond = bisect_left(amounts, cents + 1)
            for number in range(known, beyond):
                last[number] = max(last[number], moment)
            known = max(known, beyond)
        for number in range(known, len(ordered)):
            last[number] = float("inf")
    return [(moment - bid.sent_at) * 1000 for bid, moment in zip(ordered, last, strict=True)]


def _await_quiet(pids: Sequence[int]) -> None:
    """Until a model that was overloaded takes nothing from the next; for half a minute at most."""
    for _ in range(60):
        before = sum(map(_cpu, pids))
        time.sleep(0.5)
        if sum(map(_cpu, pids)) - before < 0.05:
            return
    print("the last round's processes are still at work", file=sys.stderr, flush=True)


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _cpu(pid: int) -> float:
    total = 0.0
    for process in _tree(pid):
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _memory(pid: int) -> float:
    return float(sum(process.memory_full_info().pss for process in _tree(pid)))


def measure(
    models: Sequence[str], watchers: int, seconds: float, rounds: int
) -> dict[str, list[Round]]:
    """Every model's rounds, interleaved, and those of the yardsticks (`bare`, `nobody`)."""
    found: dict[str, list[Round]] = {name: [] for name in ["bare", "nobody", *models]}
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(raised("postgresql"))
        bench = Bench(stage, watchers, seconds)
        running = [
            Model("nobody", 0, stage.port, stage.pids["web"])
            if name == "nobody"
            else stack.enter_context(served(stage, name))
            for name in found
        ]
        for number in range(1, rounds + 1):
            for model in running:
                ask = bench.measure_bare if model.name == "bare" else bench.measure
                found[model.name].append(ask(model))
                line = _line(model.name, found[model.name][-1:])
                print(f"round {number}:", " ".join(line), flush=True)
                _await_quiet([model.pid, stage.pids["web"]])
    return found


def _line(name: str, rounds: list[Round]) -> list[str]:
    def middle(attribute: str) -> float:
        return median(getattr(each, attribute) for each in rounds)

    def share(attribute: str, part: float) -> str:
        if not getattr(rounds[0], attribute):
            return ""
        return f"{median(percentile(getattr(each, attribute), part) for each in rounds):.0f}"

    return [
        name,
        f"{middle('connected_seconds'):.1f}",
        f"{middle('bids'):.0f}",
        f"{middle('told'):.0f}",
        share("behind", 0.5),
        share("behind", 0.95),
        share("behind", 1),
        share("pages", 0.5),
        share("pages", 0.95),
        f"{middle('cpu_share'):.0%}",
        f"{median(1e6 * each.cpu_share / each.told for each in rounds if each.told):.0f}",
        # A process keeps much of what its first watchers took.
        f"{max(each.kilobytes for each in rounds):.0f}",
        f"{middle('threads'):.0f}",
        str(max(each.lost + each.failed for each in rounds)),
    ]


def report(
    rounds: int = 5, models: Sequence[str] = MODELS, watchers: int = 1_000, seconds: float = 8
) -> Section:
    """What was measured, as a section of the report."""
    found = measure(models, watchers, seconds, rounds)
    lines = [_line(name, each) for name, each in found.items()]
    chosen = found[models[0]]
    behind = max(percentile(each.behind, 1) for each in chosen)
    pages = median(percentile(each.pages, 0.95) for each in chosen)
    alone = median(percentile(each.pages, 0.95) for each in found["nobody"])
    failed = sum(each.failed for each in chosen)
    return Section(
        title=f"Live: {watchers:,} watchers of one artwork",
        about=(
            f"{watchers} sockets from {-(-watchers // _PER_ADDRESS)} addresses watch one artwork "
            f"while {BIDS_PER_SECOND} bids and {PAGES_PER_SECOND} pages a second are asked of two "
            "web processes (PostgreSQL with fsync, Redis), for each way to serve the sockets. "
            "`behind` is the time from the moment a bid was sent until the last of all watchers "
            "knew of it or of a higher one. Yardsticks: `bare`, a loop that writes the same bytes "
            f"to as many sockets {_UPDATES_PER_SECOND} times a second and does nothing else; and "
            "`nobody`, the same bids and pages without a watcher."
        ),
        tables=(Table(HEADS, lines),),
        goals=(
            Goal("every watcher sees the last state", f"≤ {BEHIND_GOAL_MS} ms later, the slowest "
                 "watcher of the slowest bid of all rounds", f"{behind:.0f} ms",
                 behind <= BEHIND_GOAL_MS),
            Goal("pages meanwhile", f"p95 ≤ {PAGES_GOAL_MS} ms, and no request fails",
                 f"{pages:.0f} ms ({alone:.0f} ms without watchers), {failed} failed",
                 pages <= PAGES_GOAL_MS and not failed),
        ),
        notes=_reasons(found, models),
    )  # fmt: skip


def _reasons(found: dict[str, list[Round]], models: Sequence[str]) -> str:
    def told(name: str) -> str:
        line = dict(zip(HEADS, _line(name, found[name]), strict=True))
        return (
            f"{line[_CPU]} of a core, {line['kB/watcher']} kB a watcher, {line['threads']} threads"
        )

    others = "; ".join(f"`{name}`: {told(name)}" for name in models[1:])
    return (
        "Sockets are served by one live process of greenlets. With threads the library needs four "
        "for each socket (the request, a reader, a writer, a pinger), and every update wakes a "
        "thousand of them to compete for one interpreter lock, the pages' threads among them where "
        f"they share the process. `{models[0]}`: {told(models[0])}; {others}. A packet is encoded "
        "once for all watchers; figures of one artwork go out at most four times a second; and "
        "messages are not compressed, which would cost each socket its own zlib state."
    )


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--watchers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    given = parser.parse_args()
    told = report(given.rounds, given.models, given.watchers, given.seconds)
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
