"""Every route and every socket event × everybody who may come, as `table.txt` declares it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.core.extensions import db, socketio
from tests.access.world import ACTORS, THRESHOLD_SHOWN, WON_SHOWN, World, make_world
from tests.databases import empty
from tests.payments.market import listening
from tests.realtime.processes import Refused, ear
from tests.sandbox.sandbox_process import Sandbox

TABLE = Path(__file__).with_name("table.txt")
# What a GET may write: it asks Stripe, or tries whether the database can be written.
WRITING_GETS = {
    "/payments/<int:payment_id>/pay",
    "/payments/<int:payment_id>/return",
    "/health/ready",
}
Row = tuple[str, str]


@pytest.fixture
def database() -> str:
    """Access is decided before any database is."""
    return "sqlite"


@pytest.fixture
def settings_given(_stripe_sandbox: Sandbox) -> dict[str, Any]:
    """A Stripe that knows none of the sessions."""
    return {"stripe_api_base": _stripe_sandbox.url}


def declared() -> dict[Row, dict[str, str]]:
    """The table: (method, path) and what each may expect."""
    rows = {}
    for line in TABLE.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            method, path, *cells = words
            assert len(cells) == len(ACTORS), f"{TABLE.name}: {line!r} needs {len(ACTORS)} cells"
            assert (method, path) not in rows, f"{TABLE.name}: {line!r} is there twice"
            rows[method, path] = dict(zip(ACTORS, cells, strict=True))
    return rows


def routes(app: Flask) -> list[Row]:
    """Every route of the application, by method."""
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def events() -> list[Row]:
    """What a socket may send."""
    names = {"connect"} | set(socketio.server.handlers["/"]) - {"disconnect", "__disconnect_final"}
    return [("SOCKET", name) for name in sorted(names)]


def outcome(answer: TestResponse) -> str:
    """An answer in the words of the table."""
    if answer.status_code == 401:
        return "login"
    if answer.status_code == 303 and (answer.location or "").startswith("/login?next="):
        return "login"
    words = {403: "no", 404: "absent"}
    if answer.status_code >= 500:
        return f"error-{answer.status_code}"
    return words.get(answer.status_code, "yes")


def line(row: Row, found: dict[str, str]) -> str:
    """A row as it stands in the table."""
    return f"{row[0]:<7}{row[1]:<55}" + "".join(f"{found[actor]:<13}" for actor in ACTORS).rstrip()


class Worlds:
    """The same world again and again, on a copy of the database as it was."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.made: dict[bool, World] = {}
        with app.app_context():
            self.file = Path(str(db.engine.url.database))

    def fresh(self, actor: str) -> World:
        """The world as it is when that actor comes."""
        suspended = actor == "suspended"
        copy = self.folder / f"{suspended}.sqlite3"
        with self.app.app_context():
            db.session.remove()
            if suspended not in self.made:
                empty(db.engine)
                self.made[suspended] = make_world(self.app, suspended=suspended)
                with (
                    db.engine.connect().execution_options(
                        isolation_level="AUTOCOMMIT"
                    ) as connection,
                    sqlite3.connect(copy) as target,
                ):
                    connection.connection.driver_connection.backup(target)
                target.close()
            else:
                with sqlite3.connect(copy) as source, sqlite3.connect(self.file) as target:
                    target.execute("PRAGMA synchronous=OFF")
                    source.backup(target)
                source.close()
                target.close()
        return self.made[suspended]


@pytest.fixture
def fresh(app: Flask, tmp_path: Path) -> Callable[[str], World]:
    """A world on an empty database, as it is when that actor comes."""
    return Worlds(app, tmp_path).fresh


@pytest.fixture
def writes(app: Flask) -> Iterator[list[str]]:
    """The statements so far that change the database."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if re.match(r"\s*(INSERT|UPDATE|DELETE)", statement):
            said.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def test_every_route_and_socket_event_has_its_row(
    app: Flask, fresh: Callable[[str], World]
) -> None:
    known = {(method, re.sub(r"\(.*\)$", "", path)) for method, path in declared()}
    there = [*routes(app), *events()]
    missing = [row for row in there if row not in known]
    lines = []
    for row in missing:
        found = {actor: observe(fresh(actor), actor, row)[0] for actor in ACTORS}
        lines.append(line(row, found))
    told = "\n".join(lines)
    assert not missing, (
        f"add to {TABLE.name} these lines, once you have checked that each cell is what it"
        f" should be (yes: let in; login: asked to log in; no: 403; absent: 404):\n{told}"
    )
    gone = sorted(known - set(there))
    assert not gone, f"remove from {TABLE.name}: there is no such route: {gone}"


def observe(world: World, actor: str, row: Row) -> tuple[str, str]:
    """What comes of one cell, and all that was answered."""
    method, _, variant = (*row[1].partition("("),)
    method, path = row[0], row[1].partition("(")[0] if variant.endswith("withdrawn)") else row[1]
    variant = "withdrawn" if row[1].endswith("(withdrawn)") else ""
    if method == "SOCKET":
        return knock(world, actor, path, variant), ""
    answer = world.ask(actor, method, path, variant)
    text = answer.get_data(as_text=True) if "image/" not in answer.mimetype else ""
    answer.close()
    # Random digits, among which any number may stand.
    del answer.headers["X-Request-ID"]
    return outcome(answer), text + str(answer.headers)


def knock(world: World, actor: str, name: str, variant: str) -> str:
    """Open a socket as a browser would, and send one message."""
    cookie = world.browser(actor).get_cookie("session")
    headers = {"Cookie": f"session={cookie.value}"} if cookie else {}
    artwork_id = world.numbers["withdrawn_id" if variant else "artwork_id"]
    with listening(world.app) as url:
        try:
            with ear(url, headers=headers) as listener:
                if name == "connect":
                    return "yes"
                said = listener.client.call(name, {"artwork_id": artwork_id}, timeout=10)
                return "yes" if said["ok"] else "absent"
        except Refused:
            return "no"


@pytest.mark.parametrize("actor", ACTORS)
def test_everybody_is_let_in_where_the_table_says_and_nowhere_else(
    app: Flask, fresh: Callable[[str], World], actor: str, writes: list[str]
) -> None:
    wrong, told, changed = [], [], []
    world = None
    for row, cells in declared().items():
        if world is None or row[0] not in {"GET", "SOCKET"}:
            world = fresh(actor)
        writes.clear()
        found, text = observe(world, actor, row)
        if writes and row[0] == "GET" and row[1] not in WRITING_GETS:
            changed.append(f"{row[1]}: {writes}")
        if row[0] not in {"GET", "SOCKET"} or writes:
            world = None
        if found != cells[actor]:
            wrong.append(f"{row[0]} {row[1]}: {found}, and the table says {cells[actor]}")
        # Whatever a route is for: the hidden minimum is its seller's and administrators' alone,
        # and an amount that is won and not paid is the two sides' alone.
        if actor not in {"seller", "admin"} and THRESHOLD_SHOWN.search(text):
            told.append(f"{row[0]} {row[1]} tells the hidden minimum")
        if actor not in {"seller", "admin", "buyer", "suspended"} and WON_SHOWN.search(text):
            told.append(f"{row[0]} {row[1]} tells what was bid by the winner")
    assert wrong == []
    assert told == []
    assert changed == []
