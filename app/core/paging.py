"""Lists in pages: newest first unless said, at most 100 rows a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select

from app.core.extensions import db

DEFAULT_PER_PAGE = 20
MAXIMUM_PER_PAGE = 100

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a longer list. `total` counts the whole list."""

    items: Sequence[T]
    page: int
    per_page: int
    total: int

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        """The same page with every item changed."""
        return Page([change(item) for item in self.items], self.page, self.per_page, self.total)


def paginate(query: Select[*tuple[Any, ...]], page: int, per_page: int) -> Page[Any]:
    """Run an ordered select for one page; the items are its rows (tuples)."""
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    total = db.session.scalar(counted) or 0
    rows = db.session.execute(query.limit(per_page).offset((page - 1) * per_page)).all()
    return Page(rows, page, per_page, total)
