"""What others may ask of bidding."""

from app.bidding.days import bids_by_day, count_bids_by_day
from app.bidding.defaults import release_bid
from app.bidding.placing import BidOutcome, check_bid, init_bidding, place_bid
from app.bidding.recovery import BUYER_LOST, number_bids_beyond, restore_win
from app.core.events import PaymentReleased, on_record

__all__ = [
    "BUYER_LOST",
    "BidOutcome",
    "bids_by_day",
    "check_bid",
    "count_bids_by_day",
    "init_bidding",
    "listen",
    "number_bids_beyond",
    "place_bid",
    "restore_win",
]


def listen() -> None:
    """Release the bid in the transaction that releases its payment."""
    on_record(PaymentReleased, release_bid)
