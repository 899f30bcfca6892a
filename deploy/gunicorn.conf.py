"""Gunicorn's settings for the web process: `gunicorn -c deploy/gunicorn.conf.py wsgi:app`.

Every name here is one of Gunicorn's settings (docs.gunicorn.org/en/stable/settings.html).
"""

import gc
import os
import select
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from gunicorn.workers.gthread import ThreadWorker

# The application reads .env (or ENV_FILE) by itself, but the address is bound before that. The
# environment goes first, as everywhere.
_root = Path(__file__).resolve().parent.parent
_file = dotenv_values(os.environ.get("ENV_FILE") or _root / ".env")


def _setting(name: str, default: str) -> str:
    return os.environ.get(name) or _file.get(name) or default


def _number(name: str, usual: int, most: int) -> int:
    """Return a setting; what is none is told by `on_starting`, which is not asked before this."""
    try:
        number = float(_setting(name, str(usual)))
    except ValueError:
        return usual
    return int(number) if number.is_integer() and 1 <= number <= most else usual


_host = _setting("HOST", "127.0.0.1")
_port = _number("PORT", 5000, 65_535)
bind = [f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"]
workers = _number("WEB_CONCURRENCY", 1, 64)


# A process in which at least `_FEW` requests wait leaves new connections to the others: a moment
# for each that waits, at most `_MOST`. If some were left whenever it looked, and that more than
# once, the others do not keep up, and it takes as many as it let moments pass; as it does when it
# has less to do before that. Within two the system wakes a process that is idle. A page takes about
# one, so that who is new waits about as long as who asks again on a connection that is kept.
_FEW = 2
_MOST = 10
_MOMENT_SECONDS = 0.001
# Every two milliseconds: the system waits for whole ones, rounded up.
_LOOK_SECONDS = 0.0019


class _GthreadInLanes(ThreadWorker):
    """Gunicorn's thread worker, with threads of which so many work at once (app/core/lanes.py)."""

    # Which it keeps to (app/core/cores.py), or None.
    core = None
    # Until when new connections are left to the other processes, by the monotonic clock, or None;
    # how many moments that are; when to look next whether any are left, and how often some were,
    # None once there were none.
    _stands_back_until = None
    _moments = 0
    _looks_at = 0.0
    _found_left = None

    def get_thread_pool(self):
        # Imported in the child, see `on_starting`.
        from app.core.lanes import request_pool

        return request_pool(self.cfg.threads, self.core)

    def accept(self, listener):
        """Take a new connection, or leave it to the others for a moment while requests wait here.

        The system wakes every process, and one that is awake, since it is busy, is often the first
        to take it. Whoever keeps its connection would then wait there beside an idle core.
        """
        self._moments = min(self.tpool.waiting, _MOST) if self.cfg.workers > 1 else 0
        if self._moments < _FEW:
            super().accept(listener)
        else:
            now = time.monotonic()
            self._stands_back_until = now + self._moments * _MOMENT_SECONDS
            self._looks_at = now + _LOOK_SECONDS
            self._found_left = 0
            self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled):
        super().set_accept_enabled(enabled and self._stands_back_until is None)

    def wait_for_and_dispatch_events(self, timeout):
        if self._stands_back_until is not None:
            timeout = min(timeout, self._stand_back())
        super().wait_for_and_dispatch_events(timeout)

    def _stand_back(self):
        """Take new connections if the others do not. How many seconds may pass until the next look.

        One that is there at a single look may have come just now, and an idle process is about to
        take it: here it would wait behind all others.
        """
        now = time.monotonic()
        busy = self.alive and self.tpool.waiting >= _FEW
        if busy and self._found_left is not None and now >= self._looks_at:
            self._looks_at = now + _LOOK_SECONDS
            self._found_left = self._found_left + 1 if self._any_left() else None
        if busy and (now < self._stands_back_until or self._found_left in (0, 1)):
            return (self._stands_back_until if self._found_left is None else self._looks_at) - now
        self._stands_back_until = None
        if not self.alive:
            # What was sent to a process that stops is still answered.
            self._take(self.worker_connections)
        elif self._found_left is not None:
            self._take(self._moments)
        # `run` is about to enable new connections again.
        return 0

    def _any_left(self):
        waiting = select.poll()
        for listener in self.sockets:
            waiting.register(listener, select.POLLIN)
        return bool(waiting.poll(0))

    def _take(self, most):
        """Take up to so many of the connections that nobody took meanwhile."""
        for listener in self.sockets:
            for _ in range(min(most, self.worker_connections - self.nr_conns)):
                before = self.nr_conns
                super().accept(listener)
                if self.nr_conns == before:
                    break

    def handle(self, conn):
        if not conn.initialized and not self.cfg.is_ssl:
            from app.core.lane_sockets import LaneSocket
            from app.core.lanes import leave_lane

            if not isinstance(conn.sock, LaneSocket):
                conn.sock = LaneSocket.instead_of(conn.sock)
            # Browsers open connections before they have anything to ask.
            if not conn.wait_for_data(0):
                leave_lane()
        return super().handle(conn)


# Every open websocket holds a thread for as long as somebody looks at a page: far more threads
# than requests that run at the same time.
worker_class = _GthreadInLanes
threads = 100

# A worker that gives no sign of life for `timeout` seconds is replaced. A request may wait for
# Stripe for up to 15 seconds.
timeout = 60
graceful_timeout = 30
# Longer than nginx keeps its own idle connections, so that it is not cut off as it sends.
keepalive = 75

# A worker that opened Redis or the database before it was forked would share the connection.
preload_app = False

# Workers show that they live by touching a file: in memory, where a busy disk cannot hold it up.
if Path("/dev/shm").is_dir():  # noqa: S108 - the folder's purpose
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# What a proxy says of a request is read by the application, and only as TRUSTED_PROXIES allows.
forwarded_allow_ips = ""

# nginx, or the application itself, writes the log of requests.
accesslog = None
errorlog = "-"

# One socket per user account is the default: a second instance would take it from the first.
control_socket_disable = True


def on_starting(server: object) -> None:
    """Refuse wrong settings and an older schema once, and not in every child.

    It is a child of its own that looks: what the parent imported would stay in it, and after a
    SIGHUP the new processes would run with the old version of it.
    """
    child = os.fork()
    if child == 0:
        # Loads much, does little and ends: there is no garbage to look for.
        gc.disable()
        code = 1
        try:
            code = _refusal()
        finally:
            sys.stderr.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        sys.exit(code)


def pre_fork(server: Any, worker: Any) -> None:
    """Give each process a core of its own where they are as many, or a multiple.

    With fewer processes the system finds them better places than we could, beside whatever else
    runs here; and two programs that each chose one core might choose the same.
    """
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    if len(cores) > 1 and server.num_workers % len(cores) == 0:
        # After a reload the older ones are about to go, and may take their time.
        by_age = sorted(server.WORKERS.values(), key=lambda other: other.age)
        staying = by_age[max(0, len(by_age) + 1 - server.num_workers) :]
        taken = Counter(getattr(other, "core", None) for other in staying)
        worker.core = min(cores, key=lambda core: taken[core])


def _refusal() -> int:
    sys.path.insert(0, str(_root))
    from app.config import SettingsError, read_settings
    from app.core.schema import SchemaTooOld, refuse_older_schema

    try:
        refuse_older_schema(read_settings())
    except SettingsError as wrong:
        print(wrong.report("The web process"), file=sys.stderr)
        return 2
    except SchemaTooOld as older:
        print(f"The web process cannot start: {older}", file=sys.stderr)
        return 2
    return 0
