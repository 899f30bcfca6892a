"""The tables of moves, whole: what is not listed is refused."""

from __future__ import annotations

import itertools

import pytest

from app.artworks import states as artworks
from app.artworks.states import ArtworkEvent, ArtworkStatus
from app.payments import states as payments
from app.payments.states import PaymentEvent, PaymentStatus

# Written out again from the rules, not read from the tables under test.
PAYMENT_MOVES = {
    "PENDING session_paid": "SUCCEEDED",
    "PENDING session_unpaid": "PROCESSING",
    "PENDING funds_failed": "FAILED",
    "PENDING session_expired": "CANCELED",
    "PENDING never_created": "CANCELED",
    "PENDING refused_by_stripe": "FAILED",
    "PROCESSING session_paid": "SUCCEEDED",
    "PROCESSING funds_failed": "FAILED",
    "SUCCEEDED refunded": "REFUNDED",
}
ARTWORK_MOVES = {
    "ACTIVE bid_won": "PENDING_PAYMENT",
    "PENDING_PAYMENT paid": "SOLD",
    "PENDING_PAYMENT released_open": "ACTIVE",
    "PENDING_PAYMENT released_ended": "EXPIRED",
    "ACTIVE end_date_passed": "EXPIRED",
    "ACTIVE withdrawn": "ARCHIVED",
    "EXPIRED withdrawn": "ARCHIVED",
    "EXPIRED relisted": "ACTIVE",
    "ARCHIVED relisted": "ACTIVE",
    "ACTIVE win_restored": "PENDING_PAYMENT",
    "EXPIRED win_restored": "PENDING_PAYMENT",
    "ARCHIVED win_restored": "PENDING_PAYMENT",
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(PaymentStatus, PaymentEvent)))
def test_a_payment_moves_only_as_listed(status: PaymentStatus, event: PaymentEvent) -> None:
    listed = PAYMENT_MOVES.get(f"{status} {event}")
    if listed is not None:
        assert payments.move_payment(status, event).value == listed
    else:
        with pytest.raises(payments.ForbiddenMove, match=f"{status} cannot take {event}"):
            payments.move_payment(status, event)


@pytest.mark.parametrize(("status", "event"), list(itertools.product(ArtworkStatus, ArtworkEvent)))
def test_an_artwork_moves_only_as_listed(status: ArtworkStatus, event: ArtworkEvent) -> None:
    listed = ARTWORK_MOVES.get(f"{status} {event}")
    if listed is not None:
        assert artworks.move_artwork(status, event).value == listed
    else:
        with pytest.raises(artworks.ForbiddenMove, match=f"{status} cannot be {event}"):
            artworks.move_artwork(status, event)


def test_every_state_but_the_first_is_reached_by_some_move() -> None:
    assert set(payments.PAYMENT_MOVES.values()) == set(PaymentStatus) - {PaymentStatus.PENDING}
    assert set(artworks.ARTWORK_MOVES.values()) == set(ArtworkStatus)


def test_sold_and_what_is_released_or_refunded_are_final() -> None:
    assert not [move for move in artworks.ARTWORK_MOVES if move[0] == ArtworkStatus.SOLD]
    final = {PaymentStatus.CANCELED, PaymentStatus.FAILED, PaymentStatus.REFUNDED}
    assert not [move for move in payments.PAYMENT_MOVES if move[0] in final]


def test_every_payment_is_either_open_captured_or_released() -> None:
    groups = (*payments.OPEN, *payments.CAPTURED, *payments.RELEASED)
    assert sorted(groups) == sorted(PaymentStatus)
