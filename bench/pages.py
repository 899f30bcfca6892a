"""Pages: how long, how much CPU, how many statements; against a bare Flask route of equal bytes.

`python -m bench.pages --help` tells the choices.
"""

import argparse
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine, event, update

from app.accounts import queries as accounts
from app.accounts.states import TokenKind
from app.artworks.models import Artwork
from app.bidding import service as bidding
from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from bench import load
from bench.figures import Goal, Section, Table, median, percentile, rendered
from bench.people import add_artworks, add_people, product
from bench.stage import DATABASES, Stage, machine, raised, yardstick

_ARTWORKS = 200
_BIDS = 50
_TIMES_BARE = 6.0
# What the closest existing system takes for a JSON list of 20 on a machine like this one.
_LIST_MILLISECONDS = 3.2
HEADS = (
    "database", "page", "signed", "statements", "p50 ms", "p95 ms", "CPU ms", "bare CPU ms",
    "times bare", "a second", "bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """One page: where it is, and how many statements it may take, signed in as well.

    Without that number it is there for comparison and has no goals.
    """

    name: str
    path: str
    statements: int | None = None


@dataclass(frozen=True)
class PageFigures:
    """One round of one page."""

    p50: float
    p95: float
    cpu_milliseconds: float
    rate: float


@dataclass(frozen=True)
class Found:
    """The medians of one page, on one database, signed in or out."""

    database: str
    subject: Subject
    signed_in: bool
    statements: int
    size: int
    mine: PageFigures
    bare_milliseconds: float
    times_bare: float

    def cells(self) -> list[str]:
        """Its line in the table."""
        return [
            self.database,
            self.subject.name,
            "in" if self.signed_in else "out",
            str(self.statements),
            f"{self.mine.p50:.1f}",
            f"{self.mine.p95:.1f}",
            f"{self.mine.cpu_milliseconds:.2f}",
            f"{self.bare_milliseconds:.2f}",
            f"{self.times_bare:.1f}",
            f"{self.mine.rate:.0f}",
            str(self.size),
        ]


def measure(databases: Sequence[str], seconds: float, rounds: int, clients: int) -> list[Found]:
    """Every page on each database, signed out and signed in."""
    found = []
    for database in databases:
        with raised(database) as stage:
            with product(stage) as app:
                token = add_people(1, kind=TokenKind.BROWSER)[0]
                hot = _artwork_with_bids()
                # In a context of its own, as a request has it: an application's is shared with
                # the requests made inside it, and what is known of the viewer with it.
                signed_in = Context().run(_cookie, app, token)
                subjects = (
                    Subject("browse", "/", 4),
                    Subject("artwork", f"/artworks/{hot}", 5),
                    Subject("JSON list of 20", "/api/artworks?per_page=20", 4),
                    Subject("help page", "/help"),
                )
                count = partial(_statements, app, db.engine)
                cases = [
                    (subject, cookie, Context().run(count, subject.path, cookie))
                    for subject in subjects
                    for cookie in ("", signed_in)
                ]
            for subject, cookie, statements in cases:
                found.append(_page(stage, subject, cookie, statements, seconds, rounds, clients))
                print(" ".join(found[-1].cells()), flush=True)
    return found


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
    """What the browser of a signed-in person sends once it has seen a page."""
    interface: Any = app.session_interface
    signer: URLSafeTimedSerializer = interface.get_signing_serializer(app)
    name = app.config["SESSION_COOKIE_NAME"]
    client = app.test_client()
    client.set_cookie(name, signer.dumps({"_user_id": token, "_fresh": True}))
    client.get("/")
    # The first page with a form in it puts something of its own into the session.
    kept = client.get_cookie(name)
    if kept is None:
        raise RuntimeError("the browser was signed out")
    return f"{name}={kept.value}"


def _statements(app: Flask, engine: Engine, path: str, cookie: str) -> int:
    """How many statements one request of a page takes, the second time it is asked for."""
    found: list[str] = []

    def note(_c: Any, _u: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    # A client with a jar of its own would send nothing but what is in that.
    client = app.test_client(use_cookies=False)
    headers = {"Cookie": cookie} if cookie else {}
    client.get(path, headers=headers)
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = client.get(path, headers=headers)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return len(found)


def _page(
    stage: Stage, subject: Subject, cookie: str, statements: int, seconds: float, rounds: int,
    clients: int,
) -> Found:  # fmt: skip
    sent = {"Cookie": cookie} if cookie else {}
    lines = [f"GET {subject.path} HTTP/1.1", "Host: bench", *(f"{n}: {v}" for n, v in sent.items())]
    asked = "\r\n".join([*lines, "", ""])
    body = requests.get(stage.url + subject.path, headers=sent, timeout=10).content
    mine, bare = [], []
    with yardstick(stage, "bare", body) as other:
        for _ in range(rounds):
            mine.append(_measure(stage, asked, seconds, clients))
            bare.append(_measure(other, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", seconds, clients))
    return Found(
        stage.database,
        subject,
        bool(cookie),
        statements,
        len(body),
        PageFigures(
            median(each.p50 for each in mine),
            median(each.p95 for each in mine),
            median(each.cpu_milliseconds for each in mine),
            median(each.rate for each in mine),
        ),
        median(each.cpu_milliseconds for each in bare),
        median(
            one.cpu_milliseconds / other.cpu_milliseconds
            for one, other in zip(mine, bare, strict=True)
        ),
    )


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


def goals(found: Sequence[Found]) -> list[Goal]:
    """What each page was to reach, and the worst that was found."""
    made = []
    for name in dict.fromkeys(each.subject.name for each in found):
        cases = [each for each in found if each.subject.name == name]
        most = max(each.statements for each in cases)
        allowed = cases[0].subject.statements
        if allowed is None:
            continue
        made.append(Goal(f"{name}: statements", f"≤ {allowed}", str(most), most <= allowed))
        worst = max(each.times_bare for each in cases)
        text = f"{min(each.times_bare for each in cases):.1f} to {worst:.1f} ×"
        made.append(
            Goal(f"{name}: CPU against a bare route", f"≤ {_TIMES_BARE:.0f} ×", text,
                 worst <= _TIMES_BARE)
        )  # fmt: skip
    cpu = [each.mine.cpu_milliseconds for each in found if each.subject.path.startswith("/api/")]
    if cpu:
        text = f"{min(cpu):.2f} to {max(cpu):.2f} ms"
        made.append(
            Goal("JSON list of 20: CPU", f"below {_LIST_MILLISECONDS} ms", text,
                 max(cpu) < _LIST_MILLISECONDS)
        )  # fmt: skip
    return made


def notes(found: Sequence[Found]) -> str:
    """Where the CPU of a page goes, as far as these figures tell."""
    parts = []
    for signed_in in (False, True):
        cases = [each for each in found if each.signed_in == signed_in]
        frame = median(
            each.mine.cpu_milliseconds for each in cases if each.subject.statements is None
        )
        bare = median(each.bare_milliseconds for each in cases)
        who = "signed in, with one statement for who it is" if signed_in else "signed out"
        parts.append(f"{frame:.2f} ms {who} ({frame / bare:.1f} × bare)")
    return (
        "The help page shows no artwork: what it takes is the frame of every page with its "
        f"headers, log line and session: {', '.join(parts)}. The rest of a page is one statement "
        "(two for an artwork and its bids) and the text. Cards, forms and rows of bids are "
        "remembered by what they show, so these figures are those of pages that somebody has "
        "looked at since they changed."
    )


def report(
    rounds: int = 5,
    databases: Sequence[str] = DATABASES,
    seconds: float = 1.0,
    clients: int = 4,
) -> Section:
    """What was measured, as a section of the report."""
    found = measure(databases, seconds, rounds, clients)
    return Section(
        title="Pages",
        about=(
            f"Browsing {_ARTWORKS} artworks (12 on a page), an artwork with {_BIDS} bids (20 on a "
            "page), the JSON list of 20, and the help page for comparison, signed out and signed "
            f"in, asked for by {clients} clients; against a bare Flask route that answers the same "
            "bytes under the same Gunicorn settings, in turns. CPU is that of the web processes "
            "for each request. Statements are counted in one request, that for the viewer among "
            "them. Limits on how often one may ask are off: these clients would soon have met them."
        ),
        tables=[Table(HEADS, [each.cells() for each in found])],
        goals=goals(found),
        notes=notes(found),
    )


def main() -> None:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    databases = DATABASES if given.database == "both" else (given.database,)
    told = report(given.rounds, databases, given.seconds, given.clients)
    print(f"\n{machine()}\n\n{rendered(told)}")


if __name__ == "__main__":
    main()
