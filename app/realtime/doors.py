"""What a process lets in: so many sockets, in all and for one address (in IPv6, for one /64)."""

import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from app.core.lanes import leave_lane
from app.core.networks import household
from app.realtime.budget import Budget, MeteredSocket

# Where Socket.IO listens, here and in every client.
SOCKETS_PATH = "/socket.io/"
_HEALTH = ("/health", "/health/ready")
# Where Gunicorn and Werkzeug leave the connection for who speaks websocket on it.
_CONNECTIONS = ("gunicorn.socket", "werkzeug.socket")


@dataclass(frozen=True)
class Capacity:
    """So many sockets at once. Who finds no socket polls."""

    in_all: int
    per_address: int


# A socket holds a thread for as long as it is open. These are Gunicorn's 100 without those that
# answer pages; 30 for an office or a household.
THREADS = Capacity(in_all=80, per_address=30)
# A socket holds some memory only (`python -m bench.live` says how much), and one core writes to so
# many four times a second. An address may be a school's or a mobile network's.
GREENLETS = Capacity(in_all=4_000, per_address=200)


def runs_greenlets() -> bool:
    """Whether this process is one of Gunicorn's gevent workers, whose threads are greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class SocketsOnly:
    """WSGI middleware of a live process: sockets, and whether it lives; 404 for anything else.

    Pages have processes of their own, with other threads and time limits: a page that is asked of
    greenlets would keep all watchers waiting while it is made.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on if it is for here."""
        asked = str(environ.get("PATH_INFO", ""))
        if asked.startswith(SOCKETS_PATH) or asked in _HEALTH:
            return self._app(environ, start_response)
        missing = HTTPStatus.NOT_FOUND
        said = b"Only live updates are served here.\n"
        start_response(
            f"{missing.value} {missing.phrase}",
            [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))],
        )
        return [said]


class Doors:
    """WSGI middleware that lets in only so many sockets at once, in all and from one address.

    Each of them may say only so much (`app.realtime.budget`).
    """

    def __init__(
        self,
        app: WSGIApplication,
        capacity: Capacity,
        path: str = SOCKETS_PATH,
    ) -> None:
        self._app = app
        self._capacity = capacity
        self._path = path
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._total = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; a socket's own lasts as long as the socket."""
        if not str(environ.get("PATH_INFO", "")).startswith(self._path):
            return self._app(environ, start_response)
        leave_lane()
        address = household(environ.get("REMOTE_ADDR"))
        if not self._enter(address):
            busy = HTTPStatus.SERVICE_UNAVAILABLE
            start_response(
                f"{busy.value} {busy.phrase}",
                [("Content-Type", "text/plain"), ("Retry-After", "10"), ("Content-Length", "0")],
            )
            return [b""]
        # Compression would cost a socket 300 kB and each message more time than it saves on the
        # way: messages have a hundred bytes.
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        budget = Budget()
        for name in _CONNECTIONS:
            if name in environ:
                environ[name] = MeteredSocket(environ[name], budget)
        try:
            return self._app(environ, start_response)
        finally:
            self._leave(address)

    def _enter(self, address: str) -> bool:
        with self._lock:
            if (
                self._held[address] >= self._capacity.per_address
                or self._total >= self._capacity.in_all
            ):
                return False
            self._held[address] += 1
            self._total += 1
            return True

    def _leave(self, address: str) -> None:
        with self._lock:
            self._held[address] -= 1
            self._total -= 1
            # Whoever was here once is not remembered.
            if not self._held[address]:
                del self._held[address]
