"""What sellers do with their listings. Each use case is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypedDict, cast

from flask import current_app
from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from app.artworks.models import Artwork
from app.artworks.moves import (
    expire_ended_artworks,
    expire_if_ended,
    free_artwork,
    reserve_again,
    sell_artwork,
    take_off_sale,
)
from app.artworks.pictures import (
    EncodedPicture,
    StoredPicture,
    encode_picture,
    store_picture,
    write_picture,
)
from app.artworks.queries import LARGEST_ID
from app.artworks.rules import DEFAULT_CATEGORY
from app.artworks.states import ArtworkEvent, ArtworkStatus, ForbiddenMove, move_artwork
from app.artworks.tidying import delete_orphan_pictures
from app.core import clock, events
from app.core.audit import record_audit
from app.core.errors import Conflict, NotFound
from app.core.extensions import db
from app.core.money import usd
from app.core.transaction import leave_database, transaction

__all__ = [
    "ArtworkChanges",
    "EncodedPicture",
    "NewArtwork",
    "Seller",
    "StateForbids",
    "StoredPicture",
    "ThresholdTooLow",
    "create_artwork",
    "delete_orphan_pictures",
    "edit_artwork",
    "encode_picture",
    "expire_ended_artworks",
    "free_artwork",
    "keep_picture",
    "picture_folder",
    "relist_artwork",
    "reserve_again",
    "sell_artwork",
    "set_picture",
    "take_off_sale",
    "withdraw_artwork",
    "write_picture",
]

EDITABLE = (ArtworkStatus.ACTIVE, ArtworkStatus.EXPIRED, ArtworkStatus.ARCHIVED)

_WHY = {
    ArtworkStatus.PENDING_PAYMENT: "It is reserved while its winner pays.",
    ArtworkStatus.SOLD: "It is sold.",
    ArtworkStatus.ACTIVE: "It is open for bids.",
    ArtworkStatus.EXPIRED: "It has ended.",
    ArtworkStatus.ARCHIVED: "It is withdrawn.",
}


class Seller(Protocol):
    """Whose listing it is."""

    @property
    def id(self) -> int: ...


class StateForbids(Conflict):
    """The artwork's state does not allow what was asked."""

    def __init__(self, what: str, status: ArtworkStatus) -> None:
        super().__init__(f"This artwork cannot be {what} now. {_WHY[status]}")
        self.status = status

    def extras(self) -> dict[str, Any]:
        return {"artwork_status": self.status.value}


class ThresholdTooLow(Conflict):
    """A threshold at or below a losing bid would turn that bid into a win after the fact."""

    code = "threshold_too_low"

    def __init__(self, highest_cents: int) -> None:
        super().__init__(
            f"The hidden minimum must be more than {usd(highest_cents)}, the highest bid so far."
        )


@dataclass(frozen=True)
class NewArtwork:
    """What a seller says of a new listing, already checked by `rules`."""

    title: str
    # Not in `repr`, so that no log line can carry it.
    threshold_cents: int = field(repr=False)
    artist_name: str = ""
    description: str = ""
    category: str = DEFAULT_CATEGORY
    end_at: datetime | None = None
    picture: StoredPicture | None = None
    image_alt: str = ""


class ArtworkChanges(TypedDict, total=False):
    """What is to change of a listing, already checked by `rules`; what is absent stays."""

    title: str
    artist_name: str
    description: str
    category: str
    threshold_cents: int
    end_at: datetime | None
    picture: StoredPicture
    image_alt: str


def picture_folder() -> Path:
    """Where pictures are kept."""
    return cast(Path, current_app.config["SETTINGS"].upload_dir)


def keep_picture(data: bytes) -> StoredPicture:
    """Store a picture that no artwork shows yet; raises PictureRefused and PicturesBusy.

    Holds no connection to the database.
    """
    leave_database()
    return store_picture(data, picture_folder())


def create_artwork(seller: Seller, fields: NewArtwork) -> int:
    """Open a listing for bids; gives back its id."""
    moment = clock.now()
    with transaction() as session:
        artwork_id: int = session.execute(
            insert(Artwork)
            .values(
                seller_id=seller.id,
                title=fields.title,
                artist_name=fields.artist_name,
                description=fields.description,
                category=fields.category,
                threshold_cents=fields.threshold_cents,
                end_at=fields.end_at,
                status=ArtworkStatus.ACTIVE,
                bid_count=0,
                created_at=moment,
                updated_at=moment,
                image_alt=fields.image_alt,
                **_picture_columns(fields.picture),
            )
            .returning(Artwork.id)
        ).scalar_one()
        record_audit(session, "artwork.created", "artwork", artwork_id, seller.id)
    return artwork_id


