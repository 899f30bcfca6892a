"""Reading artworks. The threshold is fetched only where its own seller or an admin asks."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, select

from app.accounts.models import User
from app.artworks import listings
from app.artworks.listings import PUBLIC_STATUSES, Eyes, Question, Shape, eyes
from app.artworks.listings import ArtworkSort as ArtworkSort
from app.artworks.models import Artwork
from app.artworks.pictures import PictureView, picture_view
from app.artworks.states import ArtworkStatus
from app.core.access import Viewer
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import DEFAULT_PER_PAGE, Page

T = TypeVar("T")

# The largest number that the databases' integers hold: a greater id belongs to nothing.
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class ArtworkFilters:
    """Which artworks a list shows, and in which order. `viewer` is who asks."""

    status: ArtworkStatus | None = None
    category: str | None = None
    q: str = ""
    seller_id: int | None = None
    sort: ArtworkSort = ArtworkSort.NEWEST
    viewer: Viewer | None = None


@dataclass(frozen=True)
class SellerView:
    """Who sells an artwork, as everyone may see it."""

    id: int
    name: str


@dataclass(frozen=True)
class ArtworkView:
    """An artwork as one viewer may see it; amounts in whole cents."""

    id: int
    seller_id: int
    seller_name: str
    title: str
    artist_name: str
    description: str
    category: str
    picture: PictureView | None
    image_alt: str
    status: ArtworkStatus
    current_highest_bid_cents: int | None
    bid_count: int
    end_date: datetime | None
    sold_price_cents: int | None
    created_at: datetime
    is_favourite: bool = False
    # Not in `repr`, so that no log line can carry it.
    secret_threshold_cents: int | None = field(default=None, repr=False)

    @property
    def seller(self) -> SellerView:
        """The seller, as the API nests it."""
        return SellerView(self.seller_id, self.seller_name)

    @property
    def image_url(self) -> str | None:
        """The address of the picture, from the root of the site."""
        return self.picture.src if self.picture else None


class ArtworkCard(NamedTuple):
    """What a card shows of an artwork, in plain values; amounts in whole cents.

    The card's text is remembered by them, so nothing is among them that only some may know.
    """

    id: int
    title: str
    artist_name: str
    picture_key: str | None
    picture_width: int | None
    picture_height: int | None
    image_alt: str
    status: ArtworkStatus
    current_highest_bid_cents: int | None
    bid_count: int
    end_date: datetime | None
    sold_price_cents: int | None
    seller_name: str
    is_favourite: bool

    @property
    def picture(self) -> PictureView | None:
        """What its <img> needs."""
        return _picture(self.picture_key, self.picture_width, self.picture_height)


def _picture(key: str | None, width: int | None, height: int | None) -> PictureView | None:
    return picture_view(key, width or 0, height or 0) if key else None


def _card_columns(whose: Eyes) -> tuple[ColumnElement[Any], ...]:
    columns: Any = (
        Artwork.id,
        Artwork.title,
        Artwork.artist_name,
        Artwork.picture_key,
        Artwork.picture_width,
        Artwork.picture_height,
        Artwork.image_alt,
        Artwork.status,
        Artwork.highest_bid_cents,
        Artwork.bid_count,
        Artwork.end_at,
        Artwork.sold_cents,
        User.name,
        listings.is_favourite(whose),
    )
    return tuple(columns)


def _view_columns(whose: Eyes) -> tuple[ColumnElement[Any], ...]:
    more: Any = (
        Artwork.seller_id,
        Artwork.description,
        Artwork.category,
        Artwork.created_at,
        listings.threshold(whose),
    )
    return _card_columns(whose) + tuple(more)


def _view(*cells: Any) -> ArtworkView:
    (
        artwork_id, title, artist_name, picture_key, picture_width, picture_height, image_alt,
        status, highest_bid_cents, bid_count, end_at, sold_cents, seller_name, is_favourite,
        seller_id, description, category, created_at, threshold_cents,
    ) = cells  # fmt: skip
    return ArtworkView(
        id=artwork_id,
        seller_id=seller_id,
        seller_name=seller_name,
        title=title,
        artist_name=artist_name,
        description=description,
        category=category,
        picture=_picture(picture_key, picture_width, picture_height),
        image_alt=image_alt,
        status=status,
        current_highest_bid_cents=highest_bid_cents,
        bid_count=bid_count,
        end_date=end_at,
        sold_price_cents=sold_cents,
        created_at=created_at,
        is_favourite=is_favourite,
        secret_threshold_cents=threshold_cents,
    )


_CARD = Shape(_card_columns, ArtworkCard)
_VIEW = Shape(_view_columns, _view)
_VIEW_WIDTH = len(_view_columns(Eyes.NOBODY))


def artwork(artwork_id: int, viewer: Viewer | None = None) -> ArtworkView:
    """One artwork; raises NotFound. A withdrawn one is there for its seller and admins only."""
    found: ArtworkView = _one(_VIEW, artwork_id, viewer)
    return found


class ArtworkWith(Generic[T]):
    """One artwork, and something more about it that another package knows, in one statement.

    `columns` may ask by `artwork_id` and `viewer_id`; `make` takes their values.
    """

    def __init__(
        self, columns: Callable[[], tuple[ColumnElement[Any], ...]], make: Callable[..., T]
    ) -> None:
        def both(*cells: Any) -> tuple[ArtworkView, T]:
            return _view(*cells[:_VIEW_WIDTH]), make(*cells[_VIEW_WIDTH:])

        self._shape = Shape(lambda whose: _view_columns(whose) + columns(), both)

    def find(self, artwork_id: int, viewer: Viewer) -> tuple[ArtworkView, T]:
        """The artwork as `artwork` finds it, and what is made of the columns; raises NotFound."""
        found: tuple[ArtworkView, T] = _one(self._shape, artwork_id, viewer)
        return found


def _one(shape: Shape, artwork_id: int, viewer: Viewer | None) -> Any:
    if not 0 < artwork_id <= LARGEST_ID:
        raise NotFound
    found = listings.one_artwork(shape, eyes(viewer)).one_or_none(
        artwork_id=artwork_id, viewer_id=viewer.id if viewer else None
    )
    if found is None:
        raise NotFound
    return found


def own_artwork(artwork_id: int, seller: Viewer) -> ArtworkView:
    """One artwork of this seller's; raises NotFound for anybody else's."""
    found = artwork(artwork_id, seller)
    if found.seller_id != seller.id:
        raise NotFound
    return found


def artworks(
    filters: ArtworkFilters, page: int = 1, per_page: int = DEFAULT_PER_PAGE
) -> Page[ArtworkView]:
    """A page of artworks; as many statements whatever the number of rows, see `listings.answer`.

    Withdrawn artworks appear only in a seller's list of their own (and to admins who ask for
    them). Neither the choice of rows nor their order depends on a threshold.
    """
    return _listed(_VIEW, filters, page, per_page)


def cards(filters: ArtworkFilters, page: int, per_page: int) -> Page[ArtworkCard]:
    """The same artworks as `artworks` finds, as far as cards show them."""
    return _listed(_CARD, filters, page, per_page)


def _listed(shape: Shape, filters: ArtworkFilters, page: int, per_page: int) -> Page[Any]:
    whose, viewer, seller_id = eyes(filters.viewer), filters.viewer, filters.seller_id
    own = viewer is not None and seller_id == viewer.id
    hidden = filters.status == ArtworkStatus.ARCHIVED and whose != Eyes.ADMIN and not own
    if hidden or (seller_id is not None and not 0 < seller_id <= LARGEST_ID):
        return Page([], page, per_page, 0)
    sort = filters.sort
    if sort == ArtworkSort.ENDING and filters.status not in (None, ArtworkStatus.ACTIVE):
        # Nothing of it ends, so its newest come first, which another index finds.
        sort = ArtworkSort.NEWEST
    question = Question(
        shape,
        whose,
        sort,
        own=own,
        status=filters.status is not None,
        category=filters.category is not None,
        q=bool(filters.q),
        seller=seller_id is not None,
    )
    return listings.answer(
        question,
        page,
        per_page,
        viewer_id=viewer.id if viewer else None,
        status=filters.status,
        category=filters.category,
        q=filters.q,
        seller_id=seller_id,
    )


def favourites(person: Viewer, page: int, per_page: int = DEFAULT_PER_PAGE) -> Page[ArtworkView]:
    """A person's favourites, the one added last first; those withdrawn since are left out."""
    question = Question(_VIEW, eyes(person))
    return listings.answer(question, page, per_page, viewer_id=person.id)


