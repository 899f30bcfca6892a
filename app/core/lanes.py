"""How many requests a process works on at the same time, and which thread takes which."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response
from sqlalchemy import Engine, event

from app.core import cores

# Threads of one process share one interpreter. With several of them at work each bid costs more
# CPU, and a transaction of several statements holds its rows while it waits for the interpreter. A
# database on another machine is waited for instead, and another request can use that time: see
# docs/grow.md.
LANES_NEAR = 1
LANES_FAR = 4
# A round trip to a database on the same machine takes less, between machines more.
NEAR_SECONDS = 0.000_25
# Lanes are for speed, and nothing hangs on them. Whoever holds one for longer than most requests
# take loses it to who waits, and what waits for too long goes on without one.
HELD_SECONDS = 0.1
PATIENCE_SECONDS = 2.0

_mine = threading.local()


@dataclass(frozen=True)
class _Task:
    """A call that waits for a lane, and what is promised of it."""

    promise: Future[Any]
    call: Callable[[], Any]
    since: float

    def run(self) -> None:
        if not self.promise.set_running_or_notify_cancel():
            return
        try:
            self.promise.set_result(self.call())
        except BaseException as failure:
            self.promise.set_exception(failure)


class LanePool(ThreadPoolExecutor):
    """Threads for requests, of which so many work at once; the others wait in the order they came.

    Whoever is done takes the next that waits itself: to hand it to another thread costs more than
    a part of the request does. A lane that is left goes to whatever has waited longest.
    """

    def __init__(
        self,
        threads: int,
        lanes: int = LANES_NEAR,
        held_seconds: float = HELD_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__(threads, thread_name_prefix="request")
        self._held_seconds = held_seconds
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._free = lanes
        self._waiting: deque[_Task] = deque()
        # By the thread's native number, the longest first.
        self._held_since: dict[int, float] = {}
        self._some_wait = threading.Event()
        self._watch: threading.Thread | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many calls wait for a lane at this moment."""
        return len(self._waiting)

    def submit(  # type: ignore[override]
        self, call: Callable[..., Any], /, *args: Any
    ) -> Future[Any]:
        """Have a call made in its turn; raises RuntimeError after `shutdown`."""
        task = _Task(Future(), lambda: call(*args), time.monotonic())
        with self._lock:
            if self._closed:
                raise RuntimeError("no calls are taken any more")
            if self._free:
                super().submit(self._work, task)
                self._free -= 1
            else:
                self._waiting.append(task)
                self._have_them_watched()
        return task.promise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; those that wait are still made, by whoever is done."""
        with self._lock:
            self._closed = True
        super().shutdown(wait, cancel_futures=cancel_futures)

    def add(self, lanes: int) -> None:
        """Let so many more requests work at once."""
        with self._lock:
            for _ in range(lanes):
                self._pass_on()

    def leave(self) -> None:
        """Give back the lane of this thread, if it still has one."""
        with self._lock:
            if self._held_since.pop(threading.get_native_id(), None) is not None:
                self._pass_on()

    def _work(self, task: _Task | None) -> None:
        """Make this call in the lane that was taken for it, and then those that wait."""
        this = threading.get_native_id()
        _mine.lanes = self
        cores.come_home()
        while task is not None:
            with self._lock:
                self._held_since[this] = time.monotonic()
            task.run()
            with self._lock:
                if self._held_since.pop(this, None) is None:
                    # It may have been taken, and this thread sent away.
                    cores.roam()
                    task = None
                elif self._waiting:
                    task = self._waiting.popleft()
                else:
                    self._free += 1
                    task = None
        _mine.lanes = None

    @staticmethod
    def _work_beside(task: _Task) -> None:
        """Make this call without a lane."""
        cores.roam()
        task.run()

    def _pass_on(self) -> None:
        # After `shutdown` no thread can be asked for: whoever is done takes what waits.
        if self._waiting and not self._closed:
            super().submit(self._work, self._waiting[0])
            self._waiting.popleft()
        else:
            self._free += 1

    def _have_them_watched(self) -> None:
        if self._watch is None:
            watch = threading.Thread(target=self._watch_those_who_wait, daemon=True)
            watch.start()
            self._watch = watch
        if not self._some_wait.is_set():
            self._some_wait.set()

    def _watch_those_who_wait(self) -> None:
        while True:
            self._some_wait.wait()
            with self._lock:
                until = self._help_on()
                if until is None:
                    self._some_wait.clear()
            # Where all are quick that is as long as a lane may be held, however many come and go:
            # it takes the interpreter from nobody.
            if until is not None:
                time.sleep(max(0.001, until - time.monotonic()))

    def _help_on(self) -> float | None:
        """Take lanes that were held for too long; let go what waited too long.

        When there may be more to do, or None while nothing waits.
        """
        moment = time.monotonic()
        for thread, since in list(self._held_since.items()):
            if self._waiting and moment - since >= self._held_seconds:
                del self._held_since[thread]
                cores.let_roam(thread)
                self._pass_on()
        while self._waiting and moment - self._waiting[0].since >= self._patience:
            if self._closed:
                break
            super().submit(self._work_beside, self._waiting[0])
            self._waiting.popleft()
        if not self._waiting or self._closed:
            return None
        oldest = next(iter(self._held_since.values()), moment)
        return min(oldest + self._held_seconds, self._waiting[0].since + self._patience)


@dataclass
class _Serving:
    """What serves this process's requests."""

    pool: LanePool | None = None


_serving = _Serving()


def request_pool(threads: int, core: int | None = None) -> LanePool:
    """The threads that this process serves its requests with; on this core, if it has its own."""
    if core is not None:
        cores.settle(core)
    _serving.pool = LanePool(threads)
    return _serving.pool


def leave_lane() -> None:
    """Let another request work, before something that may take long; safe to call again."""
    lanes: LanePool | None = getattr(_mine, "lanes", None)
    if lanes is not None:
        _mine.lanes = None
        cores.roam()
        lanes.leave()


def holds_lane() -> bool:
    """Whether this thread works in a lane."""
    return getattr(_mine, "lanes", None) is not None


def init_lanes(app: Flask, engine: Engine) -> None:
    """Leave the lane before what is read as it is sent; measure how far the database is."""

    @app.after_request
    def let_the_next_in(response: Response) -> Response:
        if response.is_streamed:
            leave_lane()
        return response

    add_lanes_for_distance(engine)


def add_lanes_for_distance(engine: Engine) -> None:
    """More lanes when the database turns out not to be on this machine, at the first connection."""
    if engine.dialect.name == "sqlite":
        return

    @event.listens_for(engine, "first_connect")
    def measure(connection: Any, _record: Any) -> None:
        if _serving.pool is not None and _round_trip_seconds(connection) > NEAR_SECONDS:
            _serving.pool.add(LANES_FAR - LANES_NEAR)


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
