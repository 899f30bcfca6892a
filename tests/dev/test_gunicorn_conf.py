"""Gunicorn takes the settings file, and reads the address from the environment or .env."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.realtime.doors import GREENLETS, THREADS

ROOT = Path(__file__).parents[2]
WEB, LIVE = "deploy/gunicorn.conf.py", "deploy/gunicorn-live.conf.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder as a deployment has it: the settings file, an application, perhaps a .env."""
    (tmp_path / "deploy").mkdir()
    for name in (WEB, LIVE):
        shutil.copy(ROOT / name, tmp_path / "deploy")
    (tmp_path / "wsgi.py").write_text("def app(environ, start_response): ...\n")
    return tmp_path


def settings(checkout: Path, file: str = WEB, **environment: str) -> dict[str, str]:
    """Return what Gunicorn makes of a file of its settings, by name."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in {"HOST", "PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "ENV_FILE"}
    }
    command = [sys.executable, "-m", "gunicorn", "--print-config"]
    done = subprocess.run(
        [*command, "-c", file, "wsgi:app"],
        cwd=checkout,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_the_address_is_the_usual_one_unless_set(checkout: Path) -> None:
    read = settings(checkout)
    assert read["bind"] == "['127.0.0.1:5000']"
    assert read["workers"] == "1"


def test_the_address_comes_from_the_environment(checkout: Path) -> None:
    read = settings(checkout, HOST="127.0.0.2", PORT="6001", WEB_CONCURRENCY="3")
    assert read["bind"] == "['127.0.0.2:6001']"
    assert read["workers"] == "3"


def test_the_file_is_read_but_the_environment_goes_first(checkout: Path) -> None:
    (checkout / ".env").write_text("HOST=127.0.0.3\nPORT=6002\nWEB_CONCURRENCY=2\n")

    read = settings(checkout, PORT="6003")

    assert read["bind"] == "['127.0.0.3:6003']"
    assert read["workers"] == "2"


def test_another_file_can_be_named(checkout: Path) -> None:
    (checkout / ".env").write_text("PORT=6002\n")
    (checkout / "other").write_text("PORT=6004\n")
    assert settings(checkout, ENV_FILE="other")["bind"] == "['127.0.0.1:6004']"


def test_a_long_address_is_written_with_brackets(checkout: Path) -> None:
    assert settings(checkout, HOST="::1")["bind"] == "['[::1]:5000']"


def test_open_pages_do_not_use_up_the_threads_and_nobody_is_believed_here(
    checkout: Path,
) -> None:
    read = settings(checkout)
    assert "gthread" in read["worker_class"].lower()
    assert int(read["threads"]) >= THREADS.in_all + 20
    assert read["preload_app"] == "False"
    assert read["forwarded_allow_ips"] == "[]"
    assert read["accesslog"] == "None"
    assert read["control_socket_disable"] == "True"


def test_live_updates_run_as_greenlets_with_the_other_settings_of_the_web_process(
    checkout: Path,
) -> None:
    environment = {"HOST": "127.0.0.2", "PORT": "5001", "WEB_CONCURRENCY": "3"}
    web, live = settings(checkout, **environment), settings(checkout, LIVE, **environment)

    assert "gevent" in live["worker_class"].lower()
    assert live["workers"] == "1"
    assert int(live["worker_connections"]) > GREENLETS.in_all
    differ = {name for name in web if web[name] != live[name]}
    assert differ == {
        "config", "worker_class", "worker_connections", "workers", "graceful_timeout"
    }  # fmt: skip


@pytest.mark.parametrize("file", [WEB, LIVE])
def test_wrong_settings_end_the_server_at_once_and_all_are_named(file: str) -> None:
    command = [sys.executable, "-m", "gunicorn", "-c", file, "wsgi:app"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "TRUSTED_PROXIES": "many"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    for name in ("SECRET_KEY", "PUBLIC_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        assert f"  {name}: is missing" in ended.stderr
    assert "  TRUSTED_PROXIES: " in ended.stderr


@pytest.mark.parametrize("file", [WEB, LIVE])
@pytest.mark.parametrize(
    "wrong",
    [
        {"WEB_CONCURRENCY": "abc", "PORT": "abc"},
        {"WEB_CONCURRENCY": "-1", "PORT": "-1"},
        {"WEB_CONCURRENCY": "0", "PORT": "99999"},
        {"WEB_CONCURRENCY": "nan", "PORT": "inf"},
        {"WEB_CONCURRENCY": "1.5", "PORT": "5e3"},
        {"HOST": "a:b", "PORT": "x"},
        {"HOST": "fd://x"},
        {"HOST": "300.1.1.1"},
    ],
)
def test_what_gunicorn_itself_cannot_use_is_told_with_the_rest(
    file: str, wrong: dict[str, str], tmp_path: Path
) -> None:
    settings = tmp_path / "env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in wrong.items()))
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", file, "wsgi:app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": str(settings)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    told = {line.strip().partition(":")[0] for line in ended.stderr.splitlines() if "; ex" in line}
    required = {"SECRET_KEY", "PUBLIC_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}
    assert told == required | set(wrong)


def test_a_port_in_the_environment_that_is_none_is_told_as_well() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", WEB, "wsgi:app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "PORT": "abc"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert "  PORT: " in ended.stderr
    assert "  SECRET_KEY: is missing" in ended.stderr


def test_a_number_is_read_as_the_product_reads_it(checkout: Path) -> None:
    (checkout / ".env").write_text("PORT=6002.0\n")
    assert settings(checkout)["bind"] == "['127.0.0.1:6002']"
