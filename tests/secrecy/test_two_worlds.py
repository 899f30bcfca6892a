"""Two worlds that differ only in the hidden minimums look the same to all but those who know them.

One script is played in both: losing bids, refusals, a win that is declined and given up, an edit,
a withdrawal and a relisting, a win that is paid. Everything that reaches anybody but the seller
and administrators is kept: answers with their headers, socket messages, mails, log lines, figures,
and what Stripe is sent.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.extensions import db
from app.notifications.models import Email
from app.notifications.render import bodies
from app.payments.models import Payment
from app.web.logs import formatter
from tests.databases import empty
from tests.payments.market import Market, listening
from tests.people import TestPerson, anonymous
from tests.realtime.processes import Ear, ear

# Both bids that win reach every minimum, and no other bid does.
LOW, HIGH = ("447.77", "558.88"), ("493.33", "609.99")
FIRST_WIN, SECOND_WIN = "543.21", "654.32"

_PASSING = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|\+00:00)?", "<moment>"),
    (r"\d{1,2} \w{3,9} \d{4}, \d\d:\d\d", "<moment>"),
    (r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d GMT", "<moment>"),
    (r"\b1[789]\d{8,11}(\.\d+)?\b", "<epoch>"),
    (r"nonce-[\w-]+|nonce=\"[\w-]+\"", "<nonce>"),
    (r"name=\"csrf_token\" (type=\"hidden\" )?value=\"[^\"]+\"", "<csrf>"),
    (r"session=[\w.-]+", "<session>"),
    (r"\b(cs_test|pi|evt|ch|req|acct)_\w+", "<stripe>"),
    (r"\b[0-9a-f]{32}\b", "<request>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<key>"),
    (r"\b\d+(\.\d+)? (s|ms) (ago|after)|, \d+\.\d s after", "<time>"),
    (r"milliseconds\W+[\d.]+", "<time>"),
    (r"(?m)^(gtw_\w*seconds\w*(\{[^}]*\})?) .*$", r"\1 <time>"),
    (r"(data-\w*(now|left|until|ends)\w*)=\"[^\"]*\"", r"\1"),
    (r"\d+:\d\d|\d+ (second|minute)s?", "<time>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"[\w.-]+@[\w.-]*localhost|Message-ID: \S+", "<message>"),
)


def still(text: str) -> str:
    """The text without what differs between any two runs."""
    for pattern, stands_for in _PASSING:
        text = re.sub(pattern, stands_for, text)
    return text


@dataclass
class Told:
    """What reached whom, in order."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def note(self, whom: str, text: str) -> None:
        self.lines.append((whom, text))

    def text(self, *whom: str) -> str:
        return "\n".join(text for who, text in self.lines if not whom or who in whom)


