"""The yardstick for pages: a Flask application that answers the same bytes and does nothing else.

Served as `bench.bare:app` by the product's Gunicorn settings; `BENCH_GIVEN` names the file with the
body.
"""

import os
from pathlib import Path

from flask import Flask, Response

app = Flask(__name__)
_body = Path(os.environ.get("BENCH_GIVEN", os.devnull)).read_bytes()


@app.get("/")
def same_bytes() -> Response:
    """The body, as it was measured."""
    return Response(_body, mimetype="text/html")
