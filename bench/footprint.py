"""How soon everything is there after a start, and how much memory it takes.

    python -m bench.footprint [--rounds 5] [--database postgresql]

- `make run`: from the command to the first page, and until everything answers; on a new instance
  (migrated and seeded first) and on one that was run before. Installed before.
- `python wsgi.py`, Gunicorn and the worker, each alone on a migrated SQLite database: until the
  first answer, and until the first sweep is finished.
- memory (proportional share, PSS) of each process of a deployment at rest, and after a load of
  pages by 16 clients.
- what takes longest to import (`-X importtime`).
"""

import argparse
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import requests

from bench import load
from bench.figures import Goal, Section, Table, median, rendered
from bench.stage import DATABASES, ROOT, SECRET, WEBHOOK_SECRET, machine, raised
from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn

PAGE_GOAL_SECONDS, READY_GOAL_SECONDS = 10.0, 10.0
MEMORY_GOAL_MB = 150.0
_PATIENCE_SECONDS = 120
_CLIENTS, _LOAD_SECONDS = 16, 5.0
_IMPORTS_SHOWN = 10
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


def make_run(rounds: int) -> dict[str, list[float]]:
    """Seconds from `make run`'s command to the first page and to everything, first and again."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for when in ("first", "again"):
                page, ready = _run_once(Path(folder) / "instance")
                found.setdefault(f"make run, {when}: first page", []).append(page)
                found.setdefault(f"make run, {when}: everything", []).append(ready)
    return found


def _run_once(instance: Path) -> tuple[float, float]:
    port = free_port()
    began = time.monotonic()
    words = ["-m", "dev.run", "--instance", str(instance), "--port", str(port), "--json"]
    process = subprocess.Popen(
        [sys.executable, *words, "--stop-with-parent"],
        cwd=ROOT,
        env={**_kept(), "ENV_FILE": os.devnull},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    page: list[float] = []

    def look() -> None:
        _await(lambda: _answers(f"http://{LOOPBACK}:{port}/"))
        page.append(time.monotonic() - began)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        line = process.stdout.readline() if process.stdout else b""
        ready = time.monotonic() - began
        if not line or not json.loads(line):
            raise RuntimeError("make run did not start")
        looking.join(_PATIENCE_SECONDS)
        return page[0], ready
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        if process.stdout:
            process.stdout.close()


def programs(rounds: int) -> dict[str, list[float]]:
    """Seconds until each program does its work."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "bench.sqlite3"
        environment = {
            **_kept(),
            "ENV_FILE": os.devnull,
            "SECRET_KEY": SECRET,
            "PUBLIC_URL": f"http://{LOOPBACK}",
            "DATABASE_URL": f"sqlite:///{file}",
            "UPLOAD_DIR": str(Path(folder) / "uploads"),
            "STRIPE_SECRET_KEY": "sk_test_benchmarks",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_API_BASE": f"http://{LOOPBACK}:9",
        }
        migrating = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(migrating, env=environment, cwd=ROOT, check=True, capture_output=True)
        for _ in range(rounds):
            port = free_port()
            given = environment | {"PORT": str(port)}
            shown = partial(_answers, f"http://{LOOPBACK}:{port}/")
            gunicorn = ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"]
            for name, words, done in (
                ("python wsgi.py: first page", ["wsgi.py"], shown),
                ("gunicorn: first page", gunicorn, shown),
                ("worker: first sweep", ["worker.py"], partial(_swept, file)),
            ):
                with contextlib.closing(sqlite3.connect(file)) as database, database:
                    database.execute("DELETE FROM leases")
                began = time.monotonic()
                with _running(words, given):
                    _await(done)
                    found.setdefault(name, []).append(time.monotonic() - began)
    return found


