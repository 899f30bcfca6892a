"""Which answers of the API may be kept, by whom, and when an old one still holds."""

from flask import Flask, Response, request

from app.web.api_description import CONDITIONAL


def init_api_caching(app: Flask) -> None:
    """`ETag` and 304 where reading again is usual; no cache serves one viewer another's answer."""

    @app.after_request
    def mind_caches(response: Response) -> Response:
        if not request.path.startswith("/api/"):
            return response
        if "Vary" in response.headers:
            response.vary.update(("Authorization", "Cookie"))
        else:
            response.headers["Vary"] = "Authorization, Cookie"
        if request.endpoint in CONDITIONAL and response.status_code == 200:
            # The seller's own answer has other bytes, so another tag.
            response.add_etag(weak=True)
            response.make_conditional(request)
        return response
