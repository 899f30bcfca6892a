"""What may be refused to a bidder, in words that say nothing of the threshold."""

from typing import Any

from app.core.errors import Conflict, Forbidden, Unavailable
from app.core.money import amount_text, usd

_WORDS = {
    "PENDING_PAYMENT": "This artwork is reserved: somebody is paying for it right now.",
    "SOLD": "This artwork is sold.",
    "EXPIRED": "Bidding on this artwork has ended.",
    "ARCHIVED": "This artwork was withdrawn by its seller.",
}


class BidsPaused(Unavailable):
    """A backup was restored, and the sales since then are being looked up at Stripe."""

    code = "bids_paused"
    detail = (
        "Bidding is paused for a few minutes while we make sure that every sale is on record. "
        "Your bid was not placed. Please try again soon."
    )


class OwnArtwork(Forbidden):
    """Sellers know their own thresholds."""

    code = "own_artwork"
    detail = "This is your own artwork: you cannot bid on it."


class AdministratorsDoNotBid(Forbidden):
    """Administrators can see thresholds."""

    detail = "Administrators can see the hidden minimum, so they cannot bid."


class BiddingSuspended(Forbidden):
    """Too many wins were not paid."""

    code = "bidding_suspended"

    def __init__(self, until: str) -> None:
        super().__init__(f"You cannot bid until {until}, because several wins were not paid.")


class ArtworkNotActive(Conflict):
    """The artwork takes no bids now."""

    code = "artwork_not_active"

    def __init__(self, artwork_status: str) -> None:
        super().__init__(_WORDS.get(artwork_status, "This artwork takes no bids now."))
        self.artwork_status = artwork_status

    def extras(self) -> dict[str, Any]:
        return {"artwork_status": self.artwork_status}


class AlreadyDefaulted(Conflict):
    """Who won and did not pay knows an upper bound of the threshold."""

    code = "already_defaulted"
    detail = "You won this artwork before and did not pay, so you cannot bid on it again."


class BidTooLow(Conflict):
    """Bids must rise."""

    code = "bid_too_low"

    def __init__(self, highest_cents: int) -> None:
        super().__init__(f"Your bid must be higher than the highest bid, {usd(highest_cents)}.")
        self.highest_cents = highest_cents

    def extras(self) -> dict[str, Any]:
        return {"current_highest_bid": amount_text(self.highest_cents)}
