"""Shapes of the payments API."""

from marshmallow import Schema, fields

from app.core.api import Amount, Moment, NumberIn, Strict, one_of
from app.payments.states import PaymentStatus


class CheckoutIn(Strict):
    """Which winning bid to pay."""

    bid_id = NumberIn(required=True)


class PaymentOut(Schema):
    """A payment."""

    id = fields.Integer()
    bid_id = fields.Integer()
    artwork_id = fields.Integer()
    status = one_of(PaymentStatus)
    amount = Amount()
    currency = fields.String()
    failure_reason = fields.String(allow_none=True)
    checkout_url = fields.String(allow_none=True)
    expires_at = Moment()
    stripe_session_id = fields.String(allow_none=True)
    created_at = Moment()
    updated_at = Moment()


class CheckoutOut(Schema):
    """Where to pay."""

    payment_id = fields.Integer()
    session_id = fields.String(allow_none=True)
    checkout_url = fields.String(allow_none=True)
    amount = Amount()
    currency = fields.String()
    expires_at = Moment()


class ReceivedOut(Schema):
    """A webhook was taken."""

    received = fields.Boolean()
