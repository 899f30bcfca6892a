"""The payment's pages: pay, resume, give up, and the truth after returning from Stripe."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.artworks import queries as artworks
from app.config import Settings
from app.core import clock
from app.core.access import Who, access, viewer
from app.core.errors import Conflict
from app.payments import queries, service
from app.payments.queries import PaymentView
from app.payments.states import CAPTURED, decline_text

blueprint = Blueprint("payments", __name__)


@blueprint.app_context_processor
def rules_in_words() -> dict[str, Any]:
    """The time to pay, and what unpaid wins come to, as every page says them."""
    settings: Settings = current_app.config["SETTINGS"]
    limit, days = settings.unpaid_win_limit, settings.unpaid_win_days
    return {
        "payment_window": _duration(settings.payment_window_seconds),
        "unpaid_win_rule": f"{limit} unpaid {'win' if limit == 1 else 'wins'} in {days} days "
        f"suspend bidding for {settings.bidding_suspension_days} days",
    }


def _duration(seconds: int) -> str:
    for unit, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0 and seconds >= unit:
            count = seconds // unit
            return f"{count} {name}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


@blueprint.get("/payments/<int:payment_id>")
@access(Who.USER, while_suspended=True)
def show(payment_id: int) -> ResponseReturnValue:
    """Where the payment stands, and what can be done."""
    return _page(queries.payment(payment_id, viewer()))


@blueprint.get("/payments/<int:payment_id>/pay")
@access(Who.USER, while_suspended=True)
def pay(payment_id: int) -> ResponseReturnValue:
    """Straight to Stripe's page; back to the payment's own while there is none."""
    try:
        payment = service.prepare_checkout(payment_id, viewer().id)
    except Conflict:
        return redirect(url_for("payments.show", payment_id=payment_id), code=303)
    if payment.checkout_url is None and not payment.needs_person:
        flash("Not ready yet. Try again in a few seconds.", "warning")
    return redirect(
        payment.checkout_url or url_for("payments.show", payment_id=payment_id), code=303
    )


@blueprint.post("/payments/<int:payment_id>/give-up")
@access(Who.USER, while_suspended=True)
def give_up(payment_id: int) -> ResponseReturnValue:
    """The winner gives up."""
    try:
        service.give_up(payment_id, viewer().id)
    except service.PaymentOver as over:
        flash(over.detail, "warning")
    return redirect(url_for("payments.show", payment_id=payment_id), code=303)


@blueprint.get("/payments/<int:payment_id>/return")
@access(Who.USER, while_suspended=True)
def returned(payment_id: int) -> ResponseReturnValue:
    """Back from Stripe: what Stripe says of the payment, never what the address says."""
    return _page(service.refresh_payment(payment_id, viewer()), returned=True)


@blueprint.get("/payments/<int:payment_id>/back")
@access(Who.USER, while_suspended=True)
def back(payment_id: int) -> ResponseReturnValue:
    """Stripe's back link: only shows the payment, which can be resumed or given up."""
    return redirect(url_for("payments.show", payment_id=payment_id), code=303)


def _page(payment: PaymentView, *, returned: bool = False) -> ResponseReturnValue:
    names = accounts.names([payment.buyer_id, payment.seller_id])
    # A seller learns who the buyer is once they have paid.
    told = viewer().id != payment.seller_id or payment.status in CAPTURED
    return render_template(
        "payments/show.html",
        payment=payment,
        artwork_status=payment.artwork_status,
        seller_name=names[payment.seller_id],
        buyer_name=names[payment.buyer_id] if told else None,
        is_buyer=viewer().id == payment.buyer_id,
        shown=artworks.pictures([payment.artwork_id]).get(payment.artwork_id),
        returned=returned,
        checking=returned and payment.unanswered,
        declined=decline_text(payment.failure_reason) if payment.failure_reason else None,
        now=clock.now(),
    )
