"""The yardstick for bids: the product's own statements, sent by the database's driver alone.

The statements are recorded from one bid that was placed and one that was refused, so that they
cannot drift from the product's. A process of its own; threads share one GIL there, so the
statements are spread over as many processes as the product has.
"""

import itertools
import json
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import psycopg.types.json
from flask import Flask
from sqlalchemy import event

from app.core.extensions import db

ROOT = Path(__file__).resolve().parents[1]

Statement = tuple[str, Any]


@dataclass(frozen=True)
class Recorded:
    """One transaction's statements with their parameters; moments as text, marked.

    `asked` is what was read before it: whose the bidder's token is.
    """

    asked: list[Statement]
    placed: list[Statement]
    refused: list[Statement]
    amount: int
    artwork_id: int


@dataclass(frozen=True)
class RawLoad:
    """So many connections for so long; amounts rise by `step` from `first_cents` on."""

    address: str
    connections: int
    seconds: float
    recorded: dict[str, Any]
    artworks: list[int]
    first_cents: int
    step: int


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


def record(app: Flask, token: str, artwork_id: int, cents: int) -> Recorded:
    """Place a bid of `cents` and then the same again, and keep what was asked of the database."""
    found: list[Statement] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        found.append((statement, parameters))

    amount = f"{cents // 100}.{cents % 100:02d}"
    client = app.test_client()

    def bid() -> int:
        found.clear()
        answer = client.post(
            "/api/bids",
            json={"artwork_id": artwork_id, "amount": amount},
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer.status_code

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        if bid() != 201:
            raise RuntimeError("the bid to record was not placed")
        asked, placed = _parted(found)
        if bid() != 409:
            raise RuntimeError("the second bid to record was not refused")
        _, refused = _parted(found)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return Recorded(asked, placed, refused, cents, artwork_id)


def _parted(found: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """What was read before the transaction, and its statements from the first that writes."""
    said = [(text, plain(parameters)) for text, parameters in found if text != "COMMIT"]
    first = next(n for n, (text, _) in enumerate(said) if "UPDATE artworks" in text)
    return [each for each in said[:first] if each[0].startswith("SELECT")], said[first:]


def plain(parameters: Any) -> Any:
    """A statement's parameters as JSON takes them; moments are marked."""
    if isinstance(parameters, dict):
        return {name: _mark(value) for name, value in parameters.items()}
    return [_mark(value) for value in parameters]


def _mark(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return json.dumps(value.obj) if isinstance(value, psycopg.types.json.Json) else value


def run(load: RawLoad, processes: int = 2) -> RawAnswer:
    """Run the load, its connections shared between `processes`."""
    shares = min(processes, load.connections)
    children = []
    for number in range(shares):
        # In step, two processes would meet on every artwork.
        at = len(load.artworks) * number // shares
        mine = asdict(load) | {
            "artworks": load.artworks[at:] + load.artworks[:at],
            "connections": load.connections // shares,
            "first_cents": load.first_cents + number,
            "step": shares,
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.raw"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        if child.stdin is not None:
            child.stdin.write(json.dumps(mine))
            child.stdin.close()
        children.append(child)
    parts = []
    for child in children:
        said = child.stdout.read() if child.stdout else ""
        if child.wait(load.seconds + 60):
            raise RuntimeError("the raw load failed")
        parts.append(RawAnswer(**json.loads(said)))
    return RawAnswer(
        placed=sum(part.placed for part in parts),
        refused=sum(part.refused for part in parts),
        milliseconds=[value for part in parts for value in part.milliseconds],
        wall_seconds=max(part.wall_seconds for part in parts),
        asking_cpu_seconds=sum(part.asking_cpu_seconds for part in parts),
        driver_cpu_seconds=sum(part.driver_cpu_seconds for part in parts),
        last_cents=max(part.last_cents for part in parts),
    )


class Replay:
    """One connection that places rising bids with the recorded statements.

    With `asking`, what a bid reads first is read for each.
    """

    def __init__(self, address: str, recorded: Recorded, *, asking: bool = False) -> None:
        self._sqlite = address.startswith("sqlite")
        self._connection = _connect(address)
        self._old_cents = recorded.amount
        self._old_artwork = recorded.artwork_id
        self._asked = recorded.asked if asking else []
        self._placed = recorded.placed
        self._refused = recorded.refused

    def bid(self, artwork_id: int, cents: int) -> bool:
        """Place one; False when the guard refused it."""
        bid_id = 0
        cursor = self._connection.cursor()
        for text, given in self._asked:
            cursor.execute(text, self._fill(given, artwork_id, cents, 0))
            cursor.fetchall()
        # One statement is a transaction of its own.
        alone = len(self._placed) == 1
        if not alone:
            cursor.execute("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        for number, (text, given) in enumerate(self._placed):
            cursor.execute(text, self._fill(given, artwork_id, cents, bid_id))
            row = cursor.fetchone() if " RETURNING " in text else None
            if number == 0 and row is None:
                if not alone:
                    cursor.execute("COMMIT")
                for again, more in self._refused[1:]:
                    cursor.execute(again, self._fill(more, artwork_id, cents, 0))
                    cursor.fetchall()
                return False
            if text.startswith("INSERT INTO bids"):
                bid_id = row[0] if row else 0
        if not alone:
            cursor.execute("COMMIT")
        cursor.close()
        return True

    def _fill(self, given: Any, artwork_id: int, cents: int, bid_id: int) -> Any:
        moment = datetime.now().isoformat(" ")

        def value(name: str, old: Any) -> Any:
            if isinstance(old, dict):
                return moment
            if name == "resource_id" and bid_id:
                return bid_id
            if old == self._old_cents:
                return cents
            return artwork_id if old == self._old_artwork and "artwork" in name else old

        if isinstance(given, dict):
            return {name: value(name, old) for name, old in given.items()}
        # By place only: what is replaced has to differ from all else that is given.
        new = {self._old_cents: cents, self._old_artwork: artwork_id}
        return [moment if isinstance(old, dict) else new.get(old, old) for old in given]


def _connect(address: str) -> Any:
    if not address.startswith("sqlite"):
        return psycopg.connect(address, autocommit=True)
    made = sqlite3.connect(
        address.removeprefix("sqlite:///"), isolation_level=None, timeout=30,
        check_same_thread=False,
    )  # fmt: skip
    made.execute("PRAGMA synchronous=FULL")
    made.execute("PRAGMA foreign_keys=ON")
    return made


def _run(load: RawLoad) -> RawAnswer:
    numbers = itertools.count(load.first_cents, load.step)
    works = itertools.cycle(load.artworks)
    lock = threading.Lock()
    times: list[float] = []
    counts = {True: 0, False: 0}
    asking: list[float] = []
    driving: list[float] = []
    last = [load.first_cents]
    barrier = threading.Barrier(load.connections + 1)

    def work(replay: Replay) -> None:
        barrier.wait()
        until = time.perf_counter() + load.seconds
        first_cpu, driver_cpu = time.thread_time(), 0.0
        while time.perf_counter() < until:
            with lock:
                cents, artwork = next(numbers), next(works)
                last[0] = max(last[0], cents)
            began, began_cpu = time.perf_counter(), time.thread_time()
            placed = replay.bid(artwork, cents)
            took = time.perf_counter() - began
            driver_cpu += time.thread_time() - began_cpu
            with lock:
                times.append(round(took * 1000, 3))
                counts[placed] += 1
        with lock:
            asking.append(time.thread_time() - first_cpu - driver_cpu)
            driving.append(driver_cpu)

    recorded = Recorded(**load.recorded)
    replays = [Replay(load.address, recorded) for _ in range(load.connections)]
    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in replays]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join(load.seconds + 30)
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
