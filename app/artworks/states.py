"""The states of an artwork and every move between them."""

from enum import StrEnum


class ArtworkStatus(StrEnum):
    """Where an artwork stands."""

    ACTIVE = "ACTIVE"
    PENDING_PAYMENT = "PENDING_PAYMENT"
    SOLD = "SOLD"
    EXPIRED = "EXPIRED"
    ARCHIVED = "ARCHIVED"


class ArtworkEvent(StrEnum):
    """What can happen to an artwork."""

    BID_WON = "bid_won"
    PAID = "paid"
    RELEASED_OPEN = "released_open"
    RELEASED_ENDED = "released_ended"
    END_DATE_PASSED = "end_date_passed"
    WITHDRAWN = "withdrawn"
    RELISTED = "relisted"
    WIN_RESTORED = "win_restored"


S = ArtworkStatus
E = ArtworkEvent

ARTWORK_MOVES: dict[tuple[ArtworkStatus, ArtworkEvent], ArtworkStatus] = {
    (S.ACTIVE, E.BID_WON): S.PENDING_PAYMENT,
    (S.PENDING_PAYMENT, E.PAID): S.SOLD,
    (S.PENDING_PAYMENT, E.RELEASED_OPEN): S.ACTIVE,
    (S.PENDING_PAYMENT, E.RELEASED_ENDED): S.EXPIRED,
    (S.ACTIVE, E.END_DATE_PASSED): S.EXPIRED,
    (S.ACTIVE, E.WITHDRAWN): S.ARCHIVED,
    (S.EXPIRED, E.WITHDRAWN): S.ARCHIVED,
    (S.EXPIRED, E.RELISTED): S.ACTIVE,
    (S.ARCHIVED, E.RELISTED): S.ACTIVE,
    # A win that a restored backup had lost: the artwork was reserved, whatever happened since.
    (S.ACTIVE, E.WIN_RESTORED): S.PENDING_PAYMENT,
    (S.EXPIRED, E.WIN_RESTORED): S.PENDING_PAYMENT,
    (S.ARCHIVED, E.WIN_RESTORED): S.PENDING_PAYMENT,
}


class ForbiddenMove(ValueError):
    """The table has no such move."""


def move_artwork(status: ArtworkStatus, event: ArtworkEvent) -> ArtworkStatus:
    """The state after `event`; raises ForbiddenMove when the table has no such move."""
    try:
        return ARTWORK_MOVES[status, event]
    except KeyError:
        raise ForbiddenMove(f"an artwork that is {status} cannot be {event}") from None
