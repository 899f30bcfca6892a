"""Numbers in addresses: one that no database row can have is no address of ours."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

_MOST_DIGITS = 18


class IdentifierConverter(IntegerConverter):
    """A whole number in ASCII digits that the databases can hold; a larger one is not found.

    Told by its digits: a number refused only after the address matched would be answered with 405
    where several methods share an address.
    """

    regex = rf"[0-9]{{1,{_MOST_DIGITS}}}"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max", 10**_MOST_DIGITS - 1)
        super().__init__(*args, **kwargs)


def init_identifiers(app: Flask) -> None:
    """Bound every `<int:…>` of the routes that are registered after this."""
    app.url_map.converters["int"] = IdentifierConverter
