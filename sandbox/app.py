"""The Flask application over one world: the API, the hosted page, the control API."""

from __future__ import annotations

import json
import threading

from flask import Flask, Response, jsonify, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from sandbox import control, dashboard, hosted, sessions
from sandbox.api import LONGEST_BODY, Api, authenticate
from sandbox.errors import StripeError
from sandbox.identifiers import letters
from sandbox.world import World

EXPIRY_CHECK_SECONDS = 0.25
# No form-action: browsers apply it to the shop's success page too, which may be anywhere.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def create_app(world: World) -> Flask:
    """Wire the routes to the world."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(Api(world).blueprint())
    app.register_blueprint(hosted.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    app.register_blueprint(dashboard.blueprint(world))

    @app.after_request
    def finish(response: AnyResponse) -> AnyResponse:
        response.headers["Date"] = world.clock.http_date()
        response.headers["X-Content-Type-Options"] = "nosniff"
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = PAGE_POLICY
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> AnyResponse | tuple[str, int]:
        status = problem.code or 500
        if request.path.startswith("/v1"):
            return _stripe_error(status)
        if request.path.startswith("/_sandbox"):
            response = jsonify(error=problem.description)
            response.status_code = status
            return response
        return render_template("unknown.html"), status

    return app


def _stripe_error(status: int) -> Response:
    try:
        authenticate()
        error = StripeError(
            404,
            f"Unrecognized request URL ({request.method}: {request.path}). Please see "
            "https://stripe.com/docs or we can help at https://support.stripe.com/.",
        )
        if status == 413:
            error = StripeError(413, "The request is too large.")
        elif status >= 500:
            error = StripeError(500, "The sandbox itself failed.", kind="api_error")
    except StripeError as refused:
        error = refused
    response = Response(json.dumps(error.body(), indent=2), error.status)
    response.mimetype = "application/json"
    response.headers["Request-Id"] = "req_" + letters(14)
    return response


class Expirer:
    """The background thread that ends sessions when their time has come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.wait(EXPIRY_CHECK_SECONDS):
            sessions.expire_due(self._world)
