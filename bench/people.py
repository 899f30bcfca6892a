"""Who bids on what, written straight into the stage's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert

from app import create_app
from app.accounts.models import AccessToken, User
from app.accounts.states import Role, TokenKind
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.config import read_settings
from app.core import clock
from app.core.extensions import db
from app.core.secrets import new_token, token_digest
from app.core.transaction import transaction
from bench.stage import Stage

# Nothing that a benchmark bids reaches it.
THRESHOLD_CENTS = 99_999_999


@contextmanager
def product(stage: Stage) -> Iterator[Flask]:
    """The application in this process, on the stage's database."""
    app = create_app(read_settings(stage.environment))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def add_people(
    number: int, role: Role = Role.BUYER, kind: TokenKind = TokenKind.API, **given: Any
) -> list[str]:
    """So many people, with what else is given; their tokens."""
    moment = clock.now()
    tokens = [new_token() for _ in range(number)]
    with transaction() as session:
        for token in tokens:
            person = session.scalar(
                insert(User)
                .values(email=f"{token_digest(token)[:20]}@example.com", name="Somebody",
                        password_hash="-", role=role, active=True, created_at=moment, **given)
                .returning(User.id)
            )  # fmt: skip
            session.execute(
                insert(AccessToken).values(
                    user_id=person, kind=kind, digest=token_digest(token), label="bench",
                    created_at=moment, expires_at=moment + timedelta(days=2),
                )
            )  # fmt: skip
    return tokens


def add_artworks(number: int, threshold_cents: int = THRESHOLD_CENTS, **given: Any) -> list[int]:
    """So many open artworks of one seller, with what else is given; their ids."""
    moment = clock.now()
    add_people(1, Role.SELLER)
    with transaction() as session:
        seller = session.scalar(
            User.__table__.select().with_only_columns(User.id).where(User.role == Role.SELLER)
        )
        return list(
            session.scalars(
                insert(Artwork).returning(Artwork.id),
                [
                    {"seller_id": seller, "title": f"Artwork {n}", "artist_name": "Somebody",
                     "description": "Oil on canvas.", "threshold_cents": threshold_cents,
                     "status": ArtworkStatus.ACTIVE, "created_at": moment, "updated_at": moment,
                     **given}
                    for n in range(number)
                ],
            )
        )  # fmt: skip
