"""Which answers of the API may be kept, by whom, and when an old one still holds."""

from flask import Flask, Response

from app.core.at_hand import request_at_hand
from app.web.api_description import CONDITIONAL

# What an answer of the API depends on, beside its address.
VARIES = "Authorization, Cookie"


def init_api_caching(app: Flask) -> None:
    """`ETag` and 304 where reading again is usual; no cache serves one viewer another's answer."""

    @app.after_request
    def mind_caches(response: Response) -> Response:
        asked = request_at_hand()
        if not asked.path.startswith("/api/"):
            return response
        if "Vary" in response.headers:
            response.vary.update(("Authorization", "Cookie"))
        else:
            response.headers.add("Vary", VARIES)
        if asked.endpoint in CONDITIONAL and response.status_code == 200:
            # The seller's own answer has other bytes, so another tag.
            response.add_etag(weak=True)
            response.make_conditional(asked)
        return response
