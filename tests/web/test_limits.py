"""How often one may ask: guesses, registrations, bids; counted in Redis, and without it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.counters import Counter
from app.core.extensions import db
from app.core.secrets import new_token
from app.web.limits import LIMITS
from dev.redis_server import RedisServer
from tests.payments.market import WEBHOOK, at_once, signed
from tests.people import PASSWORD, Browser, TestPerson, anonymous

WRONG = "not the password"
# An event that is about nothing of ours.
BODY = (
    b'{"id": "evt_1", "object": "event", "type": "customer.created", "livemode": false,'
    b' "data": {"object": {"id": "cus_1", "object": "customer"}}}'
)


@pytest.fixture
def database() -> str:
    """Requests are counted alike on every database."""
    return "sqlite"


@pytest.fixture(autouse=True)
def few_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer guesses than in earnest: each takes as long as a password hash does."""
    assert [limit.times for limit in LIMITS["accounts.start_session"]] == [10, 60, 100]
    few = tuple(
        replace(limit, times=times)
        for limit, times in zip(LIMITS["accounts.start_session"], (4, 8, 12), strict=True)
    )
    for endpoint in ("accounts.start_session", "accounts_api.create_token"):
        monkeypatch.setitem(LIMITS, endpoint, few)


@pytest.fixture
def settings_given(redis_server: RedisServer) -> dict[str, Any]:
    """Limits are on. Another key each time: what one test counts is nothing to the next."""
    return {
        "ratelimit_enabled": True,
        "redis_url": redis_server.url,
        "secret_key": new_token(),
        "trusted_proxies": 1,
    }


@pytest.fixture
def from_address(app: Flask) -> Callable[[str], Browser]:
    """A browser at some network address, as the proxy tells it."""

    def at(address: str) -> Browser:
        browser = anonymous(app)
        browser.environ_base["HTTP_X_FORWARDED_FOR"] = address
        return browser

    return at


def guess(browser: Browser, email: str, password: str = WRONG) -> int:
    return browser.submit("/login", email=email, password=password).status_code


def take_token(browser: Browser, email: str, password: str = WRONG) -> Any:
    return browser.post("/api/auth/token", json={"email": email, "password": password})


def test_guessing_at_a_password_is_slowed_down_and_the_answer_says_for_how_long(
    from_address: Callable[[str], Browser], buyer: TestPerson
) -> None:
    browser = from_address("192.0.2.1")
    statuses = [guess(browser, buyer.email) for _ in range(2)]
    statuses += [take_token(browser, buyer.email.upper()).status_code for _ in range(2)]
    assert statuses == [401] * 4
    page = browser.submit("/login", email=buyer.email, password=PASSWORD)
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert "One moment, please" in page.text
    problem = take_token(browser, buyer.email, PASSWORD)
    assert (problem.status_code, problem.content_type) == (429, "application/problem+json")
    for answer in (page, problem):
        assert 1 <= int(answer.headers["Retry-After"]) <= 300
    assert (
        f"Try again in {int(problem.headers['Retry-After'])} sec" in problem.json["detail"]
        or "minutes" in (problem.json["detail"])
    )


def test_others_and_the_owner_elsewhere_are_not_locked_out(
    from_address: Callable[[str], Browser],
    make_person: Callable[..., TestPerson],
    buyer: TestPerson,
) -> None:
    for _ in range(5):
        guess(from_address("192.0.2.1"), buyer.email)
    assert guess(from_address("192.0.2.2"), buyer.email, PASSWORD) == 303
    assert guess(from_address("192.0.2.1"), make_person().email, PASSWORD) == 303


def test_an_account_that_does_not_exist_is_slowed_down_alike(
    from_address: Callable[[str], Browser],
) -> None:
    browser = from_address("192.0.2.1")
    statuses = [take_token(browser, "nobody@example.com").status_code for _ in range(5)]
    assert statuses == [401] * 4 + [429]


def test_guesses_from_many_addresses_are_slowed_down_and_so_are_many_accounts_from_one(
    from_address: Callable[[str], Browser], buyer: TestPerson
) -> None:
    scattered = [take_token(from_address(f"192.0.2.{n}"), buyer.email) for n in range(9)]
    assert [answer.status_code for answer in scattered] == [401] * 8 + [429]
    browser = from_address("198.51.100.1")
    stuffed = [take_token(browser, f"person{n}@example.net").status_code for n in range(13)]
    assert stuffed == [401] * 12 + [429]


def test_who_knows_the_password_is_never_counted(
    from_address: Callable[[str], Browser], buyer: TestPerson
) -> None:
    browser = from_address("192.0.2.1")
    taken = [take_token(browser, buyer.email, PASSWORD).status_code for _ in range(6)]
    assert taken == [201] * 6


def test_a_household_of_ipv6_addresses_counts_as_one(
    from_address: Callable[[str], Browser], buyer: TestPerson
) -> None:
    said = [
        take_token(from_address(f"2001:db8:0:1::{n}"), buyer.email).status_code for n in range(5)
    ]
    assert said == [401] * 4 + [429]
    assert take_token(from_address("2001:db8:0:2::1"), buyer.email).status_code == 401


def test_registrations_from_one_address_are_counted_on_pages_and_in_the_api_together(
    from_address: Callable[[str], Browser],
) -> None:
    browser = from_address("192.0.2.9")
    # What is refused counts as well: it could tell whose address is taken.
    said = [browser.post("/api/auth/register", json={}).status_code for _ in range(59)]
    assert said == [422] * 59
    ada = {"email": "ada@example.com", "name": "Ada", "password": "correct horse shoe"}
    assert browser.submit("/register", **ada).status_code == 303
    again = ada | {"email": "b@example.com"}
    refused = from_address("192.0.2.9").post("/api/auth/register", json=again)
    assert refused.status_code == 429
    assert from_address("192.0.2.8").post("/api/auth/register", json={}).status_code == 422


