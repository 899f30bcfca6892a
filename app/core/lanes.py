"""How many requests a process works on at the same time."""

import threading
import time
from collections import deque
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
    """WSGI middleware that lets so many requests work at once; the others wait for their turn.

    A lane that is left goes to whoever has waited longest, so that all wait about equally long.
    """

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
        self._held_seconds = held_seconds
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._free = lanes
        # Each is let go when it is its waiter's turn.
        self._waiting: deque[threading.Lock] = deque()
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
        with self._lock:
            for _ in range(lanes):
                self._pass_on()

    def leave(self) -> None:
        """Give back the lane of this thread, if it still has one."""
        with self._lock:
            if self._held_since.pop(threading.get_ident(), None) is not None:
                self._pass_on()

    def _enter(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                self._hold()
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        ends_at = time.monotonic() + self._patience
        while not turn.acquire(timeout=self._until_next_look(ends_at)):
            if self._gives_up(turn, ends_at):
                return
        with self._lock:
            self._hold()

    def _until_next_look(self, ends_at: float) -> float:
        moment = time.monotonic()
        with self._lock:
            longest = next(iter(self._held_since.values()), moment)
        return max(0.001, min(longest + self._held_seconds, ends_at) - moment)

    def _gives_up(self, turn: threading.Lock, ends_at: float) -> bool:
        """Whether the caller has waited for too long, and goes on without a lane.

        Takes the lane from whoever has held one for too long.
        """
        moment = time.monotonic()
        with self._lock:
            holder, since = next(iter(self._held_since.items()), (0, moment))
            if moment - since >= self._held_seconds:
                del self._held_since[holder]
                self._pass_on()
            if moment < ends_at or turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True

    def _hold(self) -> None:
        self._held_since[threading.get_ident()] = time.monotonic()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._free += 1


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
