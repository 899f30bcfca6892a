"""The moves of an artwork that its seller does not make: sold, free again, ended."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.artworks.models import Artwork, time_left
from app.artworks.states import (
    ARTWORK_MOVES,
    ArtworkEvent,
    ArtworkStatus,
    ForbiddenMove,
    move_artwork,
)
from app.core import clock, events
from app.core.audit import record_audit
from app.core.extensions import db
from app.core.statements import Prepared
from app.core.transaction import transaction

log = logging.getLogger(__name__)

RESERVED = ArtworkStatus.PENDING_PAYMENT
_MAY_BE_RESERVED_AGAIN = [
    status for status, event in ARTWORK_MOVES if event == ArtworkEvent.WIN_RESTORED
]


def _sell() -> Any:
    works: Any = Artwork.__table__
    return (
        update(works)
        .where(works.c.id == bindparam("artwork_id"), works.c.status == RESERVED)
        .values(
            status=move_artwork(RESERVED, ArtworkEvent.PAID),
            sold_cents=bindparam("amount_cents"),
            updated_at=bindparam("moment"),
        )
        .returning(works.c.title)
    )


_SELL = Prepared(_sell)


def sell_artwork(session: Session, artwork_id: int, amount_cents: int) -> str:
    """Mark a reserved artwork as sold for this amount, inside the caller's transaction.

    Gives back its title. Raises ForbiddenMove when it is not reserved.
    """
    sold = _SELL.run(session, artwork_id=artwork_id, amount_cents=amount_cents, moment=clock.now())
    if sold is None:
        raise ForbiddenMove(f"artwork {artwork_id} is not reserved, so it cannot be sold")
    record_audit(session, "artwork.sold", "artwork", artwork_id, amount_cents=amount_cents)
    return str(sold.title)


def free_artwork(session: Session, artwork_id: int) -> ArtworkStatus:
    """Let a reserved artwork go, inside the caller's transaction; gives back its new status.

    ACTIVE, or EXPIRED when its end date has passed meanwhile. Raises ForbiddenMove when it is not
    reserved.
    """
    moment = clock.now()
    row = session.execute(
        select(Artwork.end_at, Artwork.title, Artwork.seller_id)
        .where(Artwork.id == artwork_id, Artwork.status == RESERVED)
        .with_for_update()
    ).first()
    if row is None:
        raise ForbiddenMove(f"artwork {artwork_id} is not reserved, so it cannot be released")
    ended = row.end_at is not None and row.end_at <= moment
    target = move_artwork(
        RESERVED, ArtworkEvent.RELEASED_ENDED if ended else ArtworkEvent.RELEASED_OPEN
    )
    freed = session.execute(
        update(Artwork)
        .where(Artwork.id == artwork_id, Artwork.status == RESERVED)
        .values(status=target, updated_at=moment)
        .returning(Artwork.id)
    ).first()
    if freed is None:
        raise ForbiddenMove(f"artwork {artwork_id} is not reserved, so it cannot be released")
    record_audit(session, "artwork.freed", "artwork", artwork_id, status=target.value)
    if ended:
        events.record(session, events.ArtworkExpired(artwork_id, row.title, row.seller_id))
    return target


def reserve_again(
    session: Session, artwork_id: int, *, seller_id: int, listed_before: datetime
) -> str | None:
    """Reserve an artwork whose win was lost, inside the caller's transaction; gives its title.

    None when it cannot be: it is sold, reserved, or not the artwork of that time.
    """
    row = session.execute(
        update(Artwork)
        .where(
            Artwork.id == artwork_id,
            Artwork.seller_id == seller_id,
            Artwork.created_at <= listed_before,
            Artwork.status.in_(_MAY_BE_RESERVED_AGAIN),
        )
        .values(status=RESERVED, updated_at=clock.now())
        .returning(Artwork.title)
    ).first()
    return None if row is None else str(row.title)


def take_off_sale(artwork_id: int, seller_id: int, listed_before: datetime) -> None:
    """Withdraw an artwork that somebody has paid for and whose sale cannot be recorded.

    Only one that is open: nobody can buy it in any other state.
    """
    target = move_artwork(ArtworkStatus.ACTIVE, ArtworkEvent.WITHDRAWN)
    with transaction() as session:
        taken = session.execute(
            update(Artwork)
            .where(
                Artwork.id == artwork_id,
                Artwork.seller_id == seller_id,
                Artwork.created_at <= listed_before,
                Artwork.status == ArtworkStatus.ACTIVE,
            )
            .values(status=target, updated_at=clock.now())
            .returning(Artwork.id)
        ).first()
        if taken is not None:
            record_audit(session, "artwork.withdrawn", "artwork", artwork_id, reason="lost_sale")
            events.record(session, events.ArtworkStatusChanged(artwork_id, target.value))


def expire_ended_artworks(limit: int = 100) -> int:
    """End up to `limit` open artworks whose end date has passed; gives back how many it ended.

    One that cannot be ended keeps no other from it.
    """
    closed, end = time_left()
    due = db.session.scalars(
        select(Artwork.id).where(closed == 0, end <= clock.now()).order_by(end).limit(limit)
    ).all()
    ended = 0
    for artwork_id in due:
        try:
            with transaction() as session:
                ended += expire_if_ended(session, artwork_id)
        except Exception:
            log.exception("artwork %s could not be ended; the next pass tries again", artwork_id)
    return ended


def expire_if_ended(session: Session, artwork_id: int, moment: datetime | None = None) -> bool:
    """End this artwork if it is open and its end date has passed, in the running transaction.

    Whoever acts on an artwork before the sweep came by finds it as it should be.
    """
    moment = moment or clock.now()
    target = move_artwork(ArtworkStatus.ACTIVE, ArtworkEvent.END_DATE_PASSED)
    row = session.execute(
        update(Artwork)
        .where(
            Artwork.id == artwork_id,
            Artwork.status == ArtworkStatus.ACTIVE,
            Artwork.end_at <= moment,
        )
        .values(status=target, updated_at=moment)
        .returning(Artwork.title, Artwork.seller_id)
    ).first()
    if row is None:
        return False
    record_audit(session, "artwork.expired", "artwork", artwork_id)
    events.record(session, events.ArtworkExpired(artwork_id, row.title, row.seller_id))
    events.record(session, events.ArtworkStatusChanged(artwork_id, target.value))
    return True
