"""Numbers in addresses: one that no database row can have is no address of ours."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

_LARGEST = 2**63 - 1


class IdentifierConverter(IntegerConverter):
    """A whole number up to what the databases can hold; a larger one is not found."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max", _LARGEST)
        super().__init__(*args, **kwargs)


def init_identifiers(app: Flask) -> None:
    """Bound every `<int:…>` of the routes that are registered after this."""
    app.url_map.converters["int"] = IdentifierConverter
