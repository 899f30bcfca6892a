"""The yardstick between the driver and the product: the least that Flask does for a bid.

It reads the offer as JSON, looks up a bidder's token and sends the recorded statements by the
driver; nothing is checked, logged or told. Served as `bench.least:app` by the product's Gunicorn
settings; `BENCH_GIVEN` names the file with what was recorded.
"""

import json
import os
import threading
from pathlib import Path

from flask import Flask, Response, request

from bench.raw import Recorded, Replay

app = Flask(__name__)
_recorded = Recorded(**json.loads(Path(os.environ["BENCH_GIVEN"]).read_text()))
# As long as what a losing bid is answered with.
_ANSWER = b"-" * 135


class _Mine(threading.local):
    """A connection for each thread."""

    def __init__(self) -> None:
        self.replay = Replay(os.environ["DATABASE_URL"], _recorded, asking=True)


_mine = _Mine()


@app.get("/")
def up() -> Response:
    """Nothing, to show that it runs."""
    return Response(b"")


@app.post("/api/bids")
def bid() -> Response:
    """Place a bid: 201, or 409 when the guard refused it."""
    offer = request.get_json()
    cents = int(offer["amount"].replace(".", ""))
    placed = _mine.replay.bid(offer["artwork_id"], cents)
    return Response(_ANSWER, 201 if placed else 409, mimetype="application/json")
