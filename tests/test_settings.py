"""Settings: every fault told at once by the real process, and nothing unsafe accepted."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import EXAMPLES, INSTANCE, Settings, SettingsError, read_settings
from tests.databases import REQUIRED, ROOT, environment, run_flask

LIVE = {"STRIPE_SECRET_KEY": "sk_live_realmoney"}


def start(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python wsgi.py` with exactly these settings; it must end by itself."""
    kept = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "UPLOAD_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "wsgi.py"],
        env=kept | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def problems(**settings: str) -> list[str]:
    """What is wrong with the required settings and these; empty when nothing is."""
    try:
        read_settings(REQUIRED | settings)
    except SettingsError as wrong:
        return wrong.problems
    return []


def test_without_settings_the_process_names_every_missing_one_and_exits_with_2(
    tmp_path: Path,
) -> None:
    done = start(tmp_path)
    assert done.returncode == 2
    for name in ("SECRET_KEY", "PUBLIC_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        assert f"{name}: is missing; example: " in done.stderr
    assert "Traceback" not in done.stderr


def test_every_wrong_setting_is_told_at_once_with_an_example(tmp_path: Path) -> None:
    wrong = {
        "SECRET_KEY": "short",
        "PUBLIC_URL": "bids.example.com",
        "PORT": "http",
        "WEB_CONCURRENCY": "0",
        "DATABASE_URL": "mysql://root@127.0.0.1/x",
        "REDIS_URL": "127.0.0.1:6379",
        "STRIPE_SECRET_KEY": "pk_test_public",
        "STRIPE_WEBHOOK_SECRET": "secret",
        "STRIPE_API_BASE": "ftp://127.0.0.1",
        "PAYMENT_WINDOW_SECONDS": "0",
        "SWEEP_INTERVAL_SECONDS": "0",
        "MAIL_PORT": "99999",
        "MAIL_USE_TLS": "perhaps",
        "ALLOW_LIVE_PAYMENTS": "sometimes",
        "TRUSTED_PROXIES": "-1",
        "RATELIMIT_ENABLED": "2",
        "RATELIMIT_FACTOR": "0",
        "LOG_FORMAT": "xml",
        "UNPAID_WIN_LIMIT": "none",
        "UNPAID_WIN_DAYS": "0",
        "BIDDING_SUSPENSION_DAYS": "1.5",
    }
    done = start(tmp_path, **wrong)
    assert done.returncode == 2
    told = {line.strip().partition(":")[0] for line in done.stderr.splitlines()[1:]}
    assert told == set(wrong)
    assert all("; example: " in line for line in done.stderr.splitlines()[1:])


def test_secrets_are_not_repeated_in_what_is_said_about_them(tmp_path: Path) -> None:
    done = start(
        tmp_path,
        SECRET_KEY="hunter2",
        STRIPE_SECRET_KEY="pk_live_hunter2",
        STRIPE_WEBHOOK_SECRET="hunter2",
        DATABASE_URL="mysql://root:hunter2@127.0.0.1/x",
        REDIS_URL="hunter2",
    )
    assert done.returncode == 2
    assert "hunter2" not in done.stdout + done.stderr


def test_settings_are_secret_when_shown() -> None:
    shown = repr(read_settings(REQUIRED | {"METRICS_TOKEN": "hunter2", "MAIL_PASSWORD": "hunter2"}))
    assert "hunter2" not in shown
    for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        assert REQUIRED[name] not in shown


def test_a_live_key_refuses_to_start(tmp_path: Path) -> None:
    done = start(tmp_path, **REQUIRED | LIVE | {"PUBLIC_URL": "https://bids.example.com"})
    assert done.returncode == 2
    assert "ALLOW_LIVE_PAYMENTS=1" in done.stderr


def test_a_live_key_needs_https_and_stripe_itself() -> None:
    allowed = LIVE | {"ALLOW_LIVE_PAYMENTS": "1"}
    assert any(line.startswith("PUBLIC_URL") for line in problems(**allowed))
    https = allowed | {"PUBLIC_URL": "https://bids.example.com"}
    assert problems(**https) == []
    base = https | {"STRIPE_API_BASE": "http://127.0.0.1:12111"}
    assert any(line.startswith("STRIPE_API_BASE") for line in problems(**base))


SANDBOXED = {"STRIPE_API_BASE": "http://127.0.0.1:12111", "CRASH_POINTS": "/tmp/crash-points"}


def test_a_process_can_be_made_to_die_only_beside_a_stand_in_for_stripe() -> None:
    assert problems(**SANDBOXED) == []
    for more in (
        {"STRIPE_API_BASE": ""},
        {"STRIPE_API_BASE": "https://api.stripe.com"},
        {"STRIPE_API_BASE": "http://127.0.0.1.example.com"},
        {"STRIPE_API_BASE": "http://[::1"},
        {"STRIPE_SECRET_KEY": "sk_live_realmoney"},
        LIVE | {"ALLOW_LIVE_PAYMENTS": "1", "PUBLIC_URL": "https://bids.example.com"},
        {"STRIPE_SECRET_KEY": "nonsense"},
    ):
        said = problems(**SANDBOXED | more)
        assert any(line.startswith("CRASH_POINTS") for line in said), more


@pytest.mark.parametrize("key", ["change-me", "secret", "aaaaaaaaaaaaaaaaaaaaaaaa", "x" * 15])
def test_a_secret_key_that_can_be_guessed_is_refused(key: str) -> None:
    assert [line.partition(":")[0] for line in problems(SECRET_KEY=key)] == ["SECRET_KEY"]


@pytest.mark.parametrize(
    "key",
    [
        "change-me-please-now",
        "your-secret-key-here",
        "CHANGE ME BEFORE USE",
        "replace-this-please",
        "my super secret key!",
        "$(python3 -c 'import secrets; print(secrets.token_hex(32))')",
    ],
)
def test_a_secret_key_that_was_never_filled_in_is_refused(key: str) -> None:
    [said] = problems(SECRET_KEY=key)
    assert said.startswith("SECRET_KEY: is a placeholder, not a secret; example: ")


def test_random_keys_are_taken() -> None:
    for make in (secrets.token_hex, secrets.token_urlsafe):
        for _ in range(200):
            assert problems(SECRET_KEY=make(32)) == []


@pytest.mark.parametrize(
    "address",
    [
        "https://bids.example.com\n",
        "https://bids.exa\nmple.com",
        "https://bids.example.com\r\nX-Evil: 1",
        "https://bids.example com",
        " https://bids.example.com",
        "https://bids.example.com:99999",
        "https://bids.example.com:0",
        "https://bids.example.com:abc",
        "https://user:hunter2@bids.example.com",
        "https://@bids.example.com",
        "https://[::1",
        'https://bids.example.com/"><b>',
    ],
)
@pytest.mark.parametrize("name", ["PUBLIC_URL", "STRIPE_API_BASE"])
def test_an_address_that_no_browser_would_take_is_refused(name: str, address: str) -> None:
    [said] = problems(**{name: address})
    assert said.startswith(f"{name}: ")
    assert "; example: " in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "address", ["http://[::1]:8080", "https://bids.example.com/", "http://bücher.example:65535/at"]
)
def test_an_address_that_leads_somewhere_is_taken(address: str) -> None:
    assert read_settings(REQUIRED | {"PUBLIC_URL": address}).public_url == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "redis://h:abc/0",
        "redis://:hunter2@h:70000/0",
        "redis://:hun/ter2@h:6379/0",
        "redis://[::1/0",
        "redis://h\n/0",
    ],
)
def test_an_address_of_redis_that_cannot_be_used_is_refused(address: str) -> None:
    [said] = problems(REDIS_URL=address)
    assert said.startswith("REDIS_URL: ")
    assert "hun" not in said


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
@pytest.mark.parametrize("port", ["abc", "0", "99999", "5432,h:5432"])
def test_a_databases_port_that_is_none_is_refused(scheme: str, port: str) -> None:
    [said] = problems(DATABASE_URL=f"{scheme}://u:hunter2@h:{port}/db")
    assert said.startswith("DATABASE_URL: has a port ")
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "address", ["postgresql:///db", "postgresql://u:a/b#c?d@h/db", "postgresql://[::1]:5432/db"]
)
def test_a_databases_address_may_be_anything_that_its_driver_takes(address: str) -> None:
    assert problems(DATABASE_URL=address) == []


