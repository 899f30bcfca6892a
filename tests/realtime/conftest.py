"""Two web processes and a speaker that share one database and one Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.config import read_settings
from app.core.extensions import db
from app.realtime import doors
from app.realtime.doors import Capacity
from dev.redis_server import RedisServer
from tests import people
from tests.conftest import release
from tests.databases import REQUIRED, SqliteFiles, empty
from tests.people import TestPerson
from tests.realtime.processes import (
    GREENLETS,
    THREADS,
    Speaker,
    WebProcess,
    speaker,
    web_process,
)

# Sockets are served in both ways: beside the pages, and in a live process of their own.
_CAPACITY = {THREADS: doors.THREADS, GREENLETS: doors.GREENLETS}


@dataclass(frozen=True)
class World:
    """Processes of one deployment, and this test's own way into their database.

    `one` and `other` hold sockets; `pages` is one of them, or a third where they do nothing else.
    """

    one: WebProcess
    other: WebProcess
    pages: WebProcess
    speaker: Speaker
    app: Flask
    config: str

    @property
    def capacity(self) -> Capacity:
        """How many sockets one of its web processes takes."""
        return _CAPACITY[self.config]

    def person(self, role: str = "BUYER", **columns: Any) -> TestPerson:
        return people.make_person(self.app, role, **columns)

    def artwork(self, seller: TestPerson, **columns: Any) -> int:
        return people.make_artwork(self.app, seller, **columns)


@pytest.fixture(scope="session")
def processes_settings(
    tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("live")
    return {
        "DATABASE_URL": SqliteFiles(folder).new(),
        "REDIS_URL": redis_server.url,
        "UPLOAD_DIR": str(folder / "uploads"),
        "RATELIMIT_ENABLED": "0",
    }


@pytest.fixture(scope="session")
def open_app(processes_settings: dict[str, str]) -> Iterator[Flask]:
    """An application in this process on the same database; it shares no live updates."""
    given = {name: value for name, value in processes_settings.items() if name != "REDIS_URL"}
    app = create_app(read_settings(REQUIRED | given))
    yield app
    release(app)


@pytest.fixture(scope="session", params=list(_CAPACITY), ids=["threads", "greenlets"])
def _running(
    request: pytest.FixtureRequest, processes_settings: dict[str, str], open_app: Flask
) -> Iterator[World]:
    with (
        web_process(config=request.param, **processes_settings) as one,
        web_process(config=request.param, **processes_settings) as other,
        speaker(**processes_settings) as speaking,
        ExitStack() as more,
    ):
        pages = one
        if request.param == GREENLETS:
            pages = more.enter_context(web_process(config=THREADS, **processes_settings))
        yield World(one, other, pages, speaking, open_app, request.param)


@pytest.fixture
def world(_running: World) -> World:
    """The processes, on an empty database."""
    with _running.app.app_context():
        empty(db.engine)
    return _running


@pytest.fixture
def cookies() -> Callable[[TestPerson], dict[str, str]]:
    """The headers that a person's signed-in browser sends."""

    def of(person: TestPerson) -> dict[str, str]:
        cookie = person.browser.get_cookie("session")
        assert cookie is not None
        # The processes are reached by https as far as they know, and name their cookie for it.
        return {"Cookie": f"__Host-session={cookie.value}"}

    return of
