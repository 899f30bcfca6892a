"""What every JSON route stands on: strict parsing, money and moments at the edge, paged lists."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn, TypeVar

import flask_smorest
from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Range
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app.core import clock, money, paging
from app.core.at_hand import request_at_hand
from app.core.errors import Invalid, ProductError

V = TypeVar("V", bound=Callable[..., Any])


def refuses(*kinds: type[ProductError]) -> Callable[[V], V]:
    """Declare what a route may answer beside what its access, address and body already say."""

    def declare(view: V) -> V:
        view.__refuses__ = kinds  # type: ignore[attr-defined]
        return view

    return declare


class Strict(Schema):
    """A body or query: fields that are not known are refused."""

    class Meta:
        unknown = RAISE

    @validates_schema(skip_on_field_errors=False)
    def hold_only_text(self, data: dict[str, Any], **_: Any) -> None:
        """PostgreSQL keeps no NUL, and no database half of a character."""
        wrong = [
            name
            for name, value in data.items()
            if isinstance(value, str)
            and ("\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value))
        ]
        if wrong:
            raise ValidationError(
                {name: ["Enter text without control characters."] for name in wrong}
            )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: of two values, readers would disagree on which."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid.field(name, "Send this field once.")
        found[name] = value
    return found


_EXACT = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once_each
)


class StrictParser(FlaskParser):
    """Numbers with a point become Decimal: no float ever holds money. NaN is no JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 (the base class's own attribute)
        "json": RAISE,
        "form": RAISE,
        "query": RAISE,
        "files": RAISE,
        "headers": None,
        "cookies": None,
        "view_args": RAISE,
        "path": RAISE,
    }

    def get_default_request(self) -> Request:
        """The request at hand itself, of which much is asked."""
        return request_at_hand()

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
        try:
            return _EXACT.decode(req.get_data(cache=True).decode("utf-8"))
        except (ValueError, ArithmeticError, RecursionError):
            raise Invalid.field("body", "This is not valid JSON in UTF-8.") from None


class ApiBlueprint(flask_smorest.Blueprint):
    """A blueprint whose routes stand in the API's description."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[Schema] | Schema, **options: Any) -> Any:
        """Parse by one instance of the schema, where a class would be built for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)


# 0.50 to 999,999.99, leading zeros and all, in at most six digits before the point.
_AMOUNT_PATTERN = (
    r"^(0{1,6}\.[5-9][0-9]?|([1-9][0-9]{0,5}|0[1-9][0-9]{0,4}|00[1-9][0-9]{0,3}"
    r"|000[1-9][0-9]{0,2}|0000[1-9][0-9]?|00000[1-9])(\.[0-9]{1,2})?)$"
)
_AMOUNT_SCHEMA = {
    "description": f"US dollars {money.AMOUNT_LIMITS}, as text or as a number.",
    "anyOf": [
        {"type": "string", "pattern": _AMOUNT_PATTERN},
        {"type": "number", "minimum": 0.5, "maximum": 999_999.99, "multipleOf": 0.01},
    ],
    "examples": ["150.00", 150, 150.5],
}
_MOMENT_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2027-01-31T18:00:00Z"]}


class _Described(fields.Field[Any]):
    """A field whose schema stands in its class."""

    described: Mapping[str, Any] = {}

    def __init__(self, **options: Any) -> None:
        metadata = {**self.described, **(options.pop("metadata", None) or {})}
        super().__init__(metadata=metadata, **options)


def one_of(values: type[StrEnum], **options: Any) -> fields.String:
    """A text that is answered: one of these values."""
    return fields.String(metadata={"enum": [value.value for value in values]}, **options)


class NumberIn(fields.Integer):
    """A thing's number in a body; 7.0 is a whole number in JSON, and "7" is none."""

    def __init__(self, **options: Any) -> None:
        limits = Range(1, 2**62, error="Enter a whole number from 1.")
        super().__init__(strict=True, validate=limits, **options)

    def _validated(self, value: Any) -> int:
        if type(value) is int:
            return value
        # Beyond this, the whole number would have as many digits as its exponent says.
        if (
            isinstance(value, Decimal)
            and -(2**63) < value < 2**63
            and value == value.to_integral_value()
        ):
            value = int(value)
        return super()._validated(value)


class FlagIn(fields.Boolean):
    """`true` or `false`; not 0, which only equals `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> bool:  # fmt: skip
        if isinstance(value, bool):
            return value
        raise ValidationError("Enter true or false.")


class AmountIn(_Described):
    """An amount in dollars: a JSON string such as `"150.00"`, or a number with two decimals."""

    described = _AMOUNT_SCHEMA

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> int:  # fmt: skip
        try:
            if isinstance(value, str):
                return money.parse_amount(value)
            if isinstance(value, Decimal | int) and not isinstance(value, bool):
                return money.parse_decimal(value)
        except money.InvalidAmount as wrong:
            raise ValidationError(str(wrong)) from None
        raise ValidationError("Enter an amount as a string such as “150.00”, or a number.")


class MomentIn(_Described):
    """A moment in ISO 8601; without an offset it is UTC."""

    described = _MOMENT_SCHEMA

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> datetime:  # fmt: skip
        wrong = "Enter a moment in ISO 8601, such as 2027-01-31T18:00:00Z."
        if not isinstance(value, str) or len(value) > 40 or "T" not in value.upper():
            raise ValidationError(wrong)
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(wrong) from None


class Amount(_Described):
    """Cents, answered as `"150.00"`."""

    described: Mapping[str, Any] = {
        "type": "string",
        "pattern": r"^[0-9]+\.[0-9]{2}$",
        "examples": ["150.00"],
    }

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else money.amount_text(value)


class Moment(_Described):
    """A moment, answered in UTC with `Z`."""

    described = _MOMENT_SCHEMA

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.iso(value)


def between(least: int, most: int) -> Range:
    """A whole number within these limits."""
    return Range(least, most, error=f"Enter a whole number from {least} to {most:,}.")


class PagingIn(Strict):
    """Which page of a list."""

    page = fields.Integer(load_default=1, validate=between(1, 1_000_000))
    per_page = fields.Integer(
        load_default=paging.DEFAULT_PER_PAGE, validate=between(1, paging.MAXIMUM_PER_PAGE)
    )


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a list of `item` in pages."""
    return type(
        f"{item.__name__.removesuffix('Out')}Page",
        (Schema,),
        {
            "items": fields.List(fields.Nested(item)),
            "page": fields.Integer(),
            "per_page": fields.Integer(),
            "total": fields.Integer(metadata={"description": paging.TOTAL}),
        },
    )
