"""The payments API."""

import re
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import BadRequest

from app.core.access import Who, access, viewer
from app.core.api import ApiBlueprint, PagingIn, page_of, refuses
from app.core.errors import NotFound, Unavailable
from app.core.paging import Page
from app.payments import queries, service
from app.payments.schemas import CheckoutIn, CheckoutOut, PaymentOut, ReceivedOut
from app.payments.states import PaymentStatus

blueprint = ApiBlueprint("payments_api", __name__, url_prefix="/api/payments")


_SESSION_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


@blueprint.post("/checkout-session")
@access(Who.USER, while_suspended=True)
@blueprint.arguments(CheckoutIn)
@blueprint.response(200, CheckoutOut)
@refuses(NotFound, service.PaymentOver)
def checkout_session(body: dict[str, Any]) -> dict[str, Any]:
    """Where the winner of a bid pays: the same session every time while it is open.

    `checkout_url` is null while Stripe cannot be reached, and while an administrator looks into
    something about the payment: ask again.
    """
    payment = queries.own_payment_of_bid(body["bid_id"], viewer().id)
    payment = service.prepare_checkout(payment.id, viewer().id)
    return {
        "payment_id": payment.id,
        "session_id": payment.stripe_session_id,
        "checkout_url": payment.checkout_url,
        "amount": payment.amount_cents,
        "currency": payment.currency,
        "expires_at": payment.expires_at,
    }


@blueprint.get("/session/<session_id>")
@access(Who.USER, while_suspended=True)
@blueprint.response(200, PaymentOut)
@refuses(NotFound)
def payment_by_session(session_id: str) -> dict[str, Any]:
    """The payment of a Checkout Session."""
    if not _SESSION_ID.fullmatch(session_id):
        raise NotFound
    return queries.payment_by_session(session_id, viewer()).seen_by(viewer().id)


@blueprint.get("/my-payments")
@access(Who.USER, while_suspended=True)
@blueprint.arguments(PagingIn, location="query")
@blueprint.response(200, page_of(PaymentOut))
def my_payments(paging: dict[str, int]) -> Page[dict[str, Any]]:
    """The caller's own payments, newest first."""
    me = viewer().id
    return queries.payments_of_buyer(me, **paging).map(lambda payment: payment.seen_by(me))


@blueprint.get("/<int:payment_id>")
@access(Who.USER, while_suspended=True)
@blueprint.response(200, PaymentOut)
def payment(payment_id: int) -> dict[str, Any]:
    """One payment, for its buyer, its seller or an administrator."""
    return queries.payment(payment_id, viewer()).seen_by(viewer().id)


@blueprint.post("/<int:payment_id>/cancel")
@access(Who.USER, while_suspended=True)
@blueprint.response(200, PaymentOut)
@blueprint.alt_response(202, schema=PaymentOut)
@refuses(service.PaymentOver)
def cancel(payment_id: int) -> tuple[dict[str, Any], int]:
    """The winner gives up; 202 while Stripe cannot be reached to close the session."""
    service.give_up(payment_id, viewer().id)
    given_up = queries.own_payment(payment_id, viewer().id)
    still = given_up.status == PaymentStatus.PENDING
    return given_up.seen_by(viewer().id), 202 if still else 200


@blueprint.get("/artwork/<int:artwork_id>")
@access(Who.USER, while_suspended=True)
@blueprint.response(200, PaymentOut)
def payment_of_artwork(artwork_id: int) -> dict[str, Any]:
    """The payment in force for an artwork."""
    return queries.payment_in_force(artwork_id, viewer()).seen_by(viewer().id)


@blueprint.post("/webhook")
@access(Who.STRIPE)
@blueprint.response(200, ReceivedOut)
def webhook() -> dict[str, bool]:
    """Stripe's events. 200 only once their effect is durable."""
    if not current_app.config["SETTINGS"].stripe_webhook_secret:
        raise Unavailable("Webhooks are not configured: STRIPE_WEBHOOK_SECRET is empty.")
    signature = request.headers.get("Stripe-Signature", "")
    try:
        service.receive_event(request.get_data(cache=False), signature)
    except service.InvalidSignature:
        raise BadRequest("The Stripe-Signature header is missing, wrong or too old.") from None
    return {"received": True}
