"""Shapes of the administrators' API."""

from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from app.accounts.states import Role
from app.core.api import Amount, Moment, PagingIn, Strict

_IDENTIFIER = Range(1, 2**63 - 1, error="Enter a whole number from 1.")


class UserChange(Strict):
    """What is to change of an account."""

    role = fields.Enum(Role, by_value=True)
    active = fields.Boolean(truthy={True}, falsy={False})


class AdminUserOut(Schema):
    """An account as administrators see it."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    role = fields.Enum(Role, by_value=True)
    active = fields.Boolean()
    bidding_suspended_until = Moment(allow_none=True)


class WebhookEventOut(Schema):
    """A webhook event and what became of it."""

    id = fields.Integer()
    stripe_event_id = fields.String()
    type = fields.String()
    outcome = fields.String()
    attempts = fields.Integer()
    received_at = Moment()


class EmailOut(Schema):
    """A mail of the outbox."""

    id = fields.Integer()
    kind = fields.String()
    to = fields.String()
    subject = fields.String()
    status = fields.String()
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    created_at = Moment()
    sent_at = Moment(allow_none=True)


class AuditLogIn(PagingIn):
    """Which deeds to list."""

    action = fields.String(validate=Length(1, 64, error="Enter 1 to 64 characters."))
    resource_type = fields.String(validate=Length(1, 32, error="Enter 1 to 32 characters."))
    resource_id = fields.Integer(validate=_IDENTIFIER)
    user_id = fields.Integer(validate=_IDENTIFIER)


class AuditLogOut(Schema):
    """One deed."""

    id = fields.Integer()
    action = fields.String()
    resource_type = fields.String()
    resource_id = fields.Integer()
    user_id = fields.Integer(allow_none=True)
    details = fields.Dict()
    created_at = Moment()


class SecondsToPay(Schema):
    """Seconds from the win to the payment; null while nothing was sold."""

    mean = fields.Float(allow_none=True)
    p50 = fields.Float(allow_none=True)
    p95 = fields.Float(allow_none=True)


class PlatformRevenueOfDay(Schema):
    """What was taken on one day in UTC."""

    day = fields.Date()
    amount = Amount(attribute="revenue_cents")


class AlertOut(Schema):
    """Something that somebody should look at."""

    code = fields.String()
    detail = fields.String()
    since = Moment(allow_none=True)


class PlatformStats(Schema):
    """The platform in numbers."""

    payments = fields.Dict(keys=fields.String(), values=fields.Integer())
    success_rate = fields.Float(allow_none=True)
    seconds_to_pay = fields.Nested(SecondsToPay)
    failures_by_reason = fields.Dict(keys=fields.String(), values=fields.Integer())
    revenue_by_day = fields.List(fields.Nested(PlatformRevenueOfDay))
    alerts = fields.List(fields.Nested(AlertOut))
