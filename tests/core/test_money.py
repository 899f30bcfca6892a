"""Amounts: the grammar of rule 1, to the cent, for whatever is typed."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import (
    MAXIMUM_CENTS,
    MINIMUM_CENTS,
    InvalidAmount,
    amount_text,
    parse_amount,
    parse_decimal,
    usd,
)

CENTS = st.integers(MINIMUM_CENTS, MAXIMUM_CENTS)
GRAMMAR = re.compile(r"^\d{1,6}(\.\d{1,2})?\Z", re.ASCII)


@given(CENTS)
def test_what_is_answered_is_read_back_to_the_cent(cents: int) -> None:
    assert parse_amount(amount_text(cents)) == cents
    assert parse_decimal(Decimal(amount_text(cents))) == cents
    assert usd(cents).replace("$", "").replace(",", "") == amount_text(cents)


@given(st.from_regex(r"\A[0-9]{1,6}(\.[0-9]{1,2})?\Z"))
def test_what_fits_the_grammar_is_its_exact_worth_or_outside_the_limits(text: str) -> None:
    exact = Decimal(text) * 100
    if MINIMUM_CENTS <= exact <= MAXIMUM_CENTS:
        assert parse_amount(text) == exact
    else:
        with pytest.raises(InvalidAmount, match=r"0\.50 to 999,999\.99"):
            parse_amount(text)


@given(st.one_of(st.text(), st.text(alphabet="0123456789.,-+eE _٣３²½\n$"), st.floats().map(str)))
def test_what_does_not_fit_the_grammar_is_refused_with_the_limits(text: str) -> None:
    if GRAMMAR.match(text):
        return
    with pytest.raises(InvalidAmount, match=r"0\.50 to 999,999\.99"):
        parse_amount(text)


@given(st.integers())
def test_whole_dollars_are_a_hundred_cents_each_or_refused(dollars: int) -> None:
    if MINIMUM_CENTS <= dollars * 100 <= MAXIMUM_CENTS:
        assert parse_decimal(dollars) == dollars * 100
    else:
        with pytest.raises(InvalidAmount, match=r"0\.50 to 999,999\.99"):
            parse_decimal(dollars)


@given(CENTS, st.integers(1, 9), st.integers(3, 20))
def test_a_number_with_more_than_two_decimals_is_never_rounded(
    cents: int, digit: int, place: int
) -> None:
    more = Decimal(amount_text(cents)) + Decimal(digit).scaleb(-place)
    with pytest.raises(InvalidAmount):
        parse_decimal(more)


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1e3", "1,000", "1.", ".5", "1.234", "1000000", "٣", "１２", "1 ", " 1",
     "1\n", "NaN", "Infinity", "0x10", "1_000", "$5", "0.49", "0", "0.00", "000000"],
)  # fmt: skip
def test_no_sign_space_exponent_or_foreign_digit_is_an_amount(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0.50", 50), ("0.5", 50), ("1", 100), ("000001", 100), ("150.0", 15_000),
     ("999999.99", 99_999_999)],
)  # fmt: skip
def test_the_limits_themselves_are_amounts(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "1e9999999",
        "1e-400",
        "1e-999999999999999",
        "-1",
        "0.5000000000000000000000000000000000001",
    ],
)
def test_numbers_that_are_no_money_are_refused(number: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_decimal(Decimal(number))