class Script:
    """One world, from the first listing to the sale."""

    def __init__(self, market: Market, thresholds: tuple[str, str]) -> None:
        with market.app.app_context():
            db.session.remove()
            empty(db.engine)
        market.sandbox.control("POST", "/reset", status=204)
        self.market = market
        self.thresholds = thresholds
        self.told = Told()
        make = market.make_person
        self.seller = make("SELLER", "Sella", email="sella@example.com")
        self.people = {
            "buyer": make("BUYER", "Bea", email="bea@example.com"),
            "other": make("BUYER", "Otto", email="otto@example.com"),
            "stranger": make("SELLER", "Stella", email="stella@example.com"),
        }
        self.artwork_id = 0
        self.sold = False

    def ask(self, whom: str, method: str, path: str, body: Any = None) -> Any:
        """Somebody who may not know asks; whatever comes is kept."""
        person = self.people.get(whom)
        if path.startswith("/api"):
            answer = self.market.call(person, method, path.removeprefix("/api"), body)
        else:
            answer = self.browser(person).open(path, method=method)
        headers = sorted(
            f"{name}: {value}" for name, value in answer.headers.items()
            if name not in {"X-Request-ID", "Content-Length", "ETag"}
        )  # fmt: skip
        self.told.note(whom, f"{method} {path} {answer.status_code}\n{headers}\n{answer.text}")
        return answer

    def browser(self, person: TestPerson | None) -> Any:
        return person.browser if person else anonymous(self.market.app)

    def owner(self, method: str, path: str, body: Any = None) -> Any:
        """The seller asks; they may know, so nothing is kept."""
        answer = self.market.call(self.seller, method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def look_around(self) -> None:
        """Everybody looks at everything."""
        art = self.artwork_id
        for whom in ("anonymous", *self.people):
            for path in (
                "/", f"/artworks/{art}", f"/api/artworks/{art}", f"/api/artworks/{art}/bids",
                "/api/artworks", "/api/artworks?sort=price", "/api/artworks?q=447",
                f"/api/payments/artwork/{art}", "/me/bids", "/me/payments",
                "/api/payments/my-payments", "/api/bids/my-bids", f"/seller/artworks/{art}/edit",
                f"/api/payments/{art}",
            ):  # fmt: skip
                self.ask(whom, "GET", path)
        self.ask("figures", "GET", "/metrics")

    def bid(self, whom: str, amount: str) -> Any:
        body = {"artwork_id": self.artwork_id, "amount": amount}
        return self.ask(whom, "POST", "/api/bids", body)

    def play(self) -> Told:
        listing = {"title": "Twins", "secret_threshold": self.thresholds[0]}
        self.artwork_id = self.owner("POST", "/artworks", listing)["id"]
        with self.ears():
            self.lose_and_default()
            self.sell()
        self.keep_mails()
        ledger = self.market.sandbox.ledger()
        self.told.note("stripe", json.dumps(ledger["requests"], sort_keys=True, default=str))
        # Stripe's own things differ from run to run; only what they tell is looked at.
        self.told.note("ledger", json.dumps(ledger, default=str))
        for payment in self.market.rows(Payment):
            self.told.note("stripe", json.dumps(payment.checkout_params, sort_keys=True))
        return self.told

    def lose_and_default(self) -> None:
        self.look_around()
        statuses = [
            self.bid(whom, amount).status_code
            for whom, amount in (
                ("other", "20.00"), ("buyer", "447.76"), ("other", "300"), ("other", "0.10"),
            )
        ]  # fmt: skip
        assert statuses == [201, 201, 409, 422]
        self.look_around()
        won = self.bid("buyer", FIRST_WIN).json
        assert won["is_winning"]
        assert self.bid("other", "999").status_code == 409
        self.look_around()
        self.market.pay(won, "4000000000000002")
        event = self.market.event("payment_intent.payment_failed")
        assert self.market.post_event(event).status_code == 200
        self.look_around()
        self.ask("buyer", "POST", f"/api/payments/{won['payment']['id']}/cancel")
        assert self.market.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")
        self.look_around()

    def sell(self) -> None:
        edit = {"secret_threshold": self.thresholds[1], "description": "Another light."}
        self.owner("PATCH", f"/artworks/{self.artwork_id}", edit)
        assert self.bid("buyer", "999").status_code == 409
        assert self.bid("other", "500.00").status_code == 201
        for move in ("withdraw", "relist"):
            self.owner("POST", f"/artworks/{self.artwork_id}/{move}", {})
            self.look_around()
        won = self.bid("other", SECOND_WIN).json
        assert won["is_winning"]
        self.look_around()
        self.told.note("mark", "about to be sold")
        self.market.pay(won)
        self.market.settle(won["payment"]["id"])
        assert self.market.standing(won)[0] == "SOLD"
        self.look_around()

    @contextlib.contextmanager
    def ears(self) -> Iterator[None]:
        """Somebody unknown and each buyer listen."""
        with listening(self.market.app) as url, contextlib.ExitStack() as stack:
            open_ears: dict[str, Ear] = {}
            for whom in ("anonymous", *self.people):
                person = self.people.get(whom)
                auth = {"token": person.token} if person else None
                open_ears[whom] = stack.enter_context(ear(url, auth=auth))
                assert open_ears[whom].watch(self.artwork_id) == {"ok": True}
            yield
            time.sleep(0.3)
            for whom, listener in open_ears.items():
                assert len(listener.heard) >= 5
                for name, payload in listener.heard:
                    self.told.note(whom, f"{name} {json.dumps(payload, sort_keys=True)}")

    def keep_mails(self) -> None:
        own = {person.email: whom for whom, person in self.people.items()}
        with self.market.app.app_context():
            for mail in db.session.query(Email).order_by(Email.id):
                whom = own.get(mail.recipient, "owner")
                text, html = bodies(mail.kind, mail.facts)
                self.told.note(whom, f"{mail.kind} {mail.subject}\n{text}\n{html}")


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """As it is run for real; tests/bidding/test_secrecy.py holds the statements on both."""
    return str(request.param)


@pytest.fixture
def log_lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Every line of the product's log as it is written."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter("json").format(record))

    handler = Keep(logging.DEBUG)
    for name in ("app", "sqlalchemy", "flask-limiter", "stripe"):
        logging.getLogger(name).addHandler(handler)
    with caplog.at_level(logging.DEBUG, "app"):
        yield lines
    for name in ("app", "sqlalchemy", "flask-limiter", "stripe"):
        logging.getLogger(name).removeHandler(handler)


EVERYBODY = ("anonymous", "buyer", "other", "stranger", "figures", "stripe", "ledger")


def shapes(*amounts: str) -> re.Pattern[str]:
    """The amounts in every way that they are written."""
    ways = [re.escape(amount) + "|" + amount.replace(".", "") for amount in amounts]
    return re.compile(rf"(?<![\d.])({'|'.join(ways)})(?![\d])")


def assert_only_told_to_whom_it_concerns(told: Told, log_lines: list[str]) -> None:
    """An amount that is won is nobody else's before the sale; one that is released never."""
    mark = told.lines.index(("mark", "about to be sold"))
    before, after = Told(told.lines[:mark]), Told(told.lines[mark:])
    assert shapes(FIRST_WIN).search(before.text("buyer"))
    assert shapes(SECOND_WIN).search(before.text("other"))
    # What was released is never public; what was paid is, once it was.
    for whom in ("anonymous", "stranger", "figures"):
        assert not shapes(FIRST_WIN, SECOND_WIN).search(before.text(whom)), whom
        assert not shapes(FIRST_WIN).search(after.text(whom)), whom
    assert not shapes(FIRST_WIN).search(told.text("other"))
    assert not shapes(SECOND_WIN).search(before.text("buyer"))
    assert shapes(SECOND_WIN).search(after.text("anonymous"))
    assert not shapes(FIRST_WIN, SECOND_WIN).search("\n".join(log_lines))


def test_nobody_can_tell_the_two_worlds_apart(market: Market, log_lines: list[str]) -> None:
    worlds = []
    for thresholds in (LOW, HIGH):
        log_lines.clear()
        told = Script(market, thresholds).play()
        text = told.text(*EVERYBODY)
        for line in (text, "\n".join(log_lines)):
            assert not shapes(*LOW, *HIGH).search(still(line))
        worlds.append((told, [still(line) for line in log_lines if "/metrics" not in line]))
    [low, low_logs], [high, high_logs] = worlds
    assert len(low.lines) > 300
    for one, other in zip(low.lines, high.lines, strict=True):
        if one[0] not in {"owner", "ledger"}:
            assert (one[0], still(one[1]).splitlines()) == (other[0], still(other[1]).splitlines())
    assert sorted(low_logs) == sorted(high_logs)
    assert_only_told_to_whom_it_concerns(low, low_logs)


def test_a_losing_answer_takes_as_long_near_the_minimum_as_far_from_it(market: Market) -> None:
    near = market.make_artwork(market.seller, 20_000)
    far = market.make_artwork(market.seller, 99_999_999)
    seconds: dict[int, list[float]] = {near: [], far: []}
    for number in range(160):
        # In turns, so that what slows the machine slows both.
        for artwork_id in (near, far) if number % 2 else (far, near):
            began = time.perf_counter()
            answer = market.bid(market.buyer, artwork_id, f"{198 + number / 100:.2f}")
            seconds[artwork_id].append(time.perf_counter() - began)
            assert answer.status_code == 201
            assert not answer.json["is_winning"]
    # How often a near one takes longer than a far one: one half, give or take four deviations.
    longer = sum(a > b for a in seconds[near] for b in seconds[far]) / len(seconds[near]) ** 2
    assert 0.37 < longer < 0.63
