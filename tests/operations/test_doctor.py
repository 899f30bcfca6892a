"""`flask doctor`: each check fails when what it looks at is broken, and says how to mend it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import create_engine, insert, text, update

from app import create_app
from app.core import clock
from app.core.lease import SWEEP_MAIL, SWEEP_PAYMENTS, Lease
from app.core.transaction import transaction
from app.operations.commands import CHECKS
from app.payments.models import Payment, StripeEvent
from app.payments.service import begin_recovery
from dev.loopback import free_port
from dev.mail_catcher.catcher import MailCatcher
from dev.redis_server import RedisServer, start_redis
from tests.conftest import release
from tests.databases import run_flask
from tests.payments.market import Market, listening

Ask = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def ask(shop: Market, redis_server: RedisServer, mail_catcher: MailCatcher) -> Iterator[Ask]:
    """`ask(redis_url=…)`: the findings with these settings changed, by check."""
    with listening(shop.app) as address:

        def run(**changes: Any) -> dict[str, tuple[str, str]]:
            usual = {
                "redis_url": redis_server.url,
                "mail_port": mail_catcher.smtp_port,
                "public_url": address,
                "stripe_webhook_secret": "whsec_" + "a1b2c3d4" * 4,
            }
            app = create_app(shop.app.config["SETTINGS"].model_copy(update=usual | changes))
            done = app.test_cli_runner().invoke(args=["doctor", "--json"])
            release(app)
            said = json.loads(done.output)
            levels = {each["level"] for each in said["checks"]}
            assert done.exit_code == (1 if "fail" in levels else 0), done.output
            assert said["ok"] is (done.exit_code == 0)
            assert all(each["mend"] for each in said["checks"] if each["level"] != "ok")
            return {each["check"]: (each["level"], each["said"]) for each in said["checks"]}

        yield run


def swept(shop: Market, ago: timedelta = timedelta(0)) -> None:
    """A worker finished its sweeps then."""
    moment = clock.now() - ago
    with shop.app.app_context(), transaction() as session:
        for name in (SWEEP_PAYMENTS, SWEEP_MAIL):
            session.execute(insert(Lease).values(name=name, holder="w", held_until=moment,
                                                 finished_at=moment))  # fmt: skip


def test_all_is_well_where_everything_works(shop: Market, ask: Ask) -> None:
    swept(shop)
    won = shop.win()
    shop.pay(won)
    shop.sweep()
    with shop.app.app_context(), transaction() as session:
        session.execute(insert(StripeEvent).values(
            stripe_event_id="evt_1", type="x", payload={}, outcome="NO_EFFECT",
            attempts=1, received_at=clock.now()))  # fmt: skip
    found = ask()
    wrong = {check: said for check, said in found.items() if said[0] != "ok"}
    expected = {"stripe": "a stand-in"}
    if "postgresql" in shop.app.config["SETTINGS"].database_url:
        # The tests' own server is fast because it may lose data.
        expected["database"] = "fsync"
    assert wrong.keys() == expected.keys()
    for check, words in expected.items():
        assert words in wrong[check][1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_surrounding_that_is_away_fails(shop: Market, ask: Ask) -> None:
    nowhere = free_port()
    found = ask(
        redis_url=f"redis://:hunter2@127.0.0.1:{nowhere}/0",
        mail_port=nowhere,
        public_url=f"http://127.0.0.1:{nowhere}",
        stripe_api_base=f"http://127.0.0.1:{nowhere}",
        secret_key="aaaaaaaaaaaaaaaabcde",
        stripe_webhook_secret="whsec_short1",
    )
    failing = {check for check, (level, _) in found.items() if level == "fail"}
    assert failing == {"redis", "mail", "public url", "stripe", "worker"}
    assert {found[check][0] for check in ("secret key", "webhooks", "clock")} == {"warn"}
    assert "hunter2" not in str(found)
    assert "aaaaaaa" not in str(found)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_wrong_inside_is_found(shop: Market, ask: Ask, stripe_sandbox: Any) -> None:
    assert ask()["worker"] == ("fail", "no sweep:payments was ever finished")
    swept(shop, timedelta(minutes=10))
    won = shop.win()
    shop.pay(won)
    stripe_sandbox.control("POST", "/clock", {"offset_seconds": 3600})
    with shop.app.app_context():
        begin_recovery(clock.now(), None)
    found = ask(host="0.0.0.0", trusted_proxies=1, mail_use_tls=True)
    stripe_sandbox.control("POST", "/clock", {"offset_seconds": 0})
    assert found["worker"][0] == "fail"
    assert found["clock"][0] == "fail"
    assert "s behind Stripe's" in found["clock"][1]
    assert found["drift"] == ("fail", f"payment {won['payment']['id']}: it is PENDING, and its "
                              "session is complete")  # fmt: skip
    assert found["bidding"][0] == found["proxies"][0] == "warn"
    assert found["mail"][0] == "fail"
    shop.sweep()
    with shop.app.app_context(), transaction() as session:
        session.execute(update(Payment).values(amount_cents=60))
    again = ask(public_url="https://127.0.0.1:1")
    assert again["drift"][0] == again["webhooks"][0] == "fail"
    assert "no event ever arrived" in again["webhooks"][1]
    assert again["proxies"][0] == "warn"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_key_that_stripe_does_not_accept_is_told_and_not_shown(shop: Market, ask: Ask) -> None:
    found = ask(stripe_secret_key="sk_test_!wrong!")
    assert found["stripe"] == ("fail", "does not accept STRIPE_SECRET_KEY")
    assert "!wrong!" not in str(found)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_disk_and_uploads(
    shop: Market, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "gone"
    monkeypatch.setattr("app.operations.doctor._DISK_FAIL", 10**18)
    full = ask()
    assert full["disk"][0] == "fail"
    assert "MB free" in full["disk"][1]
    place.mkdir()
    app = create_app(shop.app.config["SETTINGS"].model_copy(update={"upload_dir": place}))
    place.rmdir()
    said = app.test_cli_runner().invoke(args=["doctor"]).output
    release(app)
    assert f"fail  uploads     {place}" in said
    assert "mend: create the folder" in said


def test_the_database_and_its_schema(shop: Market, ask: Ask) -> None:
    engine = create_engine(shop.app.config["SETTINGS"].database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert ask()["schema"] == ("fail", "at 0001")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ask()["schema"][0] == "warn"
    engine.dispose()
    url = shop.app.config["SETTINGS"].database_url
    if url.startswith("sqlite"):
        url = f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true"
    else:
        url = url.rpartition("/")[0] + "/there_is_none"
    assert ask(database_url=url)["database"][0] == "fail"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_index_for_searches_that_is_missing_is_made_as_it_says(
    shop: Market, flask_command: Callable[..., Any], ask: Ask
) -> None:
    assert ask()["search"] == ("ok", "looks texts up in their index")
    url = shop.app.config["SETTINGS"].database_url
    engine = create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        found = json.loads(flask_command("doctor", "--json").output)["checks"]
        (told,) = [each for each in found if each["check"] == "search"]
        assert (told["level"], told["said"][:17]) == ("warn", "reads every text ")
        steps = re.findall(r"(?:CREATE|DROP) [^;(]+(?:\(text [^;]+)?", told["mend"])
        assert len(steps) == 3
        for step in steps:
            connection.execute(text(step))
    engine.dispose()
    assert ask()["search"][0] == "ok"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_redis_that_forgets_and_one_that_is_not_set(shop: Market, ask: Ask) -> None:
    assert ask(redis_url=None)["redis"][0] == "warn"
    assert ask(redis_url=None, web_concurrency=2)["redis"][0] == "fail"
    with start_redis() as server:
        connection = Redis.from_url(server.url)
        connection.config_set("maxmemory", "100mb")
        connection.config_set("maxmemory-policy", "allkeys-lru")
        connection.close()
        assert "allkeys-lru" in ask(redis_url=server.url)["redis"][1]


def test_wrong_settings_are_all_named_without_a_traceback() -> None:
    done = run_flask("doctor", SECRET_KEY="short", PORT="0", STRIPE_SECRET_KEY="pk_test_1")
    assert done.returncode == 2
    for name in ("SECRET_KEY", "PORT", "STRIPE_SECRET_KEY"):
        assert f"  {name}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_reads_every_wrong_setting_as_a_finding() -> None:
    done = run_flask(
        "doctor", "--json", SECRET_KEY="hunter2", PORT="0", STRIPE_SECRET_KEY="sk_live_1"
    )
    assert done.returncode == 2
    said = json.loads(done.stdout)
    assert said["ok"] is False
    assert {(each["check"], each["level"]) for each in said["checks"]} == {("settings", "fail")}
    wrong = {each["said"].partition(": ")[0] for each in said["checks"]}
    assert wrong == {"SECRET_KEY", "PORT", "STRIPE_SECRET_KEY", "PUBLIC_URL"}
    assert all("; example: " in each["mend"] for each in said["checks"])
    assert "hunter2" not in done.stdout
    assert "  PORT: " in done.stderr
    other = run_flask("routes", PORT="0")
    assert (other.returncode, other.stdout) == (2, "")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_before_the_migrations_it_says_that_they_are_missing_and_what_waits_for_them(
    kind: str,
    tmp_path: Path,
    redis_server: RedisServer,
    stripe_sandbox: Any,
    request: pytest.FixtureRequest,
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_server").create_database("before_migrations")
    done = run_flask(
        "doctor",
        "--json",
        DATABASE_URL=url,
        UPLOAD_DIR=str(tmp_path / "uploads"),
        REDIS_URL=redis_server.url,
        STRIPE_API_BASE=stripe_sandbox.url,
        STRIPE_WEBHOOK_SECRET="whsec_" + "a1b2c3d4" * 4,
    )
    assert done.returncode == 1, done.stderr
    found = {each["check"]: each for each in json.loads(done.stdout)["checks"]}
    failing = {check for check, each in found.items() if each["level"] == "fail"}
    assert failing == {"schema", "database", "public url", "mail"}
    assert "migrations are missing" in found["database"]["said"]
    for check in ("schema", "database"):
        assert found[check]["mend"] == "run: flask --app wsgi db upgrade"
    waiting = {check for check, each in found.items() if each["said"] == "waits for the schema"}
    assert waiting == {"worker", "stripe", "clock", "webhooks", "drift", "alerts", "bidding"} | (
        {"search"} if kind == "postgresql" else set()
    )
    assert all("db upgrade" in found[check]["mend"] for check in waiting)
    # The names are the same whether a check can be made or not.
    assert found.keys() == {check.__name__.replace("_", " ") for check in CHECKS} | {"settings"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_that_can_be_reached_past_any_proxy_is_warned_of(shop: Market, ask: Ask) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7"):
        level, said = ask(host=host, trusted_proxies=0)["proxies"]
        assert level == "warn"
        assert f"HOST={host}" in said
        assert "slowly" in said
    assert ask(trusted_proxies=0)["proxies"][0] == "ok"


def test_every_command_says_what_it_does() -> None:
    listed = run_flask("--help").stdout
    for name in ("backup", "create-user", "doctor", "reconcile", "restore", "seed-demo", "sweep"):
        assert f"\n  {name} " in listed