@pytest.mark.parametrize(
    "sender",
    [
        "x\r\nBcc: y@z",
        "Shop <no-reply@example.com>\r\nBcc: y@z",
        "nonsense",
        "Shop <no-reply>",
        "Shop <a@example.com",
        "a@example.com, b@example.com",
        "a@b@example.com",
        "a b@example.com",
    ],
)
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    [said] = problems(MAIL_DEFAULT_SENDER=sender)
    assert said.startswith("MAIL_DEFAULT_SENDER: ")
    assert "; example: " in said


@pytest.mark.parametrize(
    "sender",
    ["", "a@example.com", "<a@example.com>", "Kunst & Co. <a@example.com>", '"A, B" <a@bücher.de>'],
)
def test_a_sender_with_a_name_or_without_is_taken(sender: str) -> None:
    assert problems(MAIL_DEFAULT_SENDER=sender) == []


@pytest.mark.parametrize("host", ["no such host", "300.1.1.1", "[::1]", "127.0.0.1:5000", "a/b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    told = [line.partition(":")[0] for line in problems(HOST=host, MAIL_SERVER=host)]
    assert told == ["HOST", "MAIL_SERVER"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "web-1.example.com", "web_1"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert problems(HOST=host, MAIL_SERVER=host) == []


@pytest.mark.parametrize("yes", ["1", "true", "T", "yes", "y", "ON"])
def test_whatever_is_a_yes_allows_live_payments(yes: str) -> None:
    allowed = LIVE | {"PUBLIC_URL": "https://bids.example.com", "ALLOW_LIVE_PAYMENTS": yes}
    assert problems(**allowed) == []
    assert read_settings(REQUIRED | allowed).allow_live_payments


def test_what_is_wrong_is_told_once() -> None:
    mixed = LIVE | {"ALLOW_LIVE_PAYMENTS": "0", "STRIPE_API_BASE": "http://127.0.0.1:1"}
    for more in ({}, {"PORT": "http"}):
        said = problems(**mixed | more)
        assert len(said) == len(set(said)) == 3 + len(more)
        assert all("; example: " in line for line in said)
    [said_of_mail] = problems(MAIL_USE_TLS="t", MAIL_USERNAME="shop")
    assert "; example: " in said_of_mail


PROGRAMS = {
    "web": ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"],
    "development": ["wsgi.py"],
    "worker": ["worker.py"],
    "command": ["-m", "flask", "--app", "wsgi", "sweep"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_places_that_cannot_be_used_are_told_with_the_rest(program: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for uploads, database in (
        ("/proc/x", "sqlite:////nonexistent/folder/x.db"),
        (f"{tmp_path}/file", f"sqlite:///{tmp_path}"),
        (f"{tmp_path}/file/below", f"sqlite:///{tmp_path}/gone/x.db?timeout=1"),
    ):
        wrong = {"UPLOAD_DIR": uploads, "DATABASE_URL": database, "REDIS_URL": "redis://h:abc/0"}
        done = subprocess.run(
            [sys.executable, *PROGRAMS[program]],
            env=environment(**wrong),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        told = {
            line.strip().partition(":")[0] for line in done.stderr.splitlines() if "; ex" in line
        }
        assert told == set(wrong)
        assert "Traceback" not in done.stderr


def test_a_database_that_is_named_without_its_folder_is_one_file_for_all_that_open_it(
    tmp_path: Path,
) -> None:
    relative = os.path.relpath(tmp_path / "a.sqlite3", INSTANCE)
    given = {"DATABASE_URL": f"sqlite:///{relative}", "UPLOAD_DIR": str(tmp_path)}
    assert run_flask("db", "upgrade", **given).returncode == 0
    assert (tmp_path / "a.sqlite3").exists()
    asked = [sys.executable, "-c", "from wsgi import app; print(app.config['SETTINGS'].port)"]
    done = subprocess.run(
        asked,
        env=environment(**given),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "5000\n"), done.stderr


def test_the_folder_for_pictures_is_made(tmp_path: Path) -> None:
    uploads = tmp_path / "a" / "b"
    address = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    done = run_flask("routes", DATABASE_URL=address, UPLOAD_DIR=str(uploads))
    assert done.returncode == 0, done.stderr
    assert uploads.is_dir()


@pytest.mark.parametrize("empty", ["STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY", "SECRET_KEY"])
def test_an_empty_secret_is_no_secret(empty: str) -> None:
    assert [line.partition(":")[0] for line in problems(**{empty: ""})] == [empty]


def test_windows_and_sweeps_of_one_second_are_accepted() -> None:
    assert problems(PAYMENT_WINDOW_SECONDS="1", SWEEP_INTERVAL_SECONDS="1") == []


@pytest.mark.parametrize("address", ["postgresql://u:p@127.0.0.1/x", "postgres://u:p@127.0.0.1/x"])
def test_both_ways_to_write_a_postgresql_address_use_the_driver_that_is_installed(
    address: str,
) -> None:
    settings = read_settings(REQUIRED | {"DATABASE_URL": address})
    assert settings.database_url == "postgresql+psycopg://u:p@127.0.0.1/x"


def test_the_environment_goes_before_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in EXAMPLES:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "env"
    lines = REQUIRED | {"PORT": "7001", "UNPAID_WIN_LIMIT": "9", "PUBLIC_URL": "http://from.file"}
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    monkeypatch.setenv("ENV_FILE", str(file))
    monkeypatch.setenv("PORT", "7002")
    monkeypatch.setenv("PUBLIC_URL", "http://from.environment")
    settings = read_settings()
    assert settings.port == 7002
    assert settings.public_url == "http://from.environment"
    assert settings.unpaid_win_limit == 9


def test_a_command_refuses_wrong_settings_like_the_web_process(tmp_path: Path) -> None:
    done = run_flask("routes", PORT="http", UPLOAD_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "PORT: " in done.stderr


def test_the_required_settings_are_enough_for_a_command(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    done = run_flask("routes", DATABASE_URL=address, UPLOAD_DIR=str(tmp_path / "uploads"))
    assert done.returncode == 0, done.stderr
    assert "/health" in done.stdout


def test_the_example_file_lists_every_setting_with_a_comment() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [re.match(r"#?([A-Z_]+)=", line) for line in lines]
    found = [match[1] for match in named if match]
    assert sorted(found) == sorted(name.upper() for name in Settings.model_fields)
    for number, match in enumerate(named):
        if match and match[1] not in {"PORT", "UNPAID_WIN_DAYS", "BIDDING_SUSPENSION_DAYS"}:
            above = [line for line in lines[max(0, number - 4) : number] if line.startswith("# ")]
            assert above, f"{match[1]} has no comment"


def test_the_example_file_shows_the_defaults() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    shown = dict(line[1:].split("=", 1) for line in lines if re.match(r"#[A-Z_]+=", line))
    settings = read_settings(REQUIRED)
    for name in (
        "HOST", "PORT", "WEB_CONCURRENCY", "TRUSTED_PROXIES", "PAYMENT_WINDOW_SECONDS",
        "SWEEP_INTERVAL_SECONDS", "MAIL_SERVER", "MAIL_PORT", "UNPAID_WIN_LIMIT",
        "UNPAID_WIN_DAYS", "BIDDING_SUSPENSION_DAYS", "LOG_FORMAT",
    ):  # fmt: skip
        assert shown[name] == str(getattr(settings, name.lower())), name
    for name in ("ALLOW_LIVE_PAYMENTS", "MAIL_USE_TLS", "RATELIMIT_ENABLED"):
        assert shown[name] == str(int(getattr(settings, name.lower()))), name
