"""Who is asking, and who may use a route. Every route declares it with `@access`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Request, current_app, g
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from app.core.at_hand import notes_at_hand
from app.core.errors import Forbidden, Invalid, NotSignedIn

P = ParamSpec("P")
R = TypeVar("R")


class Who(StrEnum):
    """Who may use a route."""

    ANYONE = "anyone"
    USER = "user"
    SELLER = "seller"
    ADMIN = "admin"
    STRIPE = "stripe"


class AccountSuspended(Forbidden):
    """An administrator suspended this account."""

    code = "account_suspended"
    detail = "This account is suspended. A payment that is already due can still be finished."


@dataclass(frozen=True)
class Viewer:
    """The person who asks, as plain values: no query runs behind it. What Flask-Login carries."""

    id: int
    email: str
    name: str
    role: str
    active: bool
    token_id: int
    token: str
    by_bearer: bool

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        return True

    def get_id(self) -> str:
        """What the browser's session keeps: the token, not the user, so that it can be revoked."""
        return self.token

    @property
    def is_admin(self) -> bool:
        return self.role == "ADMIN"


def viewer_or_none() -> Viewer | None:
    """The signed-in person, or None."""
    person = current_user._get_current_object()
    return cast(Viewer, person) if person.is_authenticated else None


def viewer() -> Viewer:
    """The signed-in person; raises NotSignedIn."""
    person = viewer_or_none()
    if person is None:
        raise NotSignedIn
    return person


def access(
    who: Who, *, while_suspended: bool = False, from_memory: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare who may use a route, and hold it.

    `while_suspended` lets a suspended account in: only to finish a payment that is already due.
    With `from_memory`, who asks by a bearer token may be known from up to a minute ago. It is only
    for a view whose own statements ask the database, for whatever they tell or change, whether the
    token still signs in and the person still may, and that raises NotSignedIn or AccountSuspended
    if not. What it refuses before, for what was sent, is asked for here.
    """

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            let_in()
            try:
                return view(*args, **kwargs)
            except (HTTPException, Invalid):
                if _look_again():
                    let_in()
                raise

        def let_in() -> None:
            if who in (Who.USER, Who.SELLER, Who.ADMIN):
                person = viewer()
                if not person.active and not while_suspended:
                    raise AccountSuspended
                if who != Who.USER and person.role != who.upper():
                    raise Forbidden

        cast(Any, guarded).__access__ = who
        cast(Any, guarded).__while_suspended__ = while_suspended
        cast(Any, guarded).__from_memory__ = from_memory
        return guarded

    return declare


def may_be_remembered(asked: Request) -> bool:
    """Whether who asks may be known from before, once for a request; see `access`.

    Who then finds them in memory notes that as `g.remembered`.
    """
    view = current_app.view_functions.get(asked.endpoint or "")
    return getattr(view, "__from_memory__", False) and "remembered" not in notes_at_hand()


def _look_again() -> bool:
    here = notes_at_hand()
    if "remembered" not in here:
        return False
    # Where Flask-Login keeps whom it found.
    here.pop("_login_user", None)
    return True


def request_id() -> str:
    """The id of the request at hand, as in its `X-Request-ID`."""
    return str(g.get("request_id", "-"))
