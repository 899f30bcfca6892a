"""Stripe's test cards (docs.stripe.com/testing), and one of the sandbox's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effect = Literal["paid", "declined", "challenge", "processing"]


@dataclass(frozen=True)
class Refusal:
    """Why a card was not charged, in Stripe's words."""

    code: str
    message: str
    decline_code: str | None = None


@dataclass(frozen=True)
class TestCard:
    """A number, and what paying with it does."""

    __test__ = False  # the name is the field's word, not a test case

    number: str
    label: str
    effect: Effect
    refusal: Refusal | None = None

    @property
    def last4(self) -> str:
        """The four digits that may be shown."""
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """The number in groups of four."""
        return " ".join(self.number[start : start + 4] for start in range(0, 16, 4))


AUTHENTICATION_FAILED = Refusal(
    "payment_intent_authentication_failure",
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again.",
)

TEST_CARDS = (
    TestCard("4242424242424242", "Pays", "paid"),
    TestCard("4000002500003155", "Asks for 3-D Secure", "challenge"),
    TestCard(
        "4000000000000002",
        "Declined",
        "declined",
        Refusal("card_declined", "Your card was declined.", "generic_decline"),
    ),
    TestCard(
        "4000000000009995",
        "Insufficient funds",
        "declined",
        Refusal("card_declined", "Your card has insufficient funds.", "insufficient_funds"),
    ),
    TestCard(
        "4000000000000069",
        "Expired card",
        "declined",
        Refusal("expired_card", "Your card has expired."),
    ),
    TestCard(
        "4000000000000127",
        "Wrong CVC",
        "declined",
        Refusal("incorrect_cvc", "Your card's security code is incorrect."),
    ),
    TestCard(
        "4000000000000119",
        "Processing error",
        "declined",
        Refusal(
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    # Stripe has no card whose funds are confirmed later; this number exists only here.
    TestCard("4000000000003720", "Pays, funds confirmed later", "processing"),
)
_BY_NUMBER = {card.number: card for card in TEST_CARDS}


def find_card(number: str) -> TestCard | None:
    """The test card with that number, however it was spaced."""
    return _BY_NUMBER.get(number.replace(" ", "").replace("-", ""))
