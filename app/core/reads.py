"""Reads that are built and compiled once, for the pages and lists that everybody looks at."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Select

from app.core.statements import Prepared

T = TypeVar("T")


class Read(Prepared, Generic[T]):
    """A SELECT with `bindparam`s; `row` makes something of a row's values, as Python has them.

    With `for_values` the database plans each execution for its values.
    """

    def __init__(
        self, build: Callable[[], Select[Any]], row: Callable[..., T], *, for_values: bool = False
    ) -> None:
        super().__init__(build, row, for_values=for_values)

    def all(self, **values: Any) -> list[T]:
        """Every row, with no transaction left open and no round trip to begin one."""
        return self.read_all(**values)

    def one_or_none(self, **values: Any) -> T | None:
        """The only row, or None."""
        found: T | None = self.read(**values)
        return found
