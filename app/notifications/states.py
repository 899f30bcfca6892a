"""The states and kinds of mails."""

from enum import StrEnum


class EmailStatus(StrEnum):
    """Where a mail stands."""

    PENDING = "PENDING"
    SENT = "SENT"
    DEAD = "DEAD"


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
