"""Who bids by a token is known from the bid before; that the token still holds, never."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete
from werkzeug.test import TestResponse

from app.accounts.models import AccessToken, User
from app.accounts.states import TokenKind
from app.bidding.forms import BidForm
from app.bidding.models import Bid
from app.core import clock, remembered
from app.core.transaction import transaction
from tests.payments.market import Market
from tests.people import TestPerson, anonymous

# As a losing bid and as a winning one.
AMOUNTS = pytest.mark.parametrize("amount", ["50.00", "100.00"])


@pytest.fixture
def known(market: Market) -> TestPerson:
    """Somebody whose token the process has just seen."""
    assert market.bid(market.buyer, market.make_artwork(market.seller), "1.00").status_code == 201
    return market.buyer


def token_of(market: Market, person: TestPerson) -> int:
    """The number of the token by which a person's program signs in."""
    [found] = market.rows(
        AccessToken, AccessToken.user_id == person.id, AccessToken.kind == TokenKind.API
    )
    return int(found.id)


def refusal(market: Market, person: TestPerson, amount: str) -> tuple[int, Any]:
    """What a bid is refused with; nothing was written."""
    artwork_id = market.make_artwork(market.seller)
    before = len(market.rows(Bid))
    answer = market.bid(person, artwork_id, amount)
    artwork = market.artwork(artwork_id)
    assert len(market.rows(Bid)) == before
    assert (artwork.status.value, artwork.highest_bid_cents, artwork.bid_count) == (
        "ACTIVE", None, 0,
    )  # fmt: skip
    return answer.status_code, answer.get_json().get("code")


def test_the_bids_after_the_first_ask_for_no_token(market: Market, known: TestPerson) -> None:
    artwork_id = market.make_artwork(market.seller)
    for amount in ("50.00", "51.00"):
        with market.counting() as statements:
            assert market.bid(known, artwork_id, amount).status_code == 201
        assert [each for each in statements if each.startswith("SELECT")] == []
        # The statement that takes the bid asks whether it still holds.
        [taking] = [each for each in statements if "UPDATE artworks" in each]
        assert "access_tokens.revoked_at IS NULL" in taking


def test_each_token_is_its_owners(market: Market, known: TestPerson) -> None:
    artwork_id = market.make_artwork(market.seller)
    other = market.make_person("BUYER")
    assert market.bid(other, artwork_id, "50.00").status_code == 201
    assert market.bid(known, artwork_id, "51.00").status_code == 201
    assert [bid.bidder_id for bid in market.rows(Bid, Bid.artwork_id == artwork_id)] == [
        other.id, known.id,
    ]  # fmt: skip
    assert refusal(market, replace(known, token=f"{known.token[:-1]}!"), "50.00") == (401, None)


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
@AMOUNTS
def test_a_token_that_was_ended_places_no_bid(
    market: Market, known: TestPerson, amount: str, ended: str
) -> None:
    market.change(AccessToken, token_of(market, known), **{ended: clock.now()})
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_logging_out_ends_bidding_at_once(market: Market, known: TestPerson, amount: str) -> None:
    assert market.call(known, "DELETE", "/auth/token").status_code == 204
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_a_token_that_is_gone_places_no_bid(market: Market, known: TestPerson, amount: str) -> None:
    with market.app.app_context(), transaction() as session:
        session.execute(delete(AccessToken).where(AccessToken.user_id == known.id))
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_another_persons_live_token_is_not_the_bidders(
    market: Market, known: TestPerson, amount: str
) -> None:
    """SQLite may give the number of a deleted row to whoever signs in next."""
    other = market.make_person("BUYER")
    market.change(AccessToken, token_of(market, known), user_id=other.id)
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_who_was_suspended_meanwhile_does_not_bid_until_it_is_over(
    market: Market, known: TestPerson, amount: str
) -> None:
    market.change(User, known.id, active=False)
    for _ in range(2):
        assert refusal(market, known, amount) == (403, "account_suspended")
    market.change(User, known.id, active=True)
    assert market.bid(known, market.make_artwork(market.seller), amount).status_code == 201


def test_who_was_suspended_before_the_first_bid_bids_as_soon_as_it_is_over(market: Market) -> None:
    market.change(User, market.buyer.id, active=False)
    assert refusal(market, market.buyer, "50.00") == (403, "account_suspended")
    market.change(User, market.buyer.id, active=True)
    assert market.bid(market.buyer, market.make_artwork(market.seller), "50").status_code == 201


