"""What all tests stand on: real servers, a real database of each kind, people and browsers.

`app` runs every test on SQLite and on PostgreSQL. A module that needs other settings overrides
the fixture `settings_given`. Processes of the product get a database of their own from
`new_database`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from app import create_app
from app.config import Settings, read_settings
from app.core.extensions import db
from dev.mail_catcher.catcher import MailCatcher
from dev.postgres_server import PostgresServer, start_postgres
from dev.redis_server import RedisServer, start_redis
from tests import people
from tests.databases import REQUIRED, Databases, PostgresDatabases, SqliteFiles, empty
from tests.people import Browser, TestPerson
from tests.sandbox.sandbox_process import Sandbox

# Nearly all tests ask a Stripe, a database or a mail server that run beside them, each with its own
# deadlines, on a machine that all tests share. Two failures in a row are no accident; a single one
# is told in the summary. A promise that a database breaks stays broken, and fails the second time
# as well. Where money might be taken twice once in a thousand times, one failure is enough.
ONCE = {"bidding", "orders", "payments", "races"}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """No test reaches beyond this machine."""
    # The second is a bridge that tests/deploy makes on this machine.
    config.option.allow_hosts = "127.0.0.1,::1,localhost,10.77.0.0/24"
    config.option.allow_unix_socket = True


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: those that play tests mostly wait for others."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play a second time what may fail because the machine was busy."""
    tests = Path(__file__).parent
    for item in items:
        if item.path.relative_to(tests).parts[0] not in ONCE:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for all tests."""
    with start_redis() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests."""
    with start_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _mail_catcher() -> Iterator[MailCatcher]:
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture
def mail_catcher(_mail_catcher: MailCatcher) -> MailCatcher:
    """A mail server on loopback that keeps what it gets; empty and in order."""
    _mail_catcher.store.clear()
    _mail_catcher.break_down("ok")
    return _mail_catcher


@pytest.fixture(scope="session")
def _stripe_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def stripe_sandbox(_stripe_sandbox: Sandbox) -> Sandbox:
    """The Stripe sandbox as a process of its own, with nothing in it; it sends no webhooks."""
    _stripe_sandbox.control("POST", "/reset", status=204)
    return _stripe_sandbox


@pytest.fixture(scope="session")
def _apps() -> Iterator[dict[Any, Flask]]:
    apps: dict[Any, Flask] = {}
    yield apps
    for app in apps.values():
        release(app)


@pytest.fixture(scope="session")
def _databases() -> dict[str, Databases]:
    return {}


@pytest.fixture(scope="session")
def _shared_addresses() -> dict[str, str]:
    return {}


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """A real browser that reaches nothing but this machine.

    One for the whole run: Playwright runs a loop of its own and will not start another beside it.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium is not None, "these tests need Chromium on PATH"
    rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 10.77.0.*"
    arguments = ["--no-sandbox", f"--host-resolver-rules={rules}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database that this test runs on."""
    return str(request.param)


@pytest.fixture
def databases(
    request: pytest.FixtureRequest,
    database: str,
    _databases: dict[str, Databases],
    tmp_path_factory: pytest.TempPathFactory,
) -> Databases:
    """Databases of this kind, migrated."""
    if database not in _databases:
        folder = tmp_path_factory.mktemp(database)
        _databases[database] = (
            SqliteFiles(folder)
            if database == "sqlite"
            else PostgresDatabases(request.getfixturevalue("postgres_server"), folder)
        )
    return _databases[database]


@pytest.fixture
def new_database(databases: Databases) -> Callable[[], str]:
    """Make a database that is this test's alone; returns its address."""
    return databases.new


@pytest.fixture
def settings_given() -> dict[str, Any]:
    """Settings that differ from the tests' usual ones, by their names in lower case."""
    return {}


@pytest.fixture
def settings(
    database: str,
    databases: Databases,
    settings_given: dict[str, Any],
    _shared_addresses: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """The settings of `app`."""
    if database not in _shared_addresses:
        _shared_addresses[database] = databases.new()
    usual = {
        **{name.lower(): value for name, value in REQUIRED.items()},
        "database_url": _shared_addresses[database],
        "upload_dir": tmp_path_factory.getbasetemp() / "uploads",
        "ratelimit_enabled": False,
    }
    return read_settings({}, **usual | settings_given)


@pytest.fixture
def app(settings: Settings, _apps: dict[Any, Flask]) -> Flask:
    """The application on an empty database, once on SQLite and once on PostgreSQL."""
    key = settings.model_dump_json()
    if key not in _apps:
        _apps[key] = create_app(settings)
    app = _apps[key]
    with app.app_context():
        empty(db.engine)
    return app


def release(app: Flask) -> None:
    """Close what an application holds open."""
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
    redis = app.extensions.get("hint_redis")
    if redis is not None:
        redis.close()


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser that nobody is signed in with."""
    return people.anonymous(app)


@pytest.fixture
def make_person(app: Flask) -> Callable[..., TestPerson]:
    """`make_person("SELLER")`: an account with a signed-in browser and a bearer token."""

    def make(role: str = "BUYER", name: str = "", **columns: Any) -> TestPerson:
        return people.make_person(app, role, name, **columns)

    return make


@pytest.fixture
def make_artwork(app: Flask) -> Callable[..., int]:
    """`make_artwork(seller, threshold_cents=…)`: an artwork's id."""

    def make(seller: TestPerson, threshold_cents: int = 10_000, **columns: Any) -> int:
        return people.make_artwork(app, seller, threshold_cents, **columns)

    return make


@pytest.fixture
def buyer(make_person: Callable[..., TestPerson]) -> TestPerson:
    """A buyer."""
    return make_person("BUYER")


@pytest.fixture
def seller(make_person: Callable[..., TestPerson]) -> TestPerson:
    """A seller."""
    return make_person("SELLER")


@pytest.fixture
def admin(make_person: Callable[..., TestPerson]) -> TestPerson:
    """An administrator."""
    return make_person("ADMIN")
