"""The SELECTs that find artworks, built and compiled once for each kind of question."""

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    false,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from app.accounts.models import User
from app.artworks.models import Artwork, Favourite, asking_price, time_left
from app.artworks.searching import LITERALLY, NOWHERE, found_in, is_found
from app.artworks.states import ArtworkStatus
from app.core.access import Viewer
from app.core.paging import Page, long_total, row_count, up_to
from app.core.reads import Read

PUBLIC_STATUSES = (
    ArtworkStatus.ACTIVE,
    ArtworkStatus.PENDING_PAYMENT,
    ArtworkStatus.SOLD,
    ArtworkStatus.EXPIRED,
)


class ArtworkSort(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    ENDING = "ending"
    PRICE = "price"
    BIDS = "bids"


class Eyes(StrEnum):
    """Who asks, as far as the statement differs."""

    NOBODY = "nobody"
    PERSON = "person"
    ADMIN = "admin"


def eyes(viewer: Viewer | None) -> Eyes:
    """The eyes of this viewer."""
    if viewer is None:
        return Eyes.NOBODY
    return Eyes.ADMIN if viewer.is_admin else Eyes.PERSON


class Shape(NamedTuple):
    """What is made of an artwork: the columns that it takes, and a function of their values."""

    columns: Callable[[Eyes], tuple[ColumnElement[Any], ...]]
    make: Callable[..., Any]


class Question(NamedTuple):
    """A list without its values: all that its statement depends on.

    `own` is a seller's list of their own. `q` is a text that is looked for; `found`, that all
    artworks with it are known. Without an order it is the viewer's favourites, the one added last
    first. By `status`, only what is open may be asked for in the order of what ends.
    """

    shape: Shape
    eyes: Eyes
    sort: ArtworkSort | None = None
    own: bool = False
    status: bool = False
    category: bool = False
    q: bool = False
    found: bool = False
    seller: bool = False


def answer(question: Question, page: int, per_page: int, **values: Any) -> Page[Any]:
    """One page of a list, in one statement, whatever the number of rows.

    On PostgreSQL a search asks the index of texts first. A list of more than a thousand rows is
    counted once a minute.

    `values` are `viewer_id`, and the `status`, `category`, `q` and `seller_id` that it asks for.
    """
    q = str(values.get("q", ""))
    values["q"] = q.translate(LITERALLY)
    held = found_in(q) if question.q else None
    if held == NOWHERE:
        return Page((), page, per_page, 0)
    if held is not None:
        question = question._replace(q=False, found=True)
        values["found"] = held
    found = _rows(question).all(limit=per_page, offset=(page - 1) * per_page, **values)
    # Behind the end there is no row that could tell how long the list is.
    counted = found[0][0] if found else 0 if page == 1 else _counted(question).all(**values)[0]
    total = long_total(
        _named(question, values),
        counted,
        lambda: _total(question).all(**values)[0],
        page,
        per_page,
        len(found),
    )
    return Page(tuple([item for _, item in found]), page, per_page, total)


def _named(question: Question, values: dict[str, Any]) -> tuple[Any, ...]:
    """What the length of the list depends on."""
    if question.sort is None:
        return "favourites", question.eyes, values["viewer_id"]
    asked = (values.get(name) for name in ("status", "category", "q", "seller_id"))
    return "artworks", question.own, *asked


@cache
def one_artwork(shape: Shape, whose: Eyes) -> Read[Any]:
    """The statement that finds an artwork by `artwork_id`, if `viewer_id` may see it."""

    def build() -> Select[Any]:
        chosen = Artwork.id == bindparam("artwork_id", type_=BigInteger)
        return _from_artworks(*shape.columns(whose)).where(chosen, _may_see(whose))

    return Read(build, shape.make)


@cache
def _rows(question: Question) -> Read[tuple[int, Any]]:
    """A page of them, each with the length of the whole list."""

    def build() -> Select[Any]:
        total = up_to(_all(question)).correlate(None).scalar_subquery()
        listed = _from_artworks(total, *question.shape.columns(question.eyes))
        return (
            _narrowed(listed, question)
            .order_by(*_order(question.sort))
            .limit(bindparam("limit", type_=Integer))
            .offset(bindparam("offset", type_=Integer))
        )

    return Read(build, lambda total, *cells: (total, question.shape.make(*cells)))


@cache
def _total(question: Question) -> Read[int]:
    return Read(lambda: row_count(_all(question)), int)


@cache
def _counted(question: Question) -> Read[int]:
    return Read(lambda: up_to(_all(question)), int)


def _all(question: Question) -> Select[Any]:
    if question.sort is None:
        # Each artwork by itself: for a join, PostgreSQL would gather all of the person's favourites
        # before it counts the first.
        shown = select(Artwork.id).where(
            Artwork.id == Favourite.artwork_id, _may_see(question.eyes)
        )
        return select(Favourite.artwork_id).where(
            Favourite.user_id == _viewer_id(), shown.scalar_subquery().is_not(None)
        )
    # How many they are does not depend on their order.
    return _narrowed(select(Artwork.id), question._replace(sort=ArtworkSort.NEWEST))


def _from_artworks(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns).select_from(Artwork).join(User, User.id == Artwork.seller_id)


def _viewer_id() -> ColumnElement[int]:
    return bindparam("viewer_id", type_=BigInteger)


def threshold(whose: Eyes) -> ColumnElement[Any]:
    """The threshold, of the viewer's own artworks and for admins; else NULL.

    The database decides: what is not the viewer's to know never enters this process.
    """
    if whose == Eyes.NOBODY:
        return null()
    if whose == Eyes.ADMIN:
        return Artwork.threshold_cents.expression
    return case((Artwork.seller_id == _viewer_id(), Artwork.threshold_cents), else_=null())


def is_favourite(whose: Eyes) -> ColumnElement[bool]:
    """Whether the viewer keeps an eye on it."""
    if whose == Eyes.NOBODY:
        return false()
    # Under a name of its own: the list of favourites reads the same table. No EXISTS: PostgreSQL
    # would gather all of a person's favourites to look a page of artworks up among them.
    own = aliased(Favourite)
    found = select(own.artwork_id).where(own.artwork_id == Artwork.id, own.user_id == _viewer_id())
    return found.scalar_subquery().is_not(None)


def _narrowed(listed: Select[Any], question: Question) -> Select[Any]:
    if question.sort is None:
        mine = Favourite.user_id == _viewer_id()
        kept = listed.join(Favourite, Favourite.artwork_id == Artwork.id)
        return kept.where(mine, _may_see(question.eyes))
    if question.status and question.sort == ArtworkSort.ENDING:
        # Only for what is open, see `Question`: so the index of the order finds it. No `=`, as
        # SQLite would sort.
        listed = listed.where(time_left()[0] < literal_column("1"))
    elif question.status:
        listed = listed.where(Artwork.status == bindparam("status", type_=Artwork.status.type))
    elif not question.own:
        listed = listed.where(_is_public())
    if question.category:
        listed = listed.where(Artwork.category == bindparam("category"))
    if question.seller:
        listed = listed.where(Artwork.seller_id == bindparam("seller_id", type_=BigInteger))
    if question.found:
        listed = listed.where(is_found())
    if question.q:
        searched = (Artwork.title, Artwork.artist_name, Artwork.description)
        listed = listed.where(
            or_(*(column.icontains(bindparam("q"), escape="/") for column in searched))
        )
    return listed


def _may_see(whose: Eyes) -> ColumnElement[bool]:
    if whose == Eyes.ADMIN:
        return true()
    shown = _is_public()
    return shown if whose == Eyes.NOBODY else shown | (Artwork.seller_id == _viewer_id())


def _is_public() -> ColumnElement[bool]:
    # Nearly all are: no index is to be taken for this, but that of the order. Values one by one: a
    # list of them as one parameter is written anew for each execution.
    kind = Artwork.status.type
    hidden = [status for status in ArtworkStatus if status not in PUBLIC_STATUSES]
    return Artwork.status.not_in([literal(status, kind) for status in hidden])


def _order(sort: ArtworkSort | None) -> list[ColumnElement[Any]]:
    newest: list[ColumnElement[Any]] = [Artwork.id.desc()]
    match sort:
        case None:
            return [Favourite.created_at.desc(), Artwork.id.desc()]
        case ArtworkSort.ENDING:
            return [*time_left(), *newest]
        case ArtworkSort.PRICE:
            return [asking_price().desc(), *newest]
        case ArtworkSort.BIDS:
            return [Artwork.bid_count.desc(), *newest]
    return newest