@AMOUNTS
def test_who_became_an_administrator_meanwhile_does_not_bid(
    market: Market, known: TestPerson, amount: str
) -> None:
    market.change(User, known.id, role="ADMIN")
    assert refusal(market, known, amount) == (403, "forbidden")
    market.change(User, known.id, role="SELLER")
    assert market.bid(known, market.make_artwork(market.seller), amount).status_code == 201


def test_who_may_not_bid_hears_that_before_anything_of_the_artwork(
    market: Market, known: TestPerson
) -> None:
    market.change(User, known.id, role="ADMIN")
    assert market.bid(known, 999, "50.00").get_json()["code"] == "forbidden"
    market.change(User, known.id, active=False)
    assert market.bid(known, 999, "50.00").get_json()["code"] == "account_suspended"
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    assert market.bid(known, 999, "50.00").status_code == 401


@pytest.mark.parametrize("sent", [
    {"json": {"artwork_id": 1, "amount": "12,5"}},
    {"json": {"artwork_id": 1, "amount": "50.00", "more": 1}},
    {"data": b"{", "content_type": "application/json"},
    {"data": b"amount=50.00"},
])  # fmt: skip
def test_who_may_not_bid_hears_that_before_anything_of_what_was_sent(
    market: Market, known: TestPerson, sent: dict[str, Any]
) -> None:
    def send() -> TestResponse:
        return anonymous(market.app).post("/api/bids", headers=known.bearer, **sent)

    assert send().status_code in (415, 422)
    market.change(User, known.id, active=False)
    assert send().get_json()["code"] == "account_suspended"
    market.change(User, known.id, active=True)
    assert send().status_code in (415, 422)
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    assert send().status_code == 401
    with market.counting() as statements:
        assert send().status_code == 401
    assert len(statements) == 1


def test_what_was_sent_is_looked_at_once_by_who_was_just_looked_up(market: Market) -> None:
    with market.counting() as statements:
        assert market.bid(market.buyer, 999, "12,5").status_code == 422
    assert len(statements) == 1


def test_other_routes_never_go_by_what_is_remembered(market: Market, known: TestPerson) -> None:
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    for path in ("/bids/my-bids", "/auth/me"):
        assert market.call(known, "GET", path).status_code == 401


def test_only_placing_a_bid_goes_by_what_is_remembered(app: Flask) -> None:
    remembering = {
        endpoint for endpoint, view in app.view_functions.items()
        if getattr(view, "__from_memory__", False)
    }  # fmt: skip
    assert remembering == {"bidding_api.place_bid"}


def test_a_refused_token_is_forgotten(market: Market, known: TestPerson) -> None:
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    assert refusal(market, known, "50.00") == (401, None)
    with market.counting() as statements:
        assert market.bid(known, 999, "50.00").status_code == 401
    # Whose it is was asked for, nobody was found, and no bid was tried.
    [asked] = statements
    assert "access_tokens.digest" in asked


def test_a_minute_later_the_person_is_looked_up_again(
    market: Market, known: TestPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    artwork_id = market.make_artwork(market.seller)
    monkeypatch.setattr(remembered, "SECONDS", 0)
    with market.counting() as statements:
        assert market.bid(known, artwork_id, "50.00").status_code == 201
    assert "access_tokens.digest" in statements[0]


def test_no_token_is_kept(market: Market, known: TestPerson) -> None:
    kept = market.app.extensions["viewers"]._known
    assert kept
    assert known.token not in repr(kept)


@pytest.mark.parametrize("confirmed", [{}, {"confirm": "1"}], ids=["asked", "confirmed"])
@AMOUNTS
def test_a_browser_signed_out_as_it_bids_is_sent_to_log_in(
    market: Market, monkeypatch: pytest.MonkeyPatch, amount: str, confirmed: dict[str, str]
) -> None:
    artwork_id = market.make_artwork(market.seller)
    valid = BidForm.validate_on_submit

    def sign_out_and_say(form: BidForm) -> bool:
        market.sign_out(market.buyer)
        return bool(valid(form))

    monkeypatch.setattr(BidForm, "validate_on_submit", sign_out_and_say)
    path = f"/artworks/{artwork_id}/bids"
    answer = market.buyer.browser.submit(path, amount=amount, **confirmed)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
    assert market.rows(Bid) == []
    assert market.artwork(artwork_id).status.value == "ACTIVE"
