"""How many requests a process works on at the same time."""

import threading
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Threads of one process share one interpreter. With many of them at work each bid costs more CPU,
# and those of a hot artwork hold its row while they wait for the interpreter: `bench.bids` shows
# 40 % more bids with two than without a limit.
LANES = 2
# Lanes are for speed, and nothing hangs on them: whoever waits too long goes on without one.
PATIENCE_SECONDS = 0.5

_mine = threading.local()


class Lanes:
    """WSGI middleware that lets so many requests work at once; the others wait for a moment."""

    def __init__(
        self,
        app: WSGIApplication,
        passing: str,
        lanes: int = LANES,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Requests whose path begins with `passing` need no lane."""
        self._app = app
        self._passing = passing
        self._free = threading.Semaphore(lanes)
        self._patience = patience_seconds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on in a lane."""
        passes = str(environ.get("PATH_INFO", "")).startswith(self._passing)
        if passes or getattr(_mine, "lane", None) is not None:
            return self._app(environ, start_response)
        if self._free.acquire(timeout=self._patience):
            _mine.lane = self._free
        try:
            return self._app(environ, start_response)
        finally:
            leave_lane()


def leave_lane() -> None:
    """Let another request work, before something that may take long; safe to call again."""
    lane = getattr(_mine, "lane", None)
    if lane is not None:
        _mine.lane = None
        lane.release()
