"""Shapes of the bidding API."""

from typing import Any

from marshmallow import Schema, fields

from app.bidding.states import BidStatus
from app.core import clock, money
from app.core.api import Amount, AmountIn, Moment, NumberIn, Strict, one_of
from app.payments.states import PaymentStatus


class BidIn(Strict):
    """An offer."""

    artwork_id = NumberIn(required=True)
    amount = AmountIn(required=True)


class OwedOut(Schema):
    """What a winning bid owes, and where to pay it."""

    id = fields.Integer()
    status = one_of(PaymentStatus)
    amount = Amount()
    currency = fields.String()
    checkout_url = fields.String(allow_none=True)
    expires_at = Moment()


class BidOut(Schema):
    """A bid as its own bidder sees it."""

    id = fields.Integer()
    artwork_id = fields.Integer()
    amount = Amount()
    status = one_of(BidStatus)
    is_winning = fields.Boolean()
    created_at = Moment()
    payment = fields.Nested(OwedOut, allow_none=True)


_OWED = OwedOut()


def in_json(bid: dict[str, Any]) -> dict[str, Any]:
    """What `BidOut` makes of a bid, for the answer that is given most often."""
    owed = bid["payment"]
    return bid | {
        "amount": money.amount_text(bid["amount"]),
        "created_at": clock.iso(bid["created_at"]),
        "payment": None if owed is None else _OWED.dump(owed),
    }


class PublicBidOut(Schema):
    """A losing bid as anyone may see it."""

    amount = Amount()
    bidder = fields.String()
    created_at = Moment()
