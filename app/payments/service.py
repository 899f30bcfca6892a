"""What others may ask of payments."""

import logging
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import service as accounts
from app.config import Settings
from app.core.events import UserSuspended, on_record
from app.payments import expiry, queries
from app.payments.attention import acknowledge_attention, raise_attention
from app.payments.checkout import open_payment
from app.payments.deadlines import seconds_to_next_deadline, take_due
from app.payments.expiry import (
    PaymentOver,
    Settled,
    give_up,
    open_payments,
    reconcile_payment,
    seconds_to_deadline,
    settle_payment,
)
from app.payments.gateway import (
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    InvalidSignature,
    init_gateway,
)
from app.payments.missed import hear_missed, hear_missed_when_due
from app.payments.models import Payment
from app.payments.pause import recovering, recovering_since, recovery_is_on
from app.payments.queries import PaymentView
from app.payments.reconciliation import (
    Answer,
    Finding,
    ask_stripe,
    compare_finished,
    compare_newest,
)
from app.payments.recovery import (
    LostSale,
    adopt_sessions,
    begin_recovery,
    clear_the_way,
    close_session,
    finish_recovery,
    flag_unfinished,
    is_known,
    list_sales,
    number_beyond,
    pause_as_sql,
    release_unmade,
    reopen_payment,
    stands_in_the_way,
)
from app.payments.states import OPEN
from app.payments.stripe_clock import compare_clock, compare_clock_when_due
from app.payments.webhook import receive_event, replay_event

__all__ = [
    "Answer",
    "Finding",
    "GatewayMisconfigured",
    "GatewayRefused",
    "GatewayUnavailable",
    "InvalidSignature",
    "LostSale",
    "PaymentOver",
    "Settled",
    "acknowledge_attention",
    "adopt_sessions",
    "ask_stripe",
    "begin_recovery",
    "clear_the_way",
    "close_session",
    "compare_clock",
    "compare_clock_when_due",
    "compare_finished",
    "compare_newest",
    "finish_recovery",
    "flag_unfinished",
    "give_up",
    "hear_missed",
    "hear_missed_when_due",
    "init_payments",
    "is_known",
    "list_sales",
    "listen",
    "number_beyond",
    "offer_checkout",
    "open_payment",
    "open_payments",
    "pause_as_sql",
    "prepare_checkout",
    "raise_attention",
    "receive_event",
    "reconcile_payment",
    "recovering",
    "recovering_since",
    "recovery_is_on",
    "refresh_payment",
    "release_unmade",
    "reopen_payment",
    "replay_event",
    "seconds_to_deadline",
    "seconds_to_next_deadline",
    "settle_payment",
    "stands_in_the_way",
    "take_due",
]

log = logging.getLogger(__name__)


def init_payments(app: Flask, settings: Settings) -> None:
    """Bind Stripe to the application."""
    app.extensions["stripe_gateways"] = init_gateway(settings)


def listen() -> None:
    """End the sign-ins of who is suspended, in the same transaction."""
    on_record(UserSuspended, _end_sign_ins)


def _end_sign_ins(session: Session, event: UserSuspended) -> None:
    """They stay only while a payment is due, and serve for nothing but that."""
    due = select(Payment.id).where(Payment.buyer_id == event.user_id, Payment.status.in_(OPEN))
    if session.scalar(due.limit(1)) is None:
        accounts.revoke_every_token(session, event.user_id)


def prepare_checkout(payment_id: int, buyer_id: int) -> PaymentView:
    """The winner's payment with its Stripe page, made or found when it was not yet known.

    `checkout_url` is None while Stripe cannot be reached, and while a person looks at the payment.
    Raises NotFound when it is not theirs, PaymentOver when it can no longer be paid.
    """
    payment = queries.own_payment(payment_id, buyer_id)
    if payment.in_time and payment.session_url is None:
        expiry.settle_payment(payment_id, unasked=False)
        payment = queries.own_payment(payment_id, buyer_id)
    if not payment.in_time:
        raise PaymentOver
    return payment


def offer_checkout(payment_id: int, buyer_id: int) -> PaymentView | None:
    """As `prepare_checkout`, for the moment of winning: the win is durable whatever happens here.

    A payment that is over is told as it is; None when anything else fails.
    """
    try:
        try:
            return prepare_checkout(payment_id, buyer_id)
        except PaymentOver:
            return queries.own_payment(payment_id, buyer_id)
    except Exception:
        # The bid has won already: an error now would tell its bidder that nothing was done.
        log.exception("payment %s: its page could not be prepared yet", payment_id)
        return None


def refresh_payment(payment_id: int, reader: Any) -> PaymentView:
    """The payment as Stripe has it now: what the return page shows, whatever its address says."""
    payment = queries.payment(payment_id, reader)
    if payment.is_open and payment.stripe_session_id is not None:
        # Always: what was answered a second ago may be from before the buyer paid.
        expiry.settle_payment(payment_id)
        payment = queries.payment(payment_id, reader)
    return payment