def favourite_cards(person: Viewer, page: int, per_page: int) -> Page[ArtworkCard]:
    """The same favourites, as far as cards show them."""
    question = Question(_CARD, eyes(person))
    return listings.answer(question, page, per_page, viewer_id=person.id)


def titles(ids: Collection[int]) -> dict[int, str]:
    """The titles of these artworks, whatever their state, by id."""
    if not ids:
        return {}
    rows = db.session.execute(select(Artwork.id, Artwork.title).where(Artwork.id.in_(set(ids))))
    return {row.id: row.title for row in rows}


@dataclass(frozen=True)
class ShownPicture:
    """A picture and what it shows in words."""

    picture: PictureView
    alt: str


def pictures(ids: Collection[int]) -> dict[int, ShownPicture]:
    """The pictures of these artworks, by id; without those withdrawn or not photographed."""
    if not ids:
        return {}
    columns = (Artwork.picture_key, Artwork.picture_width, Artwork.picture_height)
    rows: Any = db.session.execute(
        select(Artwork.id, Artwork.image_alt, *columns).where(
            Artwork.id.in_(set(ids)),
            Artwork.picture_key.is_not(None),
            Artwork.status.in_(PUBLIC_STATUSES),
        )
    )
    return {row.id: ShownPicture(picture_view(*row[2:]), row.image_alt) for row in rows}
