"""The yardstick for bids: the product's own statements, sent by the database's driver alone.

The statements are recorded from one bid that was placed and one that was refused, so that they
cannot drift from the product's. A process of its own; threads share one GIL there, so the
statements are spread over as many processes as the product has.
"""

import itertools
import json
import re
import sqlite3
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import psycopg.types.json
from flask import Flask
from sqlalchemy import event, select, update

from app.accounts.models import AccessToken
from app.core.extensions import db
from app.core.money import amount_text
from app.core.remembered import Remembered
from app.core.secrets import token_digest
from app.core.sqlite import SQLITE_PRAGMAS
from app.core.transaction import transaction
from bench.children import answers
from bench.people import add_artworks, add_people

# What is recorded is told apart by numbers that stand nowhere else in its statements.
_BIDDER, _TOKEN, _ARTWORK, _CENTS = 7_654_321, 6_543_210, 8_765_432, 987_654
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
# psycopg prepares what it was given so often.
_WARM_UPS = 8
# The order in which several processes bid is that of the machine's clock.
_CENTS_A_SECOND = 50_000

Statement = tuple[str, Any]


@dataclass(frozen=True)
class Recorded:
    """One transaction's statements with their parameters; what each bid has of its own is marked.

    Whose the token is was read before it and then remembered, as by the product. `bidders` are the
    numbers of those who bid and of their tokens, by the tokens' digests.
    """

    placed: list[Statement]
    refused: list[Statement]
    bidders: dict[str, dict[str, int]]


@dataclass(frozen=True)
class RawLoad:
    """So many connections for so long; amounts rise from `first_cents` with the clock.

    `since` is the moment of the machine's monotonic clock at which they were `first_cents`.
    """

    address: str
    connections: int
    seconds: float
    recorded: dict[str, Any]
    artworks: list[int]
    first_cents: int
    since: float


@dataclass(frozen=True)
class RawAnswer:
    """What the database took.

    `asking_cpu_seconds` went into choosing and counting bids, `driver_cpu_seconds` into the driver
    and what it is given.
    """

    placed: int
    refused: int
    milliseconds: list[float]
    wall_seconds: float
    asking_cpu_seconds: float
    driver_cpu_seconds: float
    last_cents: int


