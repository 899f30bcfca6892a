"""How many sockets a process holds. Each takes one of its threads for as long as it is open."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

# Of Gunicorn's 100 threads, so that pages are always answered. Who finds no socket polls.
SOCKETS_AT_MOST = 80
# An office or a household behind one address.
SOCKETS_PER_ADDRESS = 30

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Doors:
    """WSGI middleware that lets in only so many sockets at once, in all and from one address."""

    def __init__(self, app: Callable[..., Iterable[bytes]], path: str = "/socket.io/") -> None:
        self._app = app
        self._path = path
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; a socket's own lasts as long as the socket."""
        if not str(environ.get("PATH_INFO", "")).startswith(self._path):
            return self._app(environ, start_response)
        address = str(environ.get("REMOTE_ADDR", ""))
        if not self._enter(address):
            busy = HTTPStatus.SERVICE_UNAVAILABLE
            start_response(
                f"{busy.value} {busy.phrase}",
                [("Content-Type", "text/plain"), ("Retry-After", "10"), ("Content-Length", "0")],
            )
            return [b""]
        try:
            return self._app(environ, start_response)
        finally:
            self._leave(address)

    def _enter(self, address: str) -> bool:
        with self._lock:
            if self._held[address] >= SOCKETS_PER_ADDRESS or self._held.total() >= SOCKETS_AT_MOST:
                return False
            self._held[address] += 1
            return True

    def _leave(self, address: str) -> None:
        with self._lock:
            self._held[address] -= 1
            # Whoever was here once is not remembered.
            self._held += Counter()
