"""Who bids by a token is known from the bid before; that the token still holds, never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from app.accounts.models import AccessToken, User
from app.accounts.states import TokenKind
from app.bidding.models import Bid
from app.core import clock, remembered
from app.core.transaction import transaction
from tests.payments.market import Market
from tests.people import TestPerson

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


def test_the_second_bid_asks_for_no_token(market: Market, known: TestPerson) -> None:
    artwork_id = market.make_artwork(market.seller)
    with market.counting() as statements:
        assert market.bid(known, artwork_id, "50.00").status_code == 201
    assert [each for each in statements if each.startswith("SELECT")] == []
    # The statement that takes the bid asks whether it still holds.
    [taking] = [each for each in statements if "UPDATE artworks" in each]
    assert "access_tokens.revoked_at IS NULL" in taking


@AMOUNTS
def test_a_revoked_token_places_no_bid(market: Market, known: TestPerson, amount: str) -> None:
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_logging_out_ends_bidding_at_once(market: Market, known: TestPerson, amount: str) -> None:
    assert market.call(known, "DELETE", "/auth/token").status_code == 204
    assert refusal(market, known, amount) == (401, None)


@AMOUNTS
def test_an_expired_token_places_no_bid(market: Market, known: TestPerson, amount: str) -> None:
    market.change(AccessToken, token_of(market, known), expires_at=clock.now())
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
    """Numbers of deleted rows may be given out again."""
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
    market.change(User, known.id, active=False)
    assert market.bid(known, 999, "50.00").get_json()["code"] == "account_suspended"
    market.change(AccessToken, token_of(market, known), revoked_at=clock.now())
    assert market.bid(known, 999, "50.00").status_code == 401


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


def test_a_browser_that_was_signed_out_elsewhere_is_sent_to_log_in(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    moment = clock.now() - timedelta(seconds=1)
    for token in market.rows(AccessToken, AccessToken.user_id == market.buyer.id):
        market.change(AccessToken, token.id, revoked_at=moment)
    answer = market.buyer.browser.submit(f"/artworks/{artwork_id}/bids", amount="50", confirm="1")
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
