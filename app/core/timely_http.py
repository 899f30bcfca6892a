"""HTTP requests that end in time, however slowly the answer comes."""

import threading
from concurrent.futures import Future
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

# As many threads serve requests in a process.
_CONNECTIONS = 100
# Each holds a thread and a connection.
_MOST_LEFT = 50


class TimelySession(requests.Session):
    """Connections for any number of threads, whose answers are whole within `seconds`.

    What takes longer raises requests.Timeout. The `timeout` of a request is for each wait for
    bytes alone, and an answer that drips may take for ever
    (requests.readthedocs.io/en/latest/user/quickstart/#timeouts). Answers that were left drip on;
    while they are very many, no further request is begun and all fail at once.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._left = 0
        # Threads share them, and what answers ask to be remembered could change under one's hands.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def request(self, *args: Any, **named: Any) -> requests.Response:
        """As requests.Session.request."""
        if self._left >= _MOST_LEFT:
            raise requests.Timeout(f"{self._left} earlier answers drip on")
        answer: Future[requests.Response] = Future()
        ask = super().request
        left = False

        def wait() -> None:
            try:
                answer.set_result(ask(*args, **named))
            except BaseException as failure:
                answer.set_exception(failure)
            with self._lock:
                self._left -= left

        # Whoever waits for it turns away in time; it ends by itself when the other side does.
        threading.Thread(target=wait, name="an answer", daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            with self._lock:
                if answer.done():
                    return answer.result()
                left = True
                self._left += 1
            raise requests.Timeout(f"no whole answer within {self._seconds} s") from None
