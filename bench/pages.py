"""Pages: how long, how much CPU, how many statements; against a bare Flask route of equal bytes.

`python -m bench.pages --help` tells the choices.
"""

import argparse
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import requests
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import event, update

from app.accounts import queries as accounts
from app.accounts.states import TokenKind
from app.artworks.models import Artwork
from app.bidding import service as bidding
from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from bench import load
from bench.figures import median, percentile, table
from bench.people import add_artworks, add_people, product
from bench.stage import DATABASES, Stage, bare_flask, machine, raised

_ARTWORKS = 200
_BIDS = 50
HEADS = (
    "database", "page", "signed", "statements", "p50 ms", "p95 ms", "CPU ms", "bare CPU ms",
    "times bare", "pages/s",
)  # fmt: skip


@dataclass(frozen=True)
class PageFigures:
    """One round of one page."""

    p50: float
    p95: float
    cpu_milliseconds: float
    rate: float


def rows(databases: list[str], seconds: float, rounds: int, clients: int) -> list[list[str]]:
    """A line of medians for every page, signed out and signed in."""
    lines = []
    for database in databases:
        with raised(database) as stage:
            with product(stage) as app:
                cookie = _cookie(app, add_people(1, kind=TokenKind.BROWSER)[0])
                hot = _artwork_with_bids()
                counts = {
                    (path, bool(signed)): _statements(app, path, signed)
                    for path in ("/", f"/artworks/{hot}")
                    for signed in ("", cookie)
                }
            for (path, signed), statements in counts.items():
                sent = f"Cookie: {cookie}\r\n" if signed else ""
                lines.append(_page(stage, path, sent, statements, seconds, rounds, clients))
                print(" ".join(lines[-1]), flush=True)
    return lines


def _artwork_with_bids() -> int:
    works = add_artworks(_ARTWORKS)
    with transaction() as session:
        # Only their addresses are shown: no file is needed.
        session.execute(
            update(Artwork)
            .where(Artwork.id % 4 != 0)
            .values(picture_key="0" * 32, picture_width=1600, picture_height=1200,
                    image_alt="A ship before a coast in the evening light")
        )  # fmt: skip
        session.execute(
            update(Artwork)
            .where(Artwork.id % 2 == 0)
            .values(end_at=clock.now() + timedelta(days=3), category="Painting")
        )
    bidders = [
        viewer
        for token in add_people(5)
        if (viewer := accounts.viewer_by_token(token, TokenKind.API)) is not None
    ]
    for number in range(_BIDS):
        bidding.place_bid(bidders[number % len(bidders)], works[-1], 1_000 + number)
    return works[-1]


def _cookie(app: Flask, token: str) -> str:
    """What the browser of a signed-in person sends."""
    interface: Any = app.session_interface
    signer: URLSafeTimedSerializer = interface.get_signing_serializer(app)
    value = signer.dumps({"_user_id": token, "_fresh": True})
    return f"{app.config['SESSION_COOKIE_NAME']}={value}"


def _statements(app: Flask, path: str, cookie: str) -> int:
    """How many statements one request of a page takes, the second time it is asked for."""
    found: list[str] = []

    def note(_c: Any, _u: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    client = app.test_client()
    headers = {"Cookie": cookie} if cookie else {}
    client.get(path, headers=headers)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = client.get(path, headers=headers)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return len(found)


def _page(
    stage: Stage, path: str, cookie: str, statements: int, seconds: float, rounds: int,
    clients: int,
) -> list[str]:  # fmt: skip
    asked = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{cookie}\r\n"
    headers = dict([cookie.strip().split(": ", 1)]) if cookie else {}
    body = requests.get(stage.url + path, headers=headers, timeout=10).content
    mine, bare = [], []
    with bare_flask(stage, body) as other:
        for _ in range(rounds):
            mine.append(_measure(stage, asked, seconds, clients))
            bare.append(_measure(other, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", seconds, clients))
    cpu = median(each.cpu_milliseconds for each in mine)
    bare_cpu = median(each.cpu_milliseconds for each in bare)
    ratio = median(
        one.cpu_milliseconds / other.cpu_milliseconds for one, other in zip(mine, bare, strict=True)
    )
    return [
        stage.database,
        "browse" if path == "/" else "artwork",
        "in" if cookie else "out",
        str(statements),
        f"{median(each.p50 for each in mine):.1f}",
        f"{median(each.p95 for each in mine):.1f}",
        f"{cpu:.2f}",
        f"{bare_cpu:.2f}",
        f"{ratio:.1f}",
        f"{median(each.rate for each in mine):.0f}",
    ]


def _measure(stage: Stage, asked: str, seconds: float, clients: int) -> PageFigures:
    before = stage.cpu_seconds()["web"]
    answered = load.generate(load.Load("127.0.0.1", stage.port, clients, seconds, [asked]))
    good = answered.of(200)
    if good != sum(answered.statuses.values()):
        raise RuntimeError(f"some pages failed: {answered.statuses}")
    return PageFigures(
        p50=percentile(answered.milliseconds, 0.5),
        p95=percentile(answered.milliseconds, 0.95),
        cpu_milliseconds=(stage.cpu_seconds()["web"] - before) * 1000 / good,
        rate=good / answered.wall_seconds,
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    databases = list(DATABASES) if given.database == "both" else [given.database]
    lines = rows(databases, given.seconds, given.rounds, given.clients)
    print(f"\n{machine()}; {given.clients} clients; medians of {given.rounds} rounds\n")
    print(table(HEADS, lines))


if __name__ == "__main__":
    main()
