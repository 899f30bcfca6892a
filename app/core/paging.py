"""Lists in pages: newest first unless said, at most 100 rows a page."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import current_app
from sqlalchemy import Select, func, literal, select

from app.core.extensions import db
from app.core.remembered import SECONDS, Remembered

DEFAULT_PER_PAGE = 20
MAXIMUM_PER_PAGE = 100
# A list of up to so many rows is counted whenever it is shown; a longer one now and then.
COUNTED_AT_ONCE = 1_000
# What a `total` is, as the API's description says it.
TOTAL = (
    f"How many items the whole list has: exactly up to {COUNTED_AT_ONCE:,}, beyond that as counted "
    f"in the last {SECONDS} seconds. To read all of a list, go on until a page has "
    "fewer items than `per_page`."
)

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a longer list.

    `total` counts the whole list: exactly up to 1,000 rows, beyond that as of the last minute, but
    never so that it contradicts this page. Who goes on to the end finds every row.
    """

    items: Sequence[T]
    page: int
    per_page: int
    total: int

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        """The same page with every item changed."""
        return Page([change(item) for item in self.items], self.page, self.per_page, self.total)


def up_to(query: Select[*tuple[Any, ...]]) -> Select[int]:
    """The statement that counts the rows of a list, but not beyond those counted at once.

    Its answer is final up to COUNTED_AT_ONCE; one more stands for any number, see `long_total`.
    """
    return row_count(query.limit(COUNTED_AT_ONCE + 1))


def long_total(
    name: Hashable, counted: int, count: Callable[[], int], page: int, per_page: int, shown: int
) -> int:
    """The length of a list of which `counted` rows were counted by `up_to`, and `shown` read.

    `count` counts them all. It runs once a minute for each `name`, so that what a long list costs
    does not grow with its length; and whenever what was counted would end the list with a full
    page, or have rows where there are none.
    """
    if counted <= COUNTED_AT_ONCE:
        return counted
    # Each application its own: another one has another database.
    totals: Remembered[int] = current_app.extensions.setdefault("totals", Remembered())
    known = totals.get(name)
    before = (page - 1) * per_page
    if 0 < shown < per_page:
        known = before + shown
        totals.put(name, known)
    elif known is None or (known <= before + shown if shown else known > before):
        known = count()
        totals.put(name, known)
    # Never fewer than are certainly there.
    return max(known, counted)


def paginate(
    query: Select[*tuple[Any, ...]],
    page: int,
    per_page: int,
    counted_by: Select[*tuple[Any, ...]] | None = None,
) -> Page[Any]:
    """Run an ordered select for one page; the items are its rows (tuples).

    `counted_by` is a select of as many rows, for one that joins what only its rows show.
    """
    counting = query if counted_by is None else counted_by
    found: Any = db.session.connection().execute(up_to(counting))
    # Which list it is: the statement and its values, as the database was told them.
    name = (found.context.statement, repr(found.context.compiled_parameters))
    counted = found.scalar_one()
    rows = db.session.execute(query.limit(per_page).offset((page - 1) * per_page)).all()
    total = long_total(
        name,
        counted,
        lambda: db.session.scalar(row_count(counting)) or 0,
        page,
        per_page,
        len(rows),
    )
    return Page(rows, page, per_page, total)


def row_count(query: Select[*tuple[Any, ...]]) -> Select[int]:
    """The statement that counts all rows of a list."""
    # No column is needed to count, and no order.
    bare = query.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
    return select(func.count()).select_from(bare.subquery())