def test_bids_are_counted_for_each_person(
    app: Flask, make_person: Callable[..., TestPerson], buyer: TestPerson
) -> None:
    def bid(person: TestPerson) -> int:
        body = {"artwork_id": 1, "amount": "5.00"}
        return anonymous(app).post("/api/bids", json=body, headers=person.bearer).status_code

    assert [bid(buyer) for _ in range(61)] == [404] * 60 + [429]
    assert bid(make_person()) == 404
    assert buyer.browser.submit("/artworks/1/bids", amount="5.00").status_code == 429


def test_asking_for_reset_links_is_limited(from_address: Callable[[str], Browser]) -> None:
    browser = from_address("192.0.2.7")
    said = [
        browser.submit("/password/forgot", email="not an address").status_code for _ in range(31)
    ]
    assert said == [422] * 30 + [429]


def test_a_flood_of_forged_webhooks_is_turned_away_and_leaves_one_row(
    app: Flask, from_address: Callable[[str], Browser]
) -> None:
    def post(address: str, signature: str) -> int:
        headers = {"Stripe-Signature": signature}
        return from_address(address).post(WEBHOOK, data=BODY, headers=headers).status_code

    # What Stripe signed comes through however much of it there is.
    assert [post("192.0.2.1", signed(BODY)) for _ in range(301)] == [200] * 301
    assert [post("192.0.2.1", "forged") for _ in range(302)] == [400] * 300 + [429] * 2
    assert post("192.0.2.2", "forged") == 400
    with app.app_context():
        rows = db.session.execute(select(Counter.name, Counter.value)).all()
    assert rows == [("webhooks_refused", 301)]


def test_of_many_guesses_at_once_only_a_few_more_get_through(
    app: Flask, from_address: Callable[[str], Browser], buyer: TestPerson
) -> None:
    def one(_: int) -> int:
        return take_token(from_address("192.0.2.1"), buyer.email).status_code

    said = [status for _ in range(3) for status in at_once(6, one)]
    assert said.count(401) <= 4 + 6
    assert set(said) == {401, 429}


def test_two_processes_count_together(
    app: Flask,
    settings: Any,
    from_address: Callable[[str], Browser],
    other_app: Callable[[Any], Flask],
    buyer: TestPerson,
) -> None:
    for _ in range(4):
        take_token(from_address("192.0.2.1"), buyer.email)
    browser = anonymous(other_app(settings))
    browser.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.1"
    assert take_token(browser, buyer.email).status_code == 429


@pytest.fixture
def other_app() -> Iterator[Callable[[Any], Flask]]:
    """Another process of the same deployment, as far as counting goes."""
    from app import create_app
    from tests.conftest import release

    made: list[Flask] = []

    def make(settings: Any) -> Flask:
        made.append(create_app(settings))
        return made[-1]

    yield make
    for each in made:
        release(each)


@pytest.fixture(params=["nothing listens", "nothing answers"])
def redis_away(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that is not there, or takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if request.param == "nothing listens":
            server.close()
        yield f"redis://127.0.0.1:{port}/0"


def test_without_redis_a_process_counts_by_itself_and_nobody_waits(
    settings: Any, other_app: Callable[[Any], Flask], redis_away: str, buyer: TestPerson
) -> None:
    app = other_app(settings.model_copy(update={"redis_url": redis_away}))
    browser = anonymous(app)
    began, worked = time.monotonic(), time.process_time()
    said = [take_token(browser, buyer.email).status_code for _ in range(5)]
    assert said == [401] * 4 + [429]
    # Hashing a password is work; what is left is waiting, on a busy machine for other programs too.
    working = time.process_time() - worked
    assert time.monotonic() - began - working < 3 + 2 * working
    app.extensions["limits"].storage.storage.close()


def test_limits_can_be_switched_off_and_widened(
    settings: Any, other_app: Callable[[Any], Flask]
) -> None:
    free = anonymous(other_app(settings.model_copy(update={"ratelimit_enabled": False})))
    said = [take_token(free, "nobody@example.com").status_code for _ in range(5)]
    assert said == [401] * 5
    wide = anonymous(other_app(settings.model_copy(update={"ratelimit_factor": 2})))
    said = [wide.submit("/password/forgot", email="no").status_code for _ in range(61)]
    assert said == [422] * 60 + [429]
    # More guesses would not be more right.
    said = [take_token(wide, "nobody@example.com").status_code for _ in range(5)]
    assert said == [401] * 4 + [429]


def test_a_body_that_is_no_form_and_no_object_is_counted_too(
    from_address: Callable[[str], Browser],
) -> None:
    browser = from_address("192.0.2.1")
    for body in (b"[]", b"\xff", b"[" * 100_000, b'{"email": 7}', b'{"email": "\\ud800"}'):
        answer = browser.post("/api/auth/token", data=body, content_type="application/json")
        assert answer.status_code == 422


def test_the_present_password_is_not_guessed_at_for_long(buyer: TestPerson) -> None:
    sent = {"current_password": WRONG, "password": "another good password"}
    said = [buyer.browser.submit("/account/password", **sent).status_code for _ in range(11)]
    assert said == [422] * 10 + [429]
