"""What every JSON route stands on: strict parsing, money and moments at the edge, paged lists."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

import flask_smorest
from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

from app.core import clock, money, paging


class Strict(Schema):
    """A body or query: fields that are not known are refused."""

    class Meta:
        unknown = RAISE


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


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

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise BadRequest("Send the body as JSON, with Content-Type: application/json.")
        try:
            return json.loads(
                req.get_data(cache=True).decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_refuse_constant,
            )
        except (ValueError, ArithmeticError, RecursionError):
            raise BadRequest("The body is not valid JSON in UTF-8.") from None


class ApiBlueprint(flask_smorest.Blueprint):
    """A blueprint whose routes stand in the API's description."""

    ARGUMENTS_PARSER = StrictParser()


class AmountIn(fields.Field[int]):
    """An amount in dollars: a JSON string such as `"150.00"`, or a number with two decimals."""

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


class MomentIn(fields.Field[datetime]):
    """A moment in ISO 8601; without an offset it is UTC."""

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


class Amount(fields.Field[str]):
    """Cents, answered as `"150.00"`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else money.amount_text(value)


class Moment(fields.Field[str]):
    """A moment, answered in UTC with `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.iso(value)


class PagingIn(Strict):
    """Which page of a list."""

    page = fields.Integer(load_default=1, validate=lambda n: _between(n, 1, 1_000_000))
    per_page = fields.Integer(
        load_default=paging.DEFAULT_PER_PAGE,
        validate=lambda n: _between(n, 1, paging.MAXIMUM_PER_PAGE),
    )


def _between(number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise ValidationError(f"Enter a whole number from {least} to {most:,}.")


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
            "total": fields.Integer(),
        },
    )
