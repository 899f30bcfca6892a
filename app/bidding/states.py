"""The states of a bid."""

from enum import StrEnum


class BidStatus(StrEnum):
    """What a bid came to."""

    OUTBID = "OUTBID"
    WON = "WON"
    RELEASED = "RELEASED"