def record(app: Flask, tokens: list[str]) -> Recorded:
    """Place a bid and then the same again, and keep what was asked of the database.

    They are somebody's who is added for it, and on an artwork of its own; `tokens` are those by
    which the others bid.
    """
    found: list[Statement] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        found.append((statement, parameters))

    bidders = {token_digest(each): _owner(each) for each in tokens}
    [token] = add_people(1, id=_BIDDER)
    add_artworks(1, id=_ARTWORK)
    renumber = update(AccessToken).where(AccessToken.user_id == _BIDDER)
    with transaction() as session:
        session.execute(renumber.values(id=_TOKEN))
    client = app.test_client()

    def bid() -> int:
        found.clear()
        answer = client.post(
            "/api/bids",
            json={"artwork_id": _ARTWORK, "amount": amount_text(_CENTS)},
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer.status_code

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        if bid() != 201:
            raise RuntimeError("the bid to record was not placed")
        placed = _writing(found)
        # What the guard refuses is recorded, and not what this process knows to be too low.
        app.extensions["highest_bids"] = Remembered()
        if bid() != 409:
            raise RuntimeError("the second bid to record was not refused")
        refused = _writing(found)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return Recorded(placed, refused, bidders)


def _owner(token: str) -> dict[str, int]:
    ids = select(AccessToken.user_id, AccessToken.id)
    found = db.session.execute(ids.where(AccessToken.digest == token_digest(token))).one()
    return {"bidder": found.user_id, "token": found.id}


def _writing(found: list[Statement]) -> list[Statement]:
    """The statements from the first that writes."""
    said = [
        (text, _with_marks(text, plain(parameters)))
        for text, parameters in found
        if text != "COMMIT"
    ]
    first = next(n for n, (text, _) in enumerate(said) if "UPDATE artworks" in text)
    return said[first:]


def _with_marks(text: str, given: Any) -> Any:
    """Parameters in which each value that the next bid has of its own is named."""
    marks = {_BIDDER: "bidder", _TOKEN: "token", _ARTWORK: "artwork", _CENTS: "cents"}

    def marked(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        if name == "resource_id":
            return {"own": "bid"}
        if isinstance(value, str) and str(_ARTWORK) in value:
            return {"own": "details"}
        # SQLite's driver is given moments as text.
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return {"moment": value}
        return {"own": marks[value]} if value in marks else value

    if isinstance(given, dict):
        return {name: marked(name, value) for name, value in given.items()}
    inserted = re.match(r"INSERT INTO \w+ \(([^)]+)\)", text)
    names = inserted[1].split(", ") if inserted else [""] * len(given)
    return [marked(name, value) for name, value in zip(names, given, strict=True)]


def plain(parameters: Any) -> Any:
    """A statement's parameters as JSON takes them; moments are marked."""
    if isinstance(parameters, dict):
        return {name: _mark(value) for name, value in parameters.items()}
    return [_mark(value) for value in parameters]


def _mark(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return json.dumps(value.obj) if isinstance(value, psycopg.types.json.Json) else value


def connect(address: str) -> Any:
    """A connection by the driver alone, to SQLite with what the product tells its own."""
    if not address.startswith("sqlite"):
        return psycopg.connect(address, autocommit=True)
    made = sqlite3.connect(
        address.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    # Whoever gets no turn for longer would fail.
    for pragma in (*SQLITE_PRAGMAS, "PRAGMA busy_timeout=30000"):
        made.execute(pragma)
    return made


def run(load: RawLoad, processes: int) -> RawAnswer:
    """Run the load, its connections shared between so many processes."""
    shares = min(processes, load.connections)
    starts = [len(load.artworks) * number // shares for number in range(shares)]
    parts = [
        RawAnswer(**answer)
        for answer in answers(
            "bench.raw",
            [
                asdict(load)
                | {
                    # In step, two processes would meet on every artwork.
                    "artworks": load.artworks[at:] + load.artworks[:at],
                    "connections": load.connections // shares,
                }
                for at in starts
            ],
            load.seconds + 60,
        )
    ]
    return RawAnswer(
        placed=sum(part.placed for part in parts),
        refused=sum(part.refused for part in parts),
        milliseconds=[value for part in parts for value in part.milliseconds],
        wall_seconds=max(part.wall_seconds for part in parts),
        asking_cpu_seconds=sum(part.asking_cpu_seconds for part in parts),
        driver_cpu_seconds=sum(part.driver_cpu_seconds for part in parts),
        last_cents=max(part.last_cents for part in parts),
    )


class _Sent:
    """A recorded statement, and where what each bid has of its own stands in it."""

    def __init__(self, text: str, given: Any) -> None:
        self.text = text
        self.returns_rows = " RETURNING " in text or text.startswith("SELECT")
        self.writes_bid = text.startswith("INSERT INTO bids")
        self._given = given
        places = given.items() if isinstance(given, dict) else enumerate(given)
        marked = [(place, mark) for place, mark in places if isinstance(mark, dict)]
        self._own = [(place, mark.get("own", "moment")) for place, mark in marked]

    def filled(self, own: dict[str, Any]) -> Any:
        new = self._given.copy()
        for place, name in self._own:
            new[place] = own[name]
        return new


class Replay:
    """One connection that places bids with the recorded statements."""

    def __init__(self, address: str, recorded: Recorded) -> None:
        self._sqlite = address.startswith("sqlite")
        self._cursor = connect(address).cursor()
        self._placed = [_Sent(*each) for each in recorded.placed]
        self._refused = [_Sent(*each) for each in recorded.refused[1:]]
        self._bidders = recorded.bidders

    def warm_up(self, artwork_id: int) -> None:
        """Have the statements prepared, by bids of nothing on an artwork that has higher ones."""
        digest = next(iter(self._bidders))
        for _ in range(_WARM_UPS):
            self.bid(artwork_id, 0, digest)

    def bid(self, artwork_id: int, cents: int, digest: str) -> bool:
        """Place one by the owner of a token; False when the guard refused it."""
        cursor = self._cursor
        moment = datetime.now(UTC).isoformat(" ", "microseconds")
        own = {
            "artwork": artwork_id,
            "cents": cents,
            **self._bidders[digest],
            "details": f'{{"artwork_id": {artwork_id}}}',
            "moment": moment.removesuffix("+00:00") if self._sqlite else moment,
        }
        # One statement is a transaction of its own.
        alone = len(self._placed) == 1
        if not alone:
            cursor.execute("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        taken = None
        for each in self._placed:
            cursor.execute(each.text, each.filled(own))
            row = cursor.fetchone() if each.returns_rows else None
            taken = taken or row
            if taken is None:
                break
            if each.writes_bid and row is not None:
                own["bid"] = row[0]
        if not alone:
            cursor.execute("COMMIT")
        if taken is None:
            for each in self._refused:
                cursor.execute(each.text, each.filled(own))
                cursor.fetchall()
        return taken is not None


def _run(load: RawLoad) -> RawAnswer:
    recorded = Recorded(**load.recorded)
    works, digests = itertools.cycle(load.artworks), itertools.cycle(recorded.bidders)
    lock = threading.Lock()
    times: list[float] = []
    counts = {True: 0, False: 0}
    asking: list[float] = []
    driving: list[float] = []
    failures: list[BaseException] = []
    last = [load.first_cents]
    barrier = threading.Barrier(load.connections + 1)

    def work(replay: Replay) -> None:
        barrier.wait()
        until = time.perf_counter() + load.seconds
        first_cpu, driver_cpu = time.thread_time(), 0.0
        while time.perf_counter() < until:
            with lock:
                passed = time.monotonic() - load.since
                last[0] = cents = load.first_cents + int(passed * _CENTS_A_SECOND)
                artwork, digest = next(works), next(digests)
            began, began_cpu = time.perf_counter(), time.thread_time()
            placed = replay.bid(artwork, cents, digest)
            took = time.perf_counter() - began
            driver_cpu += time.thread_time() - began_cpu
            with lock:
                times.append(round(took * 1000, 3))
                counts[placed] += 1
        with lock:
            asking.append(time.thread_time() - first_cpu - driver_cpu)
            driving.append(driver_cpu)

    def watched(replay: Replay) -> None:
        try:
            work(replay)
        except BaseException as failure:
            failures.append(failure)

    replays = [Replay(load.address, recorded) for _ in range(load.connections)]
    for replay in replays:
        replay.warm_up(load.artworks[0])
    threads = [threading.Thread(target=watched, args=(each,), daemon=True) for each in replays]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join(load.seconds + 30)
    if failures:
        raise failures[0]
    return RawAnswer(
        placed=counts[True],
        refused=counts[False],
        milliseconds=times,
        wall_seconds=time.perf_counter() - began,
        asking_cpu_seconds=sum(asking),
        driver_cpu_seconds=sum(driving),
        last_cents=last[0],
    )


if __name__ == "__main__":
    json.dump(asdict(_run(RawLoad(**json.load(sys.stdin)))), sys.stdout)
