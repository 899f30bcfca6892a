"""Settings: every fault told at once by the real process, and nothing unsafe accepted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import EXAMPLES, Settings, SettingsError, read_settings
from tests.databases import REQUIRED, ROOT, run_flask

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
