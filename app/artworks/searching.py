"""Which artworks a text is found in, where PostgreSQL has an index of all texts.

A rare text is looked up there. A frequent one is not: who walks a list in its order soon has enough
artworks with it.
"""

from typing import Any

from flask import current_app
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from app.artworks.models import TEXTS, Artwork
from app.core.extensions import db
from app.core.paging import COUNTED_AT_ONCE
from app.core.reads import Read
from app.core.remembered import Remembered

NOWHERE = "{}"
# More are not looked up: with the list that is made of them, so many take some ten milliseconds.
_MANY = 5_000
# Fewer are never more work than a walk.
_FEW = 500
# A walk counts up to a thousand with the text. It is chosen if it comes by no more than so many.
_WALKED = 10_000


def _held() -> Select[Any]:
    piece = func.lower(literal("%") + bindparam("q", type_=Text) + literal("%"))
    holding = (
        select(TEXTS.c.artwork_id)
        .where(TEXTS.c.text.like(piece, escape="/"))
        .limit(_MANY + 1)
        .subquery()
    )
    ids = holding.c.artwork_id
    written = cast(func.array_agg(ids), Text)
    return select(func.count(), func.max(ids) - func.min(ids), written).select_from(holding)


# A plan for any text would have to do for rare and frequent ones.
_HELD: Read[tuple[int, int | None, str | None]] = Read(_held, lambda *cells: cells, for_values=True)


def found_in(q: str) -> str | None:
    """The numbers of all artworks that hold the text, for `is_found`, or NOWHERE; None to walk the
    list. `q` is for LIKE, escaped with `/`.
    """
    if db.engine.dialect.name == "sqlite":
        return None
    frequent: Remembered[bool] = current_app.extensions.setdefault("frequent_texts", Remembered())
    if frequent.get(q):
        return None
    number, apart, found = _HELD.all(q=q)[0]
    close = number > _FEW and (apart or 0) / number * COUNTED_AT_ONCE <= _WALKED
    if number <= _MANY and not close:
        return found or NOWHERE
    frequent.put(q, True)
    return None


def is_found() -> ColumnElement[bool]:
    """Whether an artwork is among those of `found_in`, which are given as `found`."""
    return Artwork.id == any_(cast(bindparam("found", type_=Text), ARRAY(BigInteger)))
