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
    column,
    func,
    literal_column,
    select,
    table,
)

from app.artworks.models import TEXTS, Artwork
from app.core.extensions import db
from app.core.paging import COUNTED_AT_ONCE
from app.core.reads import Read
from app.core.remembered import Remembered

NOWHERE = "{}"
# What LIKE does not take literally.
LITERALLY = str.maketrans({"/": "//", "%": "/%", "_": "/_"})
# More are not looked up: with the list that is made of them, so many take some ten milliseconds.
_MANY = 5_000
# Fewer are never more work than a walk.
_FEW = 500
# A walk counts up to a thousand with the text. It is chosen if it comes by no more than so many.
_WALKED = 10_000
# A word of so many letters has trigrams, with the space beside it.
_INDEXED = 2


def _held() -> Select[Any]:
    # As ILIKE does it. What stands for any letters in `indexed` is looked at once it is found.
    indexed = func.lower(bindparam("indexed", type_=Text))
    whole = func.lower(bindparam("q", type_=Text))
    holding = (
        select(TEXTS.c.artwork_id)
        .where(TEXTS.c.text.like(indexed, escape="/"), func.strpos(TEXTS.c.text, whole) > 0)
        .limit(_MANY + 1)
        .subquery()
    )
    ids = holding.c.artwork_id
    written = cast(func.array_agg(ids), Text)
    return select(func.count(), func.max(ids) - func.min(ids), written).select_from(holding)


# A plan for any text would have to do for rare and frequent ones.
_HELD: Read[tuple[int, int | None, str | None]] = Read(_held, lambda *cells: cells, for_values=True)


def _sampled() -> Select[Any]:
    stats = table("pg_stats", *map(column, ("schemaname", "tablename", "attname")))
    bounds: ColumnElement[Any] = literal_column("histogram_bounds")
    return (
        select(cast(cast(bounds, Text), ARRAY(Text)))
        .select_from(stats)
        .where(
            stats.c.schemaname == func.current_schema(),
            stats.c.tablename == TEXTS.name,
            stats.c.attname == TEXTS.c.text.name,
        )
    )


# The hundred texts, or none, that PostgreSQL keeps to plan with
# (postgresql.org/docs/current/view-pg-stats.html).
_SAMPLE: Read[list[str]] = Read(_sampled, lambda texts: texts or [])


def _indexed(q: str) -> str:
    """A pattern for the index that fits all that holds the text.

    A word that most artworks have is left out: for each of its trigrams, the index would list most
    artworks, only to leave few of them. What is listed at most doubles by that.
    """
    words = q.split(" ")
    kept = words
    if len(words) > 1:
        known: Remembered[list[str]] = current_app.extensions.setdefault("texts", Remembered())
        sample = known.get("sample")
        if sample is None:
            sample = next(iter(_SAMPLE.all()), [])
            known.put("sample", sample)
        most = [sum(word.lower() in text for text in sample) * 2 > len(sample) for word in words]
        kept = ["" if frequent else word for word, frequent in zip(words, most, strict=True)]
    if max(map(len, kept)) < _INDEXED:
        kept = words
    pieces = [word.translate(LITERALLY) or "%" for word in kept]
    return f"%{' '.join(pieces)}%"


def found_in(q: str) -> str | None:
    """The numbers of all artworks that hold the text, for `is_found`, or NOWHERE; None to walk the
    list.
    """
    if db.engine.dialect.name == "sqlite":
        return None
    frequent: Remembered[bool] = current_app.extensions.setdefault("frequent_texts", Remembered())
    if frequent.get(q):
        return None
    number, apart, found = _HELD.all(q=q, indexed=_indexed(q))[0]
    close = number > _FEW and (apart or 0) / number * COUNTED_AT_ONCE <= _WALKED
    if number <= _MANY and not close:
        return found or NOWHERE
    frequent.put(q, True)
    return None


def is_found() -> ColumnElement[bool]:
    """Whether an artwork is among those of `found_in`, which are given as `found`."""
    return Artwork.id == any_(cast(bindparam("found", type_=Text), ARRAY(BigInteger)))
