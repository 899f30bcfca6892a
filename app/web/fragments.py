"""Parts of pages that are rendered once for all who see the same.

A template says `{{ kept(macro, value, …, gap=…) }}`: the macro's text for these values is
remembered, and what differs with every request goes into its gaps.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import Flask, g, request
from markupsafe import Markup, escape

# Most have one to thirty kilobytes; what somebody has blown up with markup to escape is not kept.
# In memory that is 32 MB at most, and four times as much if all held a character beyond U+FFFF.
_KEPT = 1_000
_LONGEST = 32_000
# Nobody can write it into a title: it is made anew with every start.
_EDGE = f"\ue000{secrets.token_hex(8)}\ue000"
_GAP = re.compile(f"{_EDGE}(\\w+){_EDGE}")
# Where the CSRF token and the nonce of the request at hand stand once somebody asked for them.
_OF_THIS_REQUEST = ("csrf_token", "script_nonce")


class _TooLong(Exception):
    """The pieces of a text too long to be kept."""

    def __init__(self, pieces: tuple[str, ...]) -> None:
        super().__init__()
        self.pieces = pieces


def kept(macro: Callable[..., Markup], *values: Any, **gaps: object) -> Markup:
    """The macro's text for these values, its gaps filled in.

    The macro is imported without context and shows nothing but its values: the same values make
    the same text. It gets each gap as a keyword and only writes it out. Values are texts, whole
    numbers, truths, moments, None, and tuples of them: an object could carry more than is shown.
    Only while a request is answered. Raises TypeError for another value, ValueError when the text
    holds this visitor's own tokens.
    """
    # Addresses in it begin with what the server put before them.
    root = request.environ.get("SCRIPT_NAME", "")
    try:
        pieces = _pieces(macro, root, tuple(gaps), *values)
    except _TooLong as text:
        pieces = text.pieces
    if len(pieces) == 1:
        return Markup(pieces[0])  # noqa: S704 (a macro's text)
    texts = {name: escape(value) for name, value in gaps.items()}
    filled = list(pieces)
    filled[1::2] = [texts[name] for name in pieces[1::2]]
    return Markup("".join(filled))  # noqa: S704 (a macro's text, and gaps escaped)


# `typed`, as 1 and True are equal and are written differently.
@lru_cache(_KEPT, typed=True)
def _pieces(
    macro: Callable[..., Markup], _root: str, gaps: tuple[str, ...], *values: Any
) -> tuple[str, ...]:
    """The text around the gaps; every second piece is a gap's name."""
    _hold_plain(values)
    # A mark is safe markup to the macro, so that escaping leaves it alone.
    marks = {name: Markup(f"{_EDGE}{name}{_EDGE}") for name in gaps}  # noqa: S704
    text = str(macro(*values, **marks))
    for name in _OF_THIS_REQUEST:
        token = g.get(name)
        if token and str(token) in text:
            raise ValueError(f"a kept fragment holds the {name} of one visitor")
    pieces = tuple(_GAP.split(text))
    if len(text) > _LONGEST:
        raise _TooLong(pieces)
    return pieces


def _hold_plain(values: tuple[Any, ...]) -> None:
    for value in values:
        if isinstance(value, tuple):
            _hold_plain(value)
        # Markup equals the same text that has still to be escaped.
        elif isinstance(value, Markup) or not isinstance(value, str | int | datetime | None):
            raise TypeError(f"a {type(value).__name__} is no value of a kept fragment")


def init_fragments(app: Flask) -> None:
    """Give templates `kept`."""
    app.jinja_env.globals["kept"] = kept
