"""The bidding API."""

from typing import Any

from flask import Response, jsonify

from app.artworks import queries as artworks
from app.bidding import queries, rules, service
from app.bidding.schemas import BidIn, BidOut, PublicBidOut, in_json
from app.core.access import Who, access, viewer, viewer_or_none
from app.core.api import ApiBlueprint, PagingIn, page_of, refuses
from app.core.errors import NotFound
from app.core.money import CURRENCY
from app.core.paging import Page
from app.payments import service as payments
from app.payments.queries import PaymentView
from app.payments.states import PaymentStatus

blueprint = ApiBlueprint("bidding_api", __name__, url_prefix="/api")


@blueprint.post("/bids")
@access(Who.USER, from_memory=True)
@blueprint.arguments(BidIn)
@blueprint.response(201, BidOut)
@refuses(
    NotFound,
    rules.OwnArtwork,
    rules.AdministratorsDoNotBid,
    rules.BiddingSuspended,
    rules.ArtworkNotActive,
    rules.BidTooLow,
    rules.AlreadyDefaulted,
    rules.BidsPaused,
)
def place_bid(body: dict[str, Any]) -> tuple[Response, int]:
    """Make an offer. A winner's answer says where to pay."""
    bidder = viewer()
    outcome = service.place_bid(bidder, body["artwork_id"], body["amount"])
    owed = None
    if outcome.payment_id is not None:
        payment = payments.offer_checkout(outcome.payment_id, bidder.id)
        owed = _promised(outcome) if payment is None else _owed(payment)
    bid = {
        "id": outcome.bid_id,
        "artwork_id": outcome.artwork_id,
        "amount": outcome.amount_cents,
        "status": outcome.status.value,
        "is_winning": outcome.won,
        "created_at": outcome.created_at,
        "payment": owed,
    }
    return jsonify(in_json(bid)), 201


@blueprint.get("/bids/my-bids")
@access(Who.USER, while_suspended=True)
@blueprint.arguments(PagingIn, location="query")
@blueprint.response(200, page_of(BidOut))
def my_bids(paging: dict[str, int]) -> Page[dict[str, Any]]:
    """The caller's own bids, newest first."""
    return queries.my_bids(viewer().id, **paging).map(
        lambda bid: {
            "id": bid.id,
            "artwork_id": bid.artwork_id,
            "amount": bid.amount_cents,
            "status": bid.status.value,
            "is_winning": bid.is_winning,
            "created_at": bid.created_at,
            "payment": None if bid.payment is None else _owed(bid.payment),
        }
    )


@blueprint.get("/artworks/<int:artwork_id>/bids")
@access(Who.ANYONE)
@blueprint.arguments(PagingIn, location="query")
@blueprint.response(200, page_of(PublicBidOut))
def bids_of_artwork(paging: dict[str, int], artwork_id: int) -> Page[dict[str, Any]]:
    """The losing bids on an artwork, newest first."""
    return _public_bids(artwork_id, paging)


@blueprint.get("/bids/artwork/<int:artwork_id>")
@access(Who.ANYONE)
@blueprint.arguments(PagingIn, location="query")
@blueprint.response(200, page_of(PublicBidOut))
def bids_by_artwork(paging: dict[str, int], artwork_id: int) -> Page[dict[str, Any]]:
    """The same list by its other address."""
    return _public_bids(artwork_id, paging)


def _public_bids(artwork_id: int, paging: dict[str, int]) -> Page[dict[str, Any]]:
    artworks.artwork(artwork_id, viewer_or_none())
    return queries.losing_bids(artwork_id, **paging).map(
        lambda bid: {
            "amount": bid.amount_cents,
            "bidder": bid.bidder,
            "created_at": bid.created_at,
        }
    )


def _promised(outcome: service.BidOutcome) -> dict[str, Any]:
    """What a win owes, from the win alone, when its payment could not be read after it."""
    return {
        "id": outcome.payment_id,
        "status": PaymentStatus.PENDING.value,
        "amount": outcome.amount_cents,
        "currency": CURRENCY,
        "checkout_url": None,
        "expires_at": outcome.deadline_at,
    }


def _owed(payment: PaymentView) -> dict[str, Any]:
    return {
        "id": payment.id,
        "status": payment.status.value,
        "amount": payment.amount_cents,
        "currency": payment.currency,
        "checkout_url": payment.checkout_url,
        "expires_at": payment.expires_at,
    }
