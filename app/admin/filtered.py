"""The page of a list: what its filters make of the address, and the rows that are left."""

from collections.abc import Callable
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from app.admin.forms import Filters
from app.core.paging import DEFAULT_PER_PAGE, Page


def filtered_page(
    template: str,
    form: Filters,
    read: Callable[..., Page[Any]],
    *,
    per_page: int = DEFAULT_PER_PAGE,
    beside: Callable[[Page[Any]], dict[str, Any]] = lambda page: {},
) -> ResponseReturnValue:
    """The rows that `read` gives for what was chosen; 422 and all rows when that makes no sense.

    `beside` is what else the template needs for these rows.
    """
    right = form.validate()
    chosen = form.chosen if right else {}
    page = read(form.number, per_page, **chosen)
    html = render_template(template, form=form, page=page, filtered=bool(chosen), **beside(page))
    return html, 200 if right else 422
