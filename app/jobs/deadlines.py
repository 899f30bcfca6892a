"""The end of each payment's time, at its own moment: a sweep may come as late as its interval."""

import logging

from app.core.crash_points import reached
from app.core.crew import share_out
from app.payments import service as payments

log = logging.getLogger(__name__)

_HANDS = 4
# A payment that was opened since the last look, with less time than that, is late by this much.
_LOOK_SECONDS = 1.0


def settle_what_is_due() -> float:
    """Settle every payment whose deadline has come; how many seconds until the next look.

    Needs the database and no Redis; of several workers each payment is settled by one.
    """
    share_out([payments.take_due()], _settle, hands=_HANDS)
    left = payments.seconds_to_next_deadline()
    return _LOOK_SECONDS if left is None else min(_LOOK_SECONDS, left)


def _settle(payment_id: int) -> None:
    reached("deadline.taken")
    try:
        payments.settle_payment(payment_id, patient=True)
    except Exception:
        # One payment that cannot be settled must not keep the others from it.
        log.exception("payment %s could not be settled at its deadline", payment_id)
