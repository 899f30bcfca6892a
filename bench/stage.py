"""The product as it is deployed, on this machine: database, Redis, Gunicorn; and what each uses."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dev.loopback import LOOPBACK, free_port
from dev.postgres_server import start_postgres
from dev.processes import end, spawn
from dev.redis_server import start_redis

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("postgresql", "sqlite")
SECRET = "benchmarks-0123456789-abcdefghijk"
WEBHOOK_SECRET = "whsec_benchmarks_0123456789"
_START_SECONDS = 60


@dataclass
class Stage:
    """A running product. `pids` are the roots of its parts' process trees."""

    database: str
    url: str
    port: int
    environment: dict[str, str]
    pids: dict[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """CPU used so far by each part, children included."""
        return {name: _tree_cpu(pid) for name, pid in self.pids.items()}

    def memory_mb(self) -> dict[str, list[float]]:
        """Resident memory (proportional share) of each part's processes, in MB."""
        found = {}
        for name, pid in self.pids.items():
            shares = []
            for process in _tree(pid):
                with contextlib.suppress(psutil.Error):
                    shares.append(round(process.memory_full_info().pss / 1e6, 1))
            found[name] = shares
        return found


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _tree_cpu(pid: int) -> float:
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            # Children that ended are counted by their parent.
            total += times.user + times.system + times.children_user + times.children_system
    return total


@contextlib.contextmanager
def raised(
    database: str, *, web: int = 2, worker: bool = False, with_redis: bool = True, **settings: str
) -> Iterator[Stage]:
    """Start everything on loopback with durable commits, migrated and empty; end it afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        pids = {}
        if database == "postgresql":
            postgres = stack.enter_context(start_postgres(fsync=True))
            address = postgres.create_database("bench")
            pids["database"] = postgres.pid
        else:
            address = f"sqlite:///{folder / 'bench.sqlite3'}"
        port = free_port()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "ENV_FILE": os.devnull,
            "SECRET_KEY": SECRET,
            "PUBLIC_URL": f"http://{LOOPBACK}:{port}",
            "PORT": str(port),
            "WEB_CONCURRENCY": str(web),
            "DATABASE_URL": address,
            "UPLOAD_DIR": str(folder / "uploads"),
            "STRIPE_SECRET_KEY": "sk_test_benchmarks",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            # Nobody listens there: a benchmark never reaches Stripe.
            "STRIPE_API_BASE": f"http://{LOOPBACK}:9",
            "RATELIMIT_ENABLED": "0",
            **settings,
        }
        if with_redis:
            redis = stack.enter_context(start_redis())
            environment["REDIS_URL"] = redis.url
            pids["redis"] = redis.pid
        _flask(environment, "db", "upgrade")
        log = stack.enter_context((folder / "log").open("wb"))
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"]
        server = spawn(gunicorn, cwd=ROOT, env=environment, stdout=log, stderr=log)
        stack.callback(end, server)
        pids["web"] = server.pid
        if worker:
            helper = spawn(
                [sys.executable, "worker.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            stack.callback(end, helper)
            pids["worker"] = helper.pid
        url = f"http://{LOOPBACK}:{port}"
        _await(f"{url}/health/ready", folder / "log")
        yield Stage(database, url, port, environment, pids)


@contextlib.contextmanager
def yardstick(stage: Stage, name: str, given: bytes) -> Iterator[Stage]:
    """The Flask application `bench.<name>:app` under the product's Gunicorn settings.

    It finds `given` in the file that BENCH_GIVEN names.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "given"
        file.write_bytes(given)
        port = free_port()
        environment = stage.environment | {"PORT": str(port), "BENCH_GIVEN": str(file)}
        command = ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", f"bench.{name}:app"]
        with (Path(folder) / "log").open("wb") as log:
            server = spawn(
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            try:
                url = f"http://{LOOPBACK}:{port}"
                _await(f"{url}/", Path(folder) / "log")
                yield Stage("none", url, port, environment, {"web": server.pid})
            finally:
                end(server)


def _flask(environment: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _await(url: str, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text()[-3000:]}")


def machine() -> str:
    """This machine in a line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {sys.version.split()[0]}, "
        f"disk {shutil.disk_usage('/').total / 2**30:.0f} GiB"
    )
