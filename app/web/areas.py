"""Which part of the product a request asks: the JSON API or the pages."""

from flask import request


def in_api() -> bool:
    """Whether the answer is read by a program: everything under `/api`."""
    return request.path == "/api" or request.path.startswith("/api/")
