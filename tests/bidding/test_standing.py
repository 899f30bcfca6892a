"""Where a person stands with an artwork: by their bids on this one alone."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import insert

from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.transaction import transaction
from tests.people import TestPerson


def test_a_bid_on_another_artwork_says_nothing_about_this_one(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    mine, given_up, untouched = (make_artwork(seller) for _ in range(3))
    with app.app_context(), transaction() as session:
        for artwork_id, status in ((mine, BidStatus.OUTBID), (given_up, BidStatus.RELEASED)):
            session.execute(
                insert(Bid).values(
                    artwork_id=artwork_id, bidder_id=buyer.id, amount_cents=1_234,
                    status=status, created_at=clock.now(),
                )
            )  # fmt: skip
    pages = [buyer.browser.get(f"/artworks/{each}").text for each in (mine, given_up, untouched)]
    assert ["Your latest bid: $12.34" in page for page in pages] == [True, False, False]
    assert ["You cannot bid on this again" in page for page in pages] == [False, True, False]
    assert ['id="bid-form"' in page for page in pages] == [True, False, True]
