"""What a client sent is taken to its end before it is answered, whether or not anybody read it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# More than nginx lets through (client_max_body_size in deploy/nginx).
_LARGEST = 16 * 1024 * 1024
_PIECE = 64 * 1024


class UnreadBodies:
    """WSGI middleware that reads the rest of a body which the application refused unread.

    Gunicorn closes the connection after the answer. If part of the body was not read, the system
    resets the connection instead (RFC 2525, 2.17), the answer may be lost on the way, and nginx
    says 502 for what was a clear refusal.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, and read what is left of it."""
        answer = self._app(environ, start_response)
        # Only a server that says so ends the stream with the body; others would wait for ever.
        if environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
            _finish(environ["wsgi.input"])
        return answer


def _finish(body: Any) -> None:
    taken = 0
    # A client that is gone cannot be answered either: the server will notice as it writes.
    with suppress(OSError):
        while taken < _LARGEST and (piece := body.read(_PIECE)):
            taken += len(piece)
