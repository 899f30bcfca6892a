"""Shapes of the administrators' API."""

from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from app.accounts.states import Role
from app.core.api import Amount, FlagIn, Moment, MomentIn, PagingIn, Strict, one_of
from app.notifications.states import EmailKind, EmailStatus
from app.payments.states import EventOutcome

_IDENTIFIER = Range(1, 2**63 - 1, error="Enter a whole number from 1.")


_SEARCH = Length(1, 200, error="Enter 1 to 200 characters.")


class UsersIn(PagingIn):
    """Whom to list; `q` is part of a name or an email address, or a number."""

    q = fields.String(validate=_SEARCH)
    role = fields.Enum(Role, by_value=True)
    active = fields.Boolean()


class UserChange(Strict):
    """What is to change of an account."""

    role = fields.Enum(Role, by_value=True)
    active = FlagIn()


class AdminUserOut(Schema):
    """An account as administrators see it."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    role = fields.Enum(Role, by_value=True)
    active = fields.Boolean()
    bidding_suspended_until = Moment(allow_none=True)


class WebhookEventsIn(PagingIn):
    """Which events to list."""

    type = fields.String(validate=Length(1, 100, error="Enter 1 to 100 characters."))
    outcome = fields.Enum(EventOutcome, by_value=True)


class WebhookEventOut(Schema):
    """A webhook event and what became of it."""

    id = fields.Integer()
    stripe_event_id = fields.String()
    type = fields.String()
    outcome = one_of(EventOutcome)
    attempts = fields.Integer()
    received_at = Moment()


class EmailsIn(PagingIn):
    """Which mails to list; `q` is part of the recipient's address."""

    q = fields.String(validate=_SEARCH)
    status = fields.Enum(EmailStatus, by_value=True)
    kind = fields.Enum(EmailKind, by_value=True)


class EmailOut(Schema):
    """A mail of the outbox."""

    id = fields.Integer()
    kind = one_of(EmailKind)
    to = fields.String()
    subject = fields.String()
    status = one_of(EmailStatus)
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    created_at = Moment()
    sent_at = Moment(allow_none=True)


class AuditLogIn(PagingIn):
    """Which deeds to list: from the moment `since` on, and before `until`."""

    action = fields.String(validate=Length(1, 64, error="Enter 1 to 64 characters."))
    resource_type = fields.String(validate=Length(1, 32, error="Enter 1 to 32 characters."))
    resource_id = fields.Integer(validate=_IDENTIFIER)
    user_id = fields.Integer(validate=_IDENTIFIER)
    since = MomentIn()
    until = MomentIn()


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


class PlatformBidsOfDay(Schema):
    """How many bids were placed on one day in UTC."""

    day = fields.Date()
    count = fields.Integer()


class AlertOut(Schema):
    """Something that somebody should look at: what it is and means, and what to do."""

    code = fields.String()
    title = fields.String()
    detail = fields.String()
    action = fields.String()
    since = Moment(allow_none=True)


class PlatformStats(Schema):
    """The platform in numbers."""

    payments = fields.Dict(keys=fields.String(), values=fields.Integer())
    success_rate = fields.Float(allow_none=True)
    seconds_to_pay = fields.Nested(SecondsToPay)
    failures_by_reason = fields.Dict(keys=fields.String(), values=fields.Integer())
    revenue_by_day = fields.List(fields.Nested(PlatformRevenueOfDay))
    bids_by_day = fields.List(fields.Nested(PlatformBidsOfDay))
    alerts = fields.List(fields.Nested(AlertOut))
