"""The states and kinds of mails."""

from enum import StrEnum


class EmailStatus(StrEnum):
    """Where a mail stands."""

    PENDING = "PENDING"
    SENT = "SENT"
    DEAD = "DEAD"


class EmailEvent(StrEnum):
    """What can happen to a mail."""

    ACCEPTED = "accepted"
    PUT_OFF = "put_off"
    REFUSED = "refused"
    ASKED_AGAIN = "asked_again"


class EmailKind(StrEnum):
    """Every mail that the product sends."""

    PAYMENT_REQUIRED = "payment_required"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_RELEASED = "payment_released"
    PAYMENT_RECEIPT = "payment_receipt"
    SALE_COMPLETED = "sale_completed"
    SALE_PENDING = "sale_pending"
    SALE_RELEASED = "sale_released"
    ARTWORK_EXPIRED = "artwork_expired"
    PASSWORD_RESET = "password_reset"  # noqa: S105 (a kind of mail)
    ATTENTION_NEEDED = "attention_needed"


S = EmailStatus
E = EmailEvent

EMAIL_MOVES: dict[tuple[EmailStatus, EmailEvent], EmailStatus] = {
    (S.PENDING, E.ACCEPTED): S.SENT,
    (S.PENDING, E.PUT_OFF): S.PENDING,
    (S.PENDING, E.REFUSED): S.DEAD,
    (S.PENDING, E.ASKED_AGAIN): S.PENDING,
    (S.SENT, E.ASKED_AGAIN): S.PENDING,
    (S.DEAD, E.ASKED_AGAIN): S.PENDING,
}


class ForbiddenMove(ValueError):
    """The table has no such move."""


def move_email(status: EmailStatus, event: EmailEvent) -> EmailStatus:
    """The state after `event`; raises ForbiddenMove when the table has no such move."""
    try:
        return EMAIL_MOVES[status, event]
    except KeyError:
        raise ForbiddenMove(f"a mail that is {status} cannot be {event}") from None
