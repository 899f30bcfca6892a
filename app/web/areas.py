"""Which part of the product a request asks: what programs read, or the pages."""

from flask import request

_ADDRESSES = ("/api/", "/health/", "/metrics/")


def for_programs() -> bool:
    """Whether the answer is read by a program: the JSON API, health and metrics."""
    return f"{request.path}/".startswith(_ADDRESSES)
