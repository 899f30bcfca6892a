"""The yardstick between the driver and the product: the least that Flask does for a bid.

It reads the offer as JSON, finds in memory whose token it is, as the product does but for the first
bid in a minute, and sends the recorded statements by the driver. Nothing is checked, logged or
told. Served as `bench.least:app` by the product's Gunicorn settings; `BENCH_GIVEN` names the file
with what was recorded.
"""

import json
import os
import threading
from pathlib import Path

from flask import Flask, Response, request

from app.core.secrets import token_digest
from bench.raw import Recorded, Replay

app = Flask(__name__)
_recorded = Recorded(**json.loads(Path(os.environ["BENCH_GIVEN"]).read_text()))
# As long as what a losing bid is answered with.
_ANSWER = b"-" * 135
_mine = threading.local()


def _replay() -> Replay:
    """This thread's connection."""
    if not hasattr(_mine, "replay"):
        _mine.replay = Replay(os.environ["DATABASE_URL"], _recorded)
    found: Replay = _mine.replay
    return found


@app.get("/")
def up() -> Response:
    """Nothing, to show that it runs."""
    return Response(b"")


@app.post("/api/bids")
def bid() -> Response:
    """Place a bid: 201, or 409 when the guard refused it."""
    offer = request.get_json()
    cents = int(offer["amount"].replace(".", ""))
    digest = token_digest(request.headers["Authorization"].removeprefix("Bearer "))
    placed = _replay().bid(offer["artwork_id"], cents, digest)
    return Response(_ANSWER, 201 if placed else 409, mimetype="application/json")
