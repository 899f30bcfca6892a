"""The artwork's page, and bidding on it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.artworks import queries as artworks
from app.artworks.states import ArtworkStatus
from app.bidding import queries, rules, service
from app.bidding.forms import BidForm
from app.bidding.states import BidStatus
from app.core import clock
from app.core.access import Viewer, Who, access, viewer, viewer_or_none
from app.core.errors import Conflict, Forbidden
from app.payments import queries as payments
from app.payments import service as payment_service

blueprint = Blueprint("bidding", __name__)

_BIDS_PER_PAGE = 20


@blueprint.get("/artworks/<int:artwork_id>")
@access(Who.ANYONE)
def artwork(artwork_id: int) -> ResponseReturnValue:
    """The artwork, its losing bids, and the bid form."""
    page = max(1, min(request.args.get("page", 1, type=int), 1_000_000))
    return _artwork_page(artwork_id, page=page)


@blueprint.get("/artworks/<int:artwork_id>/bids")
@access(Who.ANYONE)
def back_to_artwork(artwork_id: int) -> ResponseReturnValue:
    """Where a bid was sent: its refusal leaves this address, which somebody may reload or keep."""
    return redirect(url_for("bidding.artwork", artwork_id=artwork_id), 303)


@blueprint.post("/artworks/<int:artwork_id>/bids")
@access(Who.USER)
def place_bid(artwork_id: int) -> ResponseReturnValue:
    """First the amount is repeated, unless it would be refused; once confirmed, it is placed.

    A winner goes straight to Stripe's page.
    """
    person = viewer()
    form = BidForm()
    if not form.validate_on_submit():
        return _artwork_page(artwork_id, form, 422)
    try:
        if not form.confirm.data:
            service.check_bid(person, artwork_id, form.amount_cents)
            found = artworks.artwork(artwork_id, person)
            return render_template(
                "bidding/confirm.html", form=form, artwork=found, amount_cents=form.amount_cents
            )
        outcome = service.place_bid(person, artwork_id, form.amount_cents)
    except (Conflict, Forbidden) as refused:
        if form.confirm.data:
            repeated = _repeated(person, artwork_id, form.amount_cents, refused)
            if repeated is not None:
                return repeated
        status = 409 if isinstance(refused, Conflict) else 403
        return _artwork_page(artwork_id, form, status, problem=refused.detail)
    if outcome.payment_id is None:
        return _not_this_time(artwork_id)
    return _to_checkout(outcome.payment_id, person)


def _to_checkout(payment_id: int, person: Viewer) -> ResponseReturnValue:
    payment = payment_service.offer_checkout(payment_id, person.id)
    if payment is not None and payment.checkout_url is not None:
        return redirect(payment.checkout_url, code=303)
    # That it is won, and that its page is being prepared, stands there for as long as it is so.
    return redirect(url_for("payments.show", payment_id=payment_id), code=303)


def _not_this_time(artwork_id: int) -> ResponseReturnValue:
    flash("Not this time. Your bid is recorded and is now the highest.", "info")
    return redirect(url_for("bidding.artwork", artwork_id=artwork_id), code=303)


def _repeated(
    person: Viewer, artwork_id: int, amount_cents: int, refused: Conflict | Forbidden
) -> ResponseReturnValue | None:
    """The first answer again, when the same bid came twice (a double click, a reload)."""
    mine = queries.latest_own_bid(artwork_id, person.id)
    if mine is None or mine.amount_cents != amount_cents:
        return None
    if isinstance(refused, rules.ArtworkNotActive) and mine.status == BidStatus.WON:
        owed = payments.open_payment_of_buyer(artwork_id, person.id)
        return _to_checkout(owed.id, person) if owed is not None else None
    if (
        isinstance(refused, rules.BidTooLow)
        and mine.status == BidStatus.OUTBID
        and refused.highest_cents == amount_cents
    ):
        return _not_this_time(artwork_id)
    return None


def _artwork_page(
    artwork_id: int,
    form: BidForm | None = None,
    status: int = 200,
    *,
    page: int = 1,
    problem: str | None = None,
) -> ResponseReturnValue:
    person = viewer_or_none()
    standing = None
    if person is None:
        found = artworks.artwork(artwork_id)
    else:
        found, standing = queries.artwork_and_standing(artwork_id, person)
    bids = queries.losing_bids(artwork_id, page, _BIDS_PER_PAGE)
    now = clock.now()
    is_own = person is not None and person.id == found.seller_id
    mine = None if is_own else standing
    until = mine.bidding_suspended_until if mine else None
    context: dict[str, Any] = {
        "artwork": found,
        "bids": bids,
        "form": form,
        "problem": problem,
        "now": now,
        "is_open": found.status == ArtworkStatus.ACTIVE
        and (found.end_date is None or found.end_date > now),
        "is_own": is_own,
        "is_admin": person is not None and person.is_admin,
        "mine": mine,
        "owed": None,
        "bought": None,
        "paused_until": until if until is not None and until > now else None,
    }
    if person is not None and mine and found.status == ArtworkStatus.PENDING_PAYMENT:
        context["owed"] = payments.open_payment_of_buyer(artwork_id, person.id)
    is_winner = mine is not None and mine.status == BidStatus.WON
    if person is not None and is_winner and found.status == ArtworkStatus.SOLD:
        context["bought"] = payments.payment_in_force(artwork_id, person)
    return render_template("bidding/artwork.html", **context), status
