"""Reading artworks. The threshold is fetched only where its own seller or an admin asks."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, null, select
from sqlalchemy.orm import aliased

from app.accounts.models import User
from app.artworks.models import Artwork, Favourite
from app.artworks.pictures import MAIL_SIZE, PictureView, picture_path, picture_view
from app.artworks.states import ArtworkStatus
from app.core.access import Viewer
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.paging import DEFAULT_PER_PAGE, Page, paginate

# The largest number that the databases' integers hold: a greater id belongs to nothing.
LARGEST_ID = 2**63 - 1

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
    mail_image_path: str | None = None
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


def artwork(artwork_id: int, viewer: Viewer | None = None) -> ArtworkView:
    """One artwork; raises NotFound. A withdrawn one is there for its seller and admins only."""
    if not 0 < artwork_id <= LARGEST_ID:
        raise NotFound
    row = db.session.execute(
        _listing(viewer).where(Artwork.id == artwork_id, _may_see(viewer))
    ).first()
    if row is None:
        raise NotFound
    return _view(row)


def own_artwork(artwork_id: int, seller: Viewer) -> ArtworkView:
    """One artwork of this seller's; raises NotFound for anybody else's."""
    found = artwork(artwork_id, seller)
    if found.seller_id != seller.id:
        raise NotFound
    return found


def artworks(
    filters: ArtworkFilters, page: int = 1, per_page: int = DEFAULT_PER_PAGE
) -> Page[ArtworkView]:
    """A page of artworks: one count and one select, whatever the number of rows.

    Withdrawn artworks appear only in a seller's list of their own (and to admins who ask for
    them). Neither the choice of rows nor their order depends on a threshold.
    """
    listed = _listing(filters.viewer).where(_matches(filters)).order_by(*_order(filters.sort))
    return paginate(listed, page, per_page).map(_view)


def favourites(person: Viewer, page: int, per_page: int = DEFAULT_PER_PAGE) -> Page[ArtworkView]:
    """A person's favourites, the one added last first; those withdrawn since are left out."""
    kept = (
        _listing(person)
        .join(Favourite, Favourite.artwork_id == Artwork.id)
        .where(Favourite.user_id == person.id, _may_see(person))
        .order_by(Favourite.created_at.desc(), Artwork.id.desc())
    )
    return paginate(kept, page, per_page).map(_view)


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


def _listing(viewer: Viewer | None) -> Select[Any]:
    columns: list[Any] = [
        Artwork.id,
        Artwork.seller_id,
        User.name.label("seller_name"),
        Artwork.title,
        Artwork.artist_name,
        Artwork.description,
        Artwork.category,
        Artwork.picture_key,
        Artwork.picture_width,
        Artwork.picture_height,
        Artwork.image_alt,
        Artwork.status,
        Artwork.highest_bid_cents,
        Artwork.bid_count,
        Artwork.end_at,
        Artwork.sold_cents,
        Artwork.created_at,
        _threshold(viewer).label("secret_threshold_cents"),
        _kept(viewer).label("is_favourite"),
    ]
    return select(*columns).join(User, User.id == Artwork.seller_id)


def _threshold(viewer: Viewer | None) -> ColumnElement[Any]:
    # Decided by the database: what is not the viewer's to know never enters this process.
    if viewer is None:
        return null()
    if viewer.is_admin:
        return Artwork.threshold_cents.expression
    return case((Artwork.seller_id == viewer.id, Artwork.threshold_cents), else_=null())


def _kept(viewer: Viewer | None) -> ColumnElement[bool]:
    if viewer is None:
        return false()
    # Under a name of its own: the list of favourites joins the same table.
    own = aliased(Favourite)
    return exists().where(own.artwork_id == Artwork.id, own.user_id == viewer.id)


def _may_see(viewer: Viewer | None) -> ColumnElement[bool]:
    if viewer is not None and viewer.is_admin:
        return Artwork.id.is_not(None)
    shown = Artwork.status.in_(PUBLIC_STATUSES)
    return shown if viewer is None else shown | (Artwork.seller_id == viewer.id)


def _matches(filters: ArtworkFilters) -> ColumnElement[bool]:
    found: list[ColumnElement[bool]] = [_status(filters)]
    if filters.category is not None:
        found.append(Artwork.category == filters.category)
    if filters.seller_id is not None:
        found.append(
            Artwork.seller_id == filters.seller_id
            if 0 < filters.seller_id <= LARGEST_ID
            else false()
        )
    if filters.q:
        found.append(
            Artwork.title.icontains(filters.q, autoescape=True)
            | Artwork.artist_name.icontains(filters.q, autoescape=True)
            | Artwork.description.icontains(filters.q, autoescape=True)
        )
    return and_(*found)


def _status(filters: ArtworkFilters) -> ColumnElement[bool]:
    viewer = filters.viewer
    own = viewer is not None and filters.seller_id == viewer.id
    if filters.status is None:
        statuses = tuple(ArtworkStatus) if own else PUBLIC_STATUSES
        return Artwork.status.in_(statuses)
    if filters.status == ArtworkStatus.ARCHIVED and not own and not (viewer and viewer.is_admin):
        return false()
    return Artwork.status == filters.status


def _order(sort: ArtworkSort) -> list[ColumnElement[Any]]:
    newest: list[ColumnElement[Any]] = [Artwork.created_at.desc(), Artwork.id.desc()]
    match sort:
        case ArtworkSort.ENDING:
            # What cannot end any more comes last, and before it what has no end.
            ends = case((Artwork.status == ArtworkStatus.ACTIVE, Artwork.end_at), else_=null())
            still_open = case((Artwork.status == ArtworkStatus.ACTIVE, 0), else_=1)
            return [still_open, ends.is_(None), ends.asc(), *newest]
        case ArtworkSort.PRICE:
            price = func.coalesce(Artwork.sold_cents, Artwork.highest_bid_cents)
            return [price.is_(None), price.desc(), *newest]
        case ArtworkSort.BIDS:
            return [Artwork.bid_count.desc(), *newest]
    return newest


def _view(row: Any) -> ArtworkView:
    key = row.picture_key
    return ArtworkView(
        id=row.id,
        seller_id=row.seller_id,
        seller_name=row.seller_name,
        title=row.title,
        artist_name=row.artist_name,
        description=row.description,
        category=row.category,
        picture=picture_view(key, row.picture_width, row.picture_height) if key else None,
        image_alt=row.image_alt,
        status=row.status,
        current_highest_bid_cents=row.highest_bid_cents,
        bid_count=row.bid_count,
        end_date=row.end_at,
        sold_price_cents=row.sold_cents,
        created_at=row.created_at,
        mail_image_path=picture_path(key, MAIL_SIZE) if key else None,
        is_favourite=row.is_favourite,
        secret_threshold_cents=row.secret_threshold_cents,
    )
