"""How many requests a process works on at the same time."""

import threading
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy import Engine, event

# Threads of one process share one interpreter. With several of them at work each bid costs more
# CPU, and a transaction of several statements holds its rows while it waits for the interpreter. A
# database on another machine is waited for instead, and another request can use that time: see
# docs/grow.md.
LANES_NEAR = 1
LANES_FAR = 4
# A round trip to a database on the same machine takes less, between machines more.
NEAR_SECONDS = 0.000_25
# Lanes are for speed, and nothing hangs on them. Whoever holds one for longer than most requests
# take loses it to who waits, and whoever waits for too long goes on without one.
HELD_SECONDS = 0.1
PATIENCE_SECONDS = 2.0

_mine = threading.local()


class Lanes:
    """WSGI middleware that lets so many requests work at once; the others wait for a moment."""

    def __init__(
        self,
        app: WSGIApplication,
        passing: str,
        lanes: int = LANES_NEAR,
        held_seconds: float = HELD_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Requests whose path begins with `passing` need no lane."""
        self._app = app
        self._passing = passing
        self._free = threading.Semaphore(lanes)
        self._held_seconds = held_seconds
        self._patience = patience_seconds
        self._lock = threading.Lock()
        # By thread, the longest first.
        self._held_since: dict[int, float] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on in a lane."""
        passes = str(environ.get("PATH_INFO", "")).startswith(self._passing)
        if passes or getattr(_mine, "lanes", None) is not None:
            return self._app(environ, start_response)
        self._enter()
        _mine.lanes = self
        try:
            return self._app(environ, start_response)
        finally:
            leave_lane()

    def add(self, lanes: int) -> None:
        """Let so many more requests work at once."""
        self._free.release(lanes)

    def leave(self) -> None:
        """Give back the lane of this thread, if it still has one."""
        with self._lock:
            held = self._held_since.pop(threading.get_ident(), None) is not None
        if held:
            self._free.release()

    def _enter(self) -> None:
        ends_at = time.monotonic() + self._patience
        while not self._free.acquire(timeout=self._until_next_look(ends_at)):
            if self._take_over():
                break
            if time.monotonic() >= ends_at:
                return
        with self._lock:
            self._held_since[threading.get_ident()] = time.monotonic()

    def _until_next_look(self, ends_at: float) -> float:
        moment = time.monotonic()
        with self._lock:
            longest = next(iter(self._held_since.values()), moment)
        return max(0.001, min(longest + self._held_seconds, ends_at) - moment)

    def _take_over(self) -> bool:
        """Whether somebody held a lane for too long: it is the caller's."""
        with self._lock:
            holder, since = next(iter(self._held_since.items()), (0, time.monotonic()))
            if time.monotonic() - since < self._held_seconds:
                return False
            del self._held_since[holder]
            return True


def leave_lane() -> None:
    """Let another request work, before something that may take long; safe to call again."""
    lanes: Lanes | None = getattr(_mine, "lanes", None)
    if lanes is not None:
        _mine.lanes = None
        lanes.leave()


def add_lanes_for_distance(lanes: Lanes, engine: Engine) -> None:
    """More lanes when the database turns out not to be on this machine, at the first connection."""
    if engine.dialect.name == "sqlite":
        return

    @event.listens_for(engine, "first_connect")
    def measure(connection: Any, _record: Any) -> None:
        if _round_trip_seconds(connection) > NEAR_SECONDS:
            lanes.add(LANES_FAR - LANES_NEAR)


def _round_trip_seconds(connection: Any) -> float:
    """The shortest of several: whatever else the machine does makes them longer."""
    trips = []
    usual = connection.autocommit
    connection.autocommit = True
    with connection.cursor() as cursor:
        for _ in range(10):
            began = time.perf_counter()
            cursor.execute("SELECT 1")
            trips.append(time.perf_counter() - began)
    connection.autocommit = usual
    return min(trips)
