"""The request that a thing began with, carried along so that one search of the log shows it all.

A request's own id stands in each of its lines. What it sets off elsewhere, a job, a mail, Stripe's
news of a sale, is done `following` the id that was kept with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g, has_app_context

from app.core.access import request_id


def trace_id() -> str | None:
    """What is followed now, else the request at hand; None outside both."""
    if not has_app_context():
        return None
    followed: str | None = g.get("followed")
    if followed is not None:
        return followed
    return request_id() if "request_id" in g else None


@contextmanager
def following(trace: str | None) -> Iterator[None]:
    """Do a block on behalf of an earlier request; None changes nothing."""
    before = g.get("followed")
    if trace is not None:
        g.followed = trace
    try:
        yield
    finally:
        g.followed = before