@contextlib.contextmanager
def _running(words: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = spawn(
        [sys.executable, *words], cwd=ROOT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        end(process)


def _swept(file: Path) -> bool:
    with contextlib.closing(sqlite3.connect(file)) as database:
        found = database.execute(
            "SELECT 1 FROM leases WHERE name = 'sweep:payments' AND finished_at IS NOT NULL"
        )
        return found.fetchone() is not None


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=5).status_code == 200
    return False


def _await(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > until:
            raise RuntimeError("it did not start")
        time.sleep(0.02)


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def memory(database: str) -> list[tuple[str, list[float], list[float]]]:
    """Each part's processes in MB, at rest and after a load."""
    with raised(database, worker=True) as stage:
        for path in ("/", "/login"):
            requests.get(stage.url + path, timeout=10).raise_for_status()
        # The worker's first pass is over by then.
        time.sleep(3)
        rest = stage.memory_mb()
        asked = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
        load.generate(load.Load(LOOPBACK, stage.port, _CLIENTS, _LOAD_SECONDS, [asked]))
        busy = stage.memory_mb()
    return [(part, rest[part], busy[part]) for part in rest]


def imports() -> list[tuple[str, float]]:
    """The packages that take longest to import for the web process, in milliseconds.

    Each with the modules of its own and without those that it imports of others.
    """
    best: dict[str, float] = {}
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import app.wiring"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        taken: dict[str, float] = {}
        for found in _IMPORT.finditer(done.stderr):
            package = found[4].partition(".")[0]
            taken[package] = taken.get(package, 0.0) + int(found[1]) / 1000
        best = {name: min(ms, best.get(name, ms)) for name, ms in taken.items()}
    return sorted(best.items(), key=lambda each: -each[1])


def section(database: str, rounds: int) -> Section:
    """Everything measured."""
    times = make_run(rounds) | programs(rounds)
    for name, seconds in times.items():
        print(f"{name}: {median(seconds):.1f} s", flush=True)
    parts = memory(database)
    imported = imports()
    largest = max(share for part, _, busy in parts if part == "web" for share in busy)
    first, ready = (
        median(times[f"make run, first: {what}"]) for what in ("first page", "everything")
    )
    return Section(
        "Start and footprint",
        "Seconds from a command to what it is for, and memory (PSS) of each process of a deployment"
        f" on {database} with two web processes, at rest and after {_LOAD_SECONDS:.0f} s of pages"
        f" asked for by {_CLIENTS} clients. A new instance of `make run` is migrated and seeded.",
        [
            Table(
                ("start", "starts", "median s", "longest s"),
                [(name, len(each), f"{median(each):.1f}", f"{max(each):.1f}")
                 for name, each in times.items()],
            ),
            Table(
                ("part", "at rest, MB each", "after the load, MB each"),
                [(part, " ".join(f"{n:.0f}" for n in rest), " ".join(f"{n:.0f}" for n in busy))
                 for part, rest, busy in parts],
            ),
            Table(
                ("package", "import ms"),
                [(name, f"{ms:.0f}") for name, ms in imported[:_IMPORTS_SHOWN]],
                f"Imports of the web process: {sum(ms for _, ms in imported):.0f} ms in all.",
            ),
        ],
        [
            Goal("make run, new instance: first page", f"≤ {PAGE_GOAL_SECONDS:.0f} s",
                 f"{first:.1f} s", first <= PAGE_GOAL_SECONDS),
            Goal("make run, new instance: everything", f"≤ {READY_GOAL_SECONDS:.0f} s",
                 f"{ready:.1f} s", ready <= READY_GOAL_SECONDS),
            Goal("largest web process after the load", f"≤ {MEMORY_GOAL_MB:.0f} MB",
                 f"{largest:.0f} MB", largest <= MEMORY_GOAL_MB),
        ],
        "The goals here are our own: nobody asked for numbers.",
    )  # fmt: skip


def report(rounds: int = 5) -> Section:
    """For the report of all."""
    return section("postgresql", rounds)


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.footprint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", choices=DATABASES, default="postgresql")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    told = section(given.database, given.rounds)
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
