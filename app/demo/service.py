"""Fills an instance with the demo's people, artworks and their history."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import exists, select

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.states import Role
from app.artworks import service as artworks
from app.artworks.models import Artwork
from app.artworks.service import EncodedPicture, NewArtwork
from app.core.audit import AuditLog
from app.core.extensions import db
from app.demo.catalogue import (
    ADMIN,
    BUYERS,
    DEMO_PASSWORD,
    OLDEST_FIRST,
    SELLERS,
    DemoArtwork,
    DemoPerson,
)
from app.demo.history import SEEDED, write_history
from app.demo.painters import Painters

log = logging.getLogger(__name__)

PEOPLE: tuple[tuple[DemoPerson, Role], ...] = (
    *((person, Role.SELLER) for person in SELLERS),
    *((person, Role.BUYER) for person in BUYERS),
    (ADMIN, Role.ADMIN),
)


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

    def __str__(self) -> str:
        if self.nothing_new:
            return "The demo is there already; nothing was changed."
        return (
            f"Added {self.people} people, {self.artworks} artworks with pictures, "
            f"{self.bids} bids and {self.sales} sales."
        )


@dataclass(frozen=True)
class _Seller:
    id: int


def seed_demo(
    say: Callable[[str], None] = log.info, painters: Painters[EncodedPicture] | None = None
) -> SeedReport:
    """Add whatever of the demo is missing; safe to run again, also after it was interrupted.

    `say` is told how far it is. `painters` may have begun already; without any, some are hired.

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
    missing = _missing_artworks()
    db.session.remove()
    hired = nullcontext(painters) if painters else Painters(artworks.encode_picture)
    with hired as at_work:
        at_work.begin(art.picture for art in missing)
        ids = _add_people(known)
        sellers = [_Seller(ids[person.email]) for person in SELLERS]
        _add_artworks(missing, sellers, at_work, say)
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


def _missing_artworks() -> list[DemoArtwork]:
    emails = [person.email for person in SELLERS]
    there = db.session.execute(
        select(User.email, Artwork.title)
        .join(Artwork, Artwork.seller_id == User.id)
        .where(User.email.in_(emails))
    ).all()
    present = {(email, title) for email, title in there}
    return [art for art in OLDEST_FIRST if (emails[art.seller], art.title) not in present]


def _add_artworks(
    missing: Sequence[DemoArtwork],
    sellers: Sequence[_Seller],
    painters: Painters[EncodedPicture],
    say: Callable[[str], None],
) -> None:
    for count, art in enumerate(missing, start=1):
        picture = artworks.write_picture(painters.take(art.picture), artworks.picture_folder())
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
        if count % 7 == 0 or count == len(missing):
            say(f"painted {count} of {len(missing)} pictures")
