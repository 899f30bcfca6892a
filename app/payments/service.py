"""What others may ask of payments."""

import logging
from typing import Any

from flask import Flask

from app.config import Settings
from app.core import clock
from app.payments import expiry, queries
from app.payments.attention import acknowledge_attention, raise_attention
from app.payments.checkout import open_payment
from app.payments.expiry import (
    PaymentOver,
    give_up,
    open_payments,
    seconds_to_deadline,
    settle_payment,
)
from app.payments.gateway import InvalidSignature, init_gateway
from app.payments.queries import PaymentView
from app.payments.webhook import receive_event, replay_event

__all__ = [
    "InvalidSignature",
    "PaymentOver",
    "acknowledge_attention",
    "give_up",
    "init_payments",
    "offer_checkout",
    "open_payment",
    "open_payments",
    "prepare_checkout",
    "raise_attention",
    "receive_event",
    "refresh_payment",
    "replay_event",
    "seconds_to_deadline",
    "settle_payment",
]

log = logging.getLogger(__name__)

# A page that refreshes itself asks Stripe no more often than this.
_ASK_AGAIN_SECONDS = 2


def init_payments(app: Flask, settings: Settings) -> None:
    """Bind Stripe to the application."""
    app.extensions["stripe_gateways"] = init_gateway(settings)


def prepare_checkout(payment_id: int, buyer_id: int) -> PaymentView:
    """The winner's payment with its Stripe page, made or found when it was not yet known.

    `checkout_url` is None while Stripe cannot be reached. Raises NotFound when it is not theirs,
    PaymentOver when it can no longer be paid.
    """
    payment = queries.own_payment(payment_id, buyer_id)
    if payment.payable and payment.session_url is None:
        expiry.settle_payment(payment_id)
        payment = queries.own_payment(payment_id, buyer_id)
    if not payment.payable:
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
        asked = payment.asked_at
        if asked is None or (clock.now() - asked).total_seconds() > _ASK_AGAIN_SECONDS:
            expiry.settle_payment(payment_id)
            payment = queries.payment(payment_id, reader)
    return payment
