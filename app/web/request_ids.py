"""An id for every request: taken from the proxy when it is well formed, told in the answer."""

import re
import secrets
import time

from flask import Flask, Response, request

from app.core.at_hand import notes_at_hand
from app.web.answers import send_along

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"


def init_request_ids(app: Flask) -> None:
    """Number every request; the number stands in each log line and in the answer's header."""

    @app.before_request
    def number() -> None:
        given = request.headers.get(HEADER, "")
        here = notes_at_hand()
        here.request_id = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)
        here.began = time.perf_counter()

    @app.after_request
    def tell(response: Response) -> Response:
        own = notes_at_hand().get("request_id")
        if own is not None:
            send_along(response, ((HEADER, own),))
        return response
