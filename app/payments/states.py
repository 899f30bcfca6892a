"""The states of a payment and every move between them. Pure: nothing else decides."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    REFUNDED = "REFUNDED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"


class PaymentEvent(StrEnum):
    """What can happen to a payment, in Stripe's word or the product's."""

    SESSION_PAID = "session_paid"
    SESSION_UNPAID = "session_unpaid"
    FUNDS_FAILED = "funds_failed"
    SESSION_EXPIRED = "session_expired"
    NEVER_CREATED = "never_created"
    REFUSED_BY_STRIPE = "refused_by_stripe"
    REFUNDED = "refunded"


S = PaymentStatus
E = PaymentEvent

PAYMENT_MOVES: dict[tuple[PaymentStatus, PaymentEvent], PaymentStatus] = {
    (S.PENDING, E.SESSION_PAID): S.SUCCEEDED,
    (S.PENDING, E.SESSION_UNPAID): S.PROCESSING,
    (S.PENDING, E.FUNDS_FAILED): S.FAILED,
    (S.PENDING, E.SESSION_EXPIRED): S.CANCELED,
    (S.PENDING, E.NEVER_CREATED): S.CANCELED,
    (S.PENDING, E.REFUSED_BY_STRIPE): S.FAILED,
    (S.PROCESSING, E.SESSION_PAID): S.SUCCEEDED,
    (S.PROCESSING, E.FUNDS_FAILED): S.FAILED,
    (S.SUCCEEDED, E.REFUNDED): S.REFUNDED,
}

OPEN = (S.PENDING, S.PROCESSING)
CAPTURED = (S.SUCCEEDED, S.REFUNDED)
RELEASED = (S.CANCELED, S.FAILED)


class ForbiddenMove(ValueError):
    """The table has no such move."""


def move_payment(status: PaymentStatus, event: PaymentEvent) -> PaymentStatus:
    """The state after `event`; raises ForbiddenMove when the table has no such move."""
    try:
        return PAYMENT_MOVES[status, event]
    except KeyError:
        raise ForbiddenMove(f"a payment that is {status} cannot take {event}") from None


class Release(StrEnum):
    """Why a win was not paid, as the API's `failure_reason` says it."""

    DEADLINE = "deadline"
    GAVE_UP = "buyer_gave_up"
    SESSION_EXPIRED = "session_expired"
    REFUSED = "refused_by_stripe"
    FUNDS_FAILED = "funds_failed"


# What counts against the buyer: they could have paid, and chose not to or let the time pass.
UNPAID_WIN = (Release.DEADLINE, Release.GAVE_UP)


class EventOutcome(StrEnum):
    """What became of a webhook event."""

    RECEIVED = "RECEIVED"
    APPLIED = "APPLIED"
    NO_EFFECT = "NO_EFFECT"
    FLAGGED = "FLAGGED"
    FAILED = "FAILED"


# What no question about a session tells; asked for in case their webhook is lost.
EVENTS_ASKED_FOR = ("charge.refunded", "charge.dispute.created")

# What needs a person because Stripe's word and ours contradict each other.
SESSION_UNKNOWN = "session_unknown"
CONTRADICTIONS = (
    "payment_disagrees",
    "refund_without_sale",
    SESSION_UNKNOWN,
    "state_impossible",
)

STRAY_SESSION = "stray_session"
STRIPE_REFUSES_US = "stripe_refuses_us"
# What needs a person and keeps nobody from paying: nobody was shown a stray session, and where
# Stripe refused our request there is a page to pay on as soon as it does not.
PAYABLE_MEANWHILE = (STRAY_SESSION, STRIPE_REFUSES_US)


_DECLINES = {
    "authentication_required": "The bank asked for a confirmation that was not given.",
    "card_not_supported": "The card does not support this kind of purchase.",
    "card_velocity_exceeded": "The card's limit for amount or number of payments is reached.",
    "currency_not_supported": "The card does not support payments in US dollars.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code was not correct.",
    "incorrect_number": "The card's number was not correct.",
    "incorrect_zip": "The postal code did not match the card.",
    "insufficient_funds": "There was not enough money on the card.",
    "invalid_cvc": "The card's security code was not correct.",
    "invalid_expiry_month": "The card's expiry date was not correct.",
    "invalid_expiry_year": "The card's expiry date was not correct.",
    "invalid_number": "The card's number was not correct.",
    "issuer_not_available": "The bank could not be reached.",
    "payment_intent_authentication_failure": "The confirmation with the bank did not succeed.",
    "processing_error": "Something went wrong while the card was processed.",
    "try_again_later": "The bank could not answer.",
    "withdrawal_count_limit_exceeded": "The card's limit is reached.",
}

# docs.stripe.com/declines/codes: told to nobody who holds the card.
_TOLD_AS_GENERIC = frozenset({"fraudulent", "lost_card", "merchant_blacklist", "stolen_card"})


def told_reason(reason: str) -> str:
    """A decline code, or why a win was not paid, as others than administrators may see it."""
    return "generic_decline" if reason in _TOLD_AS_GENERIC else reason


def decline_text(reason: str) -> str:
    """A decline code in words for the buyer.

    Codes that speak of theft or fraud read like any other refusal, as Stripe asks:
    docs.stripe.com/declines/codes
    """
    return _DECLINES.get(reason, "The bank declined the card.")
