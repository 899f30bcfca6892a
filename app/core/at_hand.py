"""The request at hand, found once where more than one thing is asked of it.

Flask's `request` and `g` find it anew for each attribute.
"""

from flask import Request, g, request
from flask.ctx import _AppCtxGlobals


def request_at_hand() -> Request:
    """What `request` stands for."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found


def notes_at_hand() -> _AppCtxGlobals:
    """What `g` stands for."""
    found: _AppCtxGlobals = g._get_current_object()
    return found
