"""Artworks that people keep an eye on."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.artworks import queries
from app.artworks.models import Favourite
from app.core import clock
from app.core.access import Viewer
from app.core.transaction import transaction


def add_favourite(person: Viewer, artwork_id: int) -> None:
    """Remember an artwork; again is the same. Raises NotFound for one they cannot see."""
    queries.artwork(artwork_id, person)
    kept = (Favourite.user_id == person.id, Favourite.artwork_id == artwork_id)
    try:
        with transaction() as session:
            if session.scalar(select(Favourite.user_id).where(*kept)) is None:
                session.execute(
                    insert(Favourite).values(
                        user_id=person.id, artwork_id=artwork_id, created_at=clock.now()
                    )
                )
    except IntegrityError:
        # Remembered twice at once: the other one did it.
        queries.artwork(artwork_id, person)


def remove_favourite(person: Viewer, artwork_id: int) -> None:
    """Forget an artwork; one that is not remembered is fine too."""
    with transaction() as session:
        session.execute(
            delete(Favourite).where(
                Favourite.user_id == person.id, Favourite.artwork_id == artwork_id
            )
        )