def edit_artwork(seller: Seller, artwork_id: int, changes: ArtworkChanges) -> None:
    """Change a listing of the seller's own.

    Raises NotFound for another seller's, StateForbids while it is reserved or once it is sold,
    ThresholdTooLow when the new threshold is not above every losing bid.
    """
    values: dict[str, Any] = {key: value for key, value in changes.items() if key != "picture"}
    values |= _picture_columns(changes.get("picture"))
    with transaction() as session:
        expire_if_ended(session, _known(artwork_id))
        guards = [Artwork.id == artwork_id, Artwork.seller_id == seller.id]
        if "threshold_cents" in changes:
            # In the same statement as the change: a bid may arrive between a look and a write.
            guards.append(
                or_(
                    Artwork.highest_bid_cents.is_(None),
                    Artwork.highest_bid_cents < changes["threshold_cents"],
                )
            )
        changed = session.execute(
            update(Artwork)
            .where(*guards, Artwork.status.in_(EDITABLE))
            .values(**values, updated_at=clock.now())
            .returning(Artwork.id)
        ).first()
        if changed is None:
            raise _why_not_edited(session, seller, artwork_id)
        record_audit(
            session, "artwork.edited", "artwork", artwork_id, seller.id, fields=sorted(changes)
        )


def set_picture(seller: Seller, artwork_id: int, data: bytes, alt: str) -> None:
    """Give a listing of the seller's own this picture.

    Raises as `edit_artwork` and `keep_picture` do. The file is decoded only for an artwork that
    may take it, and written before the transaction: one that nothing refers to does no harm.
    """
    status = _own_status(db.session(), seller, artwork_id)
    if status not in EDITABLE:
        raise StateForbids("edited", status)
    picture = keep_picture(data)
    edit_artwork(seller, artwork_id, {"picture": picture, "image_alt": alt})


def withdraw_artwork(seller: Seller, artwork_id: int) -> None:
    """Take a listing of the seller's own off the market; raises NotFound, StateForbids."""
    _move(seller, artwork_id, ArtworkEvent.WITHDRAWN, {})


def relist_artwork(seller: Seller, artwork_id: int, changes: Mapping[str, datetime | None]) -> None:
    """Open an ended or withdrawn listing again; raises NotFound, StateForbids.

    `changes` may hold `end_at`: the new end date, or None for none. Without it an end date that is
    still to come stays, and one that has passed goes.
    """
    _move(seller, artwork_id, ArtworkEvent.RELISTED, changes)


_DONE = {
    ArtworkEvent.WITHDRAWN: ("artwork.withdrawn", "withdrawn"),
    ArtworkEvent.RELISTED: ("artwork.relisted", "relisted"),
}


def _move(
    seller: Seller,
    artwork_id: int,
    event: ArtworkEvent,
    changes: Mapping[str, datetime | None],
) -> None:
    action, word = _DONE[event]
    refused: StateForbids | None = None
    with transaction() as session:
        expire_if_ended(session, _known(artwork_id))
        status = _own_status(session, seller, artwork_id, lock=True)
        try:
            target = move_artwork(status, event)
        except ForbiddenMove:
            refused = StateForbids(word, status)
            record_audit(
                session, "artwork.move_refused", "artwork", artwork_id, seller.id,
                event=event.value, status=status.value,
            )  # fmt: skip
        else:
            _write_move(session, artwork_id, status, target, event, changes)
            record_audit(session, action, "artwork", artwork_id, seller.id, was=status.value)
            events.record(session, events.ArtworkStatusChanged(artwork_id, target.value))
    if refused is not None:
        raise refused


def _write_move(
    session: Session,
    artwork_id: int,
    status: ArtworkStatus,
    target: ArtworkStatus,
    event: ArtworkEvent,
    changes: Mapping[str, datetime | None],
) -> None:
    moment = clock.now()
    values: dict[str, Any] = {"status": target, "updated_at": moment}
    statement = update(Artwork).where(Artwork.id == artwork_id, Artwork.status == status)
    moved = session.execute(statement.values(values).returning(Artwork.end_at)).first()
    if moved is None:
        raise StateForbids(_DONE[event][1], status)
    if event == ArtworkEvent.RELISTED:
        end_at = moved.end_at if moved.end_at and moved.end_at > moment else None
        end_at = changes.get("end_at", end_at)
        session.execute(update(Artwork).where(Artwork.id == artwork_id).values(end_at=end_at))


def _picture_columns(picture: StoredPicture | None) -> dict[str, Any]:
    if picture is None:
        return {}
    return {
        "picture_key": picture.key,
        "picture_width": picture.width,
        "picture_height": picture.height,
    }


def _known(artwork_id: int) -> int:
    if not 0 < artwork_id <= LARGEST_ID:
        raise NotFound
    return artwork_id


def _own_status(
    session: Session, seller: Seller, artwork_id: int, *, lock: bool = False
) -> ArtworkStatus:
    own = select(Artwork.status).where(
        Artwork.id == _known(artwork_id), Artwork.seller_id == seller.id
    )
    status: ArtworkStatus | None = session.scalar(own.with_for_update() if lock else own)
    if status is None:
        raise NotFound
    return status


def _why_not_edited(session: Session, seller: Seller, artwork_id: int) -> Exception:
    row = session.execute(
        select(Artwork.status, Artwork.highest_bid_cents).where(
            Artwork.id == artwork_id, Artwork.seller_id == seller.id
        )
    ).first()
    if row is None:
        return NotFound()
    if row.status not in EDITABLE:
        return StateForbids("edited", row.status)
    return ThresholdTooLow(row.highest_bid_cents)
