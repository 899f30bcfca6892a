"""The addresses, answers and shapes that other programs are written against, to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

from app.notifications.models import Email
from tests.access.world import small_picture
from tests.payments.market import Market
from tests.people import PASSWORD, TestPerson, anonymous

USER = {"id", "email", "name", "role"}
ARTWORK = {
    "id", "title", "artist_name", "description", "category", "image_url", "image_alt", "seller",
    "status", "current_highest_bid", "bid_count", "end_date", "sold_price", "created_at",
}  # fmt: skip
OWN_ARTWORK = ARTWORK | {"secret_threshold"}
BID = {"id", "artwork_id", "amount", "status", "is_winning", "created_at", "payment"}
PUBLIC_BID = {"amount", "bidder", "created_at"}
OWED = {"id", "status", "amount", "currency", "checkout_url", "expires_at"}
CHECKOUT = {"payment_id", "session_id", "checkout_url", "amount", "currency", "expires_at"}
PAYMENT = {
    "id", "bid_id", "artwork_id", "status", "amount", "currency", "failure_reason",
    "checkout_url", "expires_at", "stripe_session_id", "created_at", "updated_at",
}  # fmt: skip
EVENT = {"id", "stripe_event_id", "type", "outcome", "attempts", "received_at"}
EMAIL = {
    "id", "kind", "to", "subject", "status", "attempts", "last_error", "created_at", "sent_at",
}  # fmt: skip
AUDIT = {"id", "action", "resource_type", "resource_id", "user_id", "details", "created_at"}
SELLER_STATS = {"artworks", "revenue", "unpaid_wins", "bids_by_day", "revenue_by_day"}
PLATFORM_STATS = {
    "payments", "success_rate", "seconds_to_pay", "failures_by_reason", "revenue_by_day", "alerts",
    "bids_by_day",
}  # fmt: skip
ACCOUNT = USER | {"active", "bidding_suspended_until"}
NOTHING: set[str] = set()


@dataclass(frozen=True)
class Line:
    """One request that has to succeed: who asks what, the status, and the keys of the answer."""

    who: str
    request: str
    status: int
    keys: set[str]
    body: Any = None


# In this order: each finds what the ones before have made.
TABLE = [
    Line("nobody", "POST /auth/register", 201, USER,
         {"email": "ada@example.com", "name": "Ada", "password": PASSWORD, "role": "SELLER"}),
    Line("nobody", "POST /auth/token", 201, {"token", "user"},
         {"email": "ada@example.com", "password": PASSWORD}),
    Line("buyer", "GET /auth/me", 200, USER),
    Line("seller", "POST /artworks", 201, OWN_ARTWORK,
         {"title": "Harbour", "secret_threshold": 100, "end_date": None}),
    Line("seller", "PATCH /artworks/{artwork}", 200, OWN_ARTWORK, {"artist_name": "Ada"}),
    Line("seller", "PUT /artworks/{artwork}/image", 200, OWN_ARTWORK, "a picture"),
    Line("nobody", "GET /artworks/{artwork}", 200, ARTWORK),
    Line("buyer", "GET /artworks/{artwork}", 200, ARTWORK),
    Line("admin", "GET /artworks/{artwork}", 200, OWN_ARTWORK),
    Line("nobody", "GET /artworks", 200, ARTWORK),
    Line("seller", "POST /artworks/{artwork}/withdraw", 200, OWN_ARTWORK),
    Line("seller", "POST /artworks/{artwork}/relist", 200, OWN_ARTWORK),
    Line("buyer", "PUT /favourites/{artwork}", 200, ARTWORK),
    Line("buyer", "GET /favourites", 200, ARTWORK),
    Line("buyer", "DELETE /favourites/{artwork}", 204, NOTHING),
    Line("buyer", "POST /bids", 201, BID, {"artwork_id": "{artwork}", "amount": "20.00"}),
    Line("nobody", "GET /artworks/{artwork}/bids", 200, PUBLIC_BID),
    Line("nobody", "GET /bids/artwork/{artwork}", 200, PUBLIC_BID),
    Line("buyer", "POST /bids", 201, BID, {"artwork_id": "{artwork}", "amount": 120.5}),
    Line("buyer", "GET /bids/my-bids", 200, BID),
    Line("buyer", "POST /payments/checkout-session", 200, CHECKOUT, {"bid_id": "{bid}"}),
    Line("buyer", "GET /payments/my-payments", 200, PAYMENT),
    *(
        Line(who, f"GET /payments/{which}", 200, PAYMENT)
        for who in ("buyer", "seller", "admin")
        for which in ("{payment}", "session/{session}", "artwork/{artwork}")
    ),
    Line("buyer", "POST /payments/{payment}/cancel", 200, PAYMENT),
    Line("seller", "GET /stats/seller", 200, SELLER_STATS),
    Line("admin", "GET /stats/platform", 200, PLATFORM_STATS),
    Line("admin", "GET /admin/users", 200, ACCOUNT),
    Line("admin", "PATCH /admin/users/{buyer}", 200, ACCOUNT, {"active": True}),
    Line("admin", "GET /admin/webhook-events", 200, EVENT),
    Line("admin", "POST /admin/webhook-events/1/replay", 200, EVENT),
    Line("admin", "GET /admin/emails", 200, EMAIL),
    Line("admin", "POST /admin/emails/{email}/send", 200, EMAIL),
    Line("admin", "GET /admin/audit-logs?action=artwork.withdrawn", 200, AUDIT),
    Line("buyer", "DELETE /auth/token", 204, NOTHING),
]  # fmt: skip


def filled(template: Any, known: dict[str, Any]) -> Any:
    """A path or body with the numbers of what was made."""
    if isinstance(template, dict):
        return {name: filled(value, known) for name, value in template.items()}
    if not isinstance(template, str):
        return template
    if whole := re.fullmatch(r"\{(\w+)\}", template):
        return known[whole[1]]
    return re.sub(r"\{(\w+)\}", lambda found: str(known[found[1]]), template)


def test_every_line_of_the_table_answers_as_promised(market: Market) -> None:
    admin = market.make_person("ADMIN")
    people: dict[str, TestPerson | None] = {
        "nobody": None, "buyer": market.buyer, "seller": market.seller, "admin": admin,
    }  # fmt: skip
    market.post_event({"id": "evt_1", "object": "event", "type": "charge.updated",
                       "created": 1, "livemode": False, "data": {"object": {}}})  # fmt: skip
    known: dict[str, Any] = {"buyer": market.buyer.id}
    asked = set()
    for line in TABLE:
        method, path = line.request.split()
        person = people[line.who]
        headers = person.bearer if person else {}
        sent: dict[str, Any] = {} if line.body is None else {"json": filled(line.body, known)}
        if line.body == "a picture":
            sent = {"data": {"image": (BytesIO(small_picture()), "a.png"), "alt": "A harbour"}}
        if "{email}" in path:
            known["email"] = market.rows(Email)[0].id
        answer = anonymous(market.app).open(
            f"/api{filled(path, known)}", method=method, headers=headers, **sent
        )
        assert answer.status_code == line.status, f"{line.request}: {answer.text}"
        asked.add((method, re.sub(r"\{\w+\}|\b\d+\b", "{}", path.partition("?")[0])))
        if line.status == 204:
            assert answer.data == b"", line.request
            continue
        assert answer.content_type == "application/json", line.request
        said = answer.get_json()
        if "per_page" in said:
            assert set(said) == {"items", "page", "per_page", "total"}, line.request
            assert said["items"], line.request
            assert (said["page"], said["per_page"]) == (1, 20)
            said = said["items"][0]
        assert set(said) == line.keys, line.request
        if line.request == "POST /artworks":
            known["artwork"] = said["id"]
        if line.request == "POST /bids" and said["is_winning"]:
            assert set(said["payment"]) == OWED
            known |= {"bid": said["id"], "payment": said["payment"]["id"]}
        if line.keys == CHECKOUT:
            known["session"] = said["session_id"]
        if line.keys == PAYMENT:
            assert (said["checkout_url"] is None) == (
                line.who != "buyer" or said["status"] != "PENDING"
            ), line
    assert asked | {("POST", "/payments/webhook")} == promised(market)


def promised(market: Market) -> set[tuple[str, str]]:
    """Every route of the API, with nothing but its place for a number."""
    return {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule.removeprefix("/api")))
        for rule in market.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api_docs.")
    }


def test_the_numbers_have_their_promised_parts(market: Market) -> None:
    paid = market.win()
    market.pay(paid)
    market.settle(paid["payment"]["id"])
    own = market.call(market.seller, "GET", "/stats/seller").get_json()
    assert set(own["artworks"]) == {"ACTIVE", "PENDING_PAYMENT", "SOLD", "EXPIRED", "ARCHIVED"}
    assert own["revenue"] == "100.00"
    assert {*own["bids_by_day"][-1]} == {"day", "count"}
    assert {*own["revenue_by_day"][-1]} == {"day", "amount"}
    everything = market.call(market.make_person("ADMIN"), "GET", "/stats/platform").get_json()
    assert everything["payments"]["SUCCEEDED"] == 1
    assert everything["success_rate"] == 1
    assert set(everything["seconds_to_pay"]) == {"mean", "p50", "p95"}
    assert {*everything["revenue_by_day"][-1]} == {"day", "amount"}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/bids", "POST"), ("/artworks", "GET POST"), ("/artworks/1", "GET PATCH")],
)
def test_a_method_that_an_address_does_not_take_is_told_which_it_does(
    market: Market, path: str, allowed: str
) -> None:
    answer = market.call(None, "DELETE", path)
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert {*answer.headers["Allow"].replace(",", "").split()} - {"HEAD", "OPTIONS"} == {
        *allowed.split()
    }
