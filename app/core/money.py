"""Money: whole US cents inside, a two-decimal string at every edge. No float touches it."""

import re
from decimal import Decimal

CURRENCY = "usd"
# Stripe's own limits for a charge in USD:
# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MINIMUM_CENTS = 50
MAXIMUM_CENTS = 99_999_999
AMOUNT_LIMITS = "from 0.50 to 999,999.99"

_MOST_DIGITS = 9
_DECIMALS = 2
_GRAMMAR = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?")


class InvalidAmount(ValueError):
    """The text is no amount, or outside the limits; the message says which."""


def parse_amount(text: str) -> int:
    """Whole cents from `150`, `150.5` or `150.00` (ASCII digits; no sign, space or exponent).

    Raises InvalidAmount naming what is wrong and the limit.
    """
    if not _GRAMMAR.fullmatch(text):
        raise InvalidAmount(
            f"Enter an amount in dollars {AMOUNT_LIMITS}, "
            "with digits and at most two decimals, such as 150 or 150.00."
        )
    dollars, _, decimals = text.partition(".")
    return _within_limits(int(dollars) * 100 + int(decimals.ljust(2, "0")))


def parse_decimal(number: Decimal | int) -> int:
    """Whole cents from an exact number with at most two decimals; raises InvalidAmount."""
    sign, digits, exponent = Decimal(number).as_tuple()
    # By its digits, before any arithmetic: that would round a long number, or overflow.
    if not isinstance(exponent, int) or sign or len(digits) + exponent > _MOST_DIGITS:
        raise InvalidAmount(f"Enter an amount {AMOUNT_LIMITS} dollars.")
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant)
    if not significant:
        return _within_limits(0)
    if exponent < -_DECIMALS:
        raise InvalidAmount(f"Enter an amount {AMOUNT_LIMITS} with at most two decimals.")
    return _within_limits(int(significant) * 10 ** (exponent + _DECIMALS))


def _within_limits(cents: int) -> int:
    if not MINIMUM_CENTS <= cents <= MAXIMUM_CENTS:
        raise InvalidAmount(f"Enter an amount {AMOUNT_LIMITS} dollars.")
    return cents


def amount_text(cents: int) -> str:
    """Cents as the API writes them: `150.00`."""
    return f"{cents // 100}.{cents % 100:02d}"


def usd(cents: int) -> str:
    """Cents as people read them: `$1,250.00`."""
    return f"${cents // 100:,}.{cents % 100:02d}"
