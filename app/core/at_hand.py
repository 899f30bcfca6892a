"""The request at hand, found once where more than one thing is asked of it.

Flask's `request` and `g` find it anew for each attribute.
"""

from typing import cast

from flask import Request, g, request
from flask.ctx import _AppCtxGlobals
from werkzeug.local import LocalProxy


def request_at_hand() -> Request:
    """What `request` stands for."""
    return cast("LocalProxy[Request]", request)._get_current_object()


def notes_at_hand() -> _AppCtxGlobals:
    """What `g` stands for."""
    return cast("LocalProxy[_AppCtxGlobals]", g)._get_current_object()
