"""Fills an instance with the demo's people, artworks and their history."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from flask import current_app
from sqlalchemy import exists, select

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.states import Role
from app.artworks import service as artworks
from app.artworks.models import Artwork
from app.artworks.service import NewArtwork, StoredPicture
from app.core.audit import AuditLog
from app.core.extensions import db
from app.demo.catalogue import (
    ADMIN,
    ARTWORKS,
    BUYERS,
    DEMO_PASSWORD,
    SELLERS,
    DemoArtwork,
    DemoPerson,
)
from app.demo.history import SEEDED, write_history
from app.demo.pictures import paint

log = logging.getLogger(__name__)

PEOPLE: tuple[tuple[DemoPerson, Role], ...] = (
    *((person, Role.SELLER) for person in SELLERS),
    *((person, Role.BUYER) for person in BUYERS),
    (ADMIN, Role.ADMIN),
)
_PAINTERS = 2


class DemoRefused(Exception):
    """The demo cannot be put into this instance; the text says why and what to do."""


@dataclass(frozen=True)
class SeedReport:
    """What seeding added; all zero when everything was there before."""

    people: int = 0
    artworks: int = 0
    bids: int = 0
    sales: int = 0

    @property
    def nothing_new(self) -> bool:
        """Whether everything was there before."""
        return self == SeedReport()


@dataclass(frozen=True)
class _Seller:
    id: int


def seed_demo(say: Callable[[str], None] = log.info) -> SeedReport:
    """Add whatever of the demo is missing; safe to run again, also after it was interrupted.

    `say` is told how far it is.

    Raises DemoRefused where real money moves, or where one of its addresses is somebody else's.
    """
    if current_app.config["SETTINGS"].live_payments:
        raise DemoRefused(
            "the Stripe key is a live one, and the demo's log-ins are known to everyone. "
            "Use a key that begins with sk_test_."
        )
    known, seeded = _present()
    if seeded:
        return SeedReport()
    ids = _add_people(known)
    sellers = [_Seller(ids[person.email]) for person in SELLERS]
    missing = _missing_artworks(sellers)
    _add_artworks(missing, sellers, say)
    say("writing down bids and sales of the past")
    bids, sales = write_history(
        [seller.id for seller in sellers], [ids[person.email] for person in BUYERS]
    )
    return SeedReport(len(ids) - len(known), len(missing), bids, sales)


def _present() -> tuple[dict[str, int], bool]:
    """Who of the demo's people is there already, and whether seeding was finished once."""
    roles = {person.email: role for person, role in PEOPLE}
    done = exists().where(AuditLog.action == SEEDED).label("done")
    rows = db.session.execute(
        select(User.email, User.id, User.role, done).where(User.email.in_(roles))
    ).all()
    for row in rows:
        if not row.done and row.role != roles[row.email]:
            raise DemoRefused(f"{row.email} is the address of an account with another role.")
    return {row.email: row.id for row in rows}, any(row.done for row in rows)


def _add_people(known: dict[str, int]) -> dict[str, int]:
    ids = dict(known)
    for person, role in PEOPLE:
        if person.email not in ids:
            created = accounts.create_user(person.email, person.name, DEMO_PASSWORD, role)
            ids[person.email] = created.id
    return ids


def _missing_artworks(sellers: Sequence[_Seller]) -> list[DemoArtwork]:
    there = db.session.execute(
        select(Artwork.seller_id, Artwork.title).where(
            Artwork.seller_id.in_([seller.id for seller in sellers])
        )
    ).all()
    present = {(seller_id, title) for seller_id, title in there}
    return [art for art in ARTWORKS if (sellers[art.seller].id, art.title) not in present]


def _add_artworks(
    missing: Sequence[DemoArtwork], sellers: Sequence[_Seller], say: Callable[[str], None]
) -> None:
    # The last of the catalogue was listed first: numbers and dates run the same way.
    oldest_first = list(reversed(missing))
    pictures = _paint_all([art.picture for art in oldest_first], artworks.picture_folder(), say)
    for art, picture in zip(oldest_first, pictures, strict=True):
        artworks.create_artwork(
            sellers[art.seller],
            NewArtwork(
                title=art.title,
                threshold_cents=art.threshold_cents,
                artist_name=art.artist_name,
                description=art.description,
                category=art.category,
                picture=picture,
                image_alt=art.alt,
            ),
        )


def _paint_all(
    numbers: Sequence[int], folder: Path, say: Callable[[str], None]
) -> list[StoredPicture]:
    if not numbers:
        return []
    db.session.remove()
    # Started afresh instead of forked: a copy of this process would share its connections.
    with ProcessPoolExecutor(_PAINTERS, mp_context=get_context("spawn")) as painters:
        painted = []
        for picture in painters.map(_paint_one, numbers, [folder] * len(numbers), chunksize=2):
            painted.append(picture)
            if len(painted) % 7 == 0 or len(painted) == len(numbers):
                say(f"painted {len(painted)} of {len(numbers)} pictures")
        return painted


def _paint_one(number: int, folder: Path) -> StoredPicture:
    return artworks.store_picture(paint(number), folder)
