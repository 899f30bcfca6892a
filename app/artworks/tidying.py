"""Pictures that no artwork shows: replaced ones, and those of forms that were never finished."""

import re
from datetime import timedelta
from itertools import islice
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from app.artworks.models import Artwork
from app.core import clock
from app.core.extensions import db
from app.core.notes import read_note, write_note
from app.core.transaction import leave_database, transaction

# Longer than a form may carry a picture (see `forms.read_draft`): what is older and belongs to no
# artwork can come to belong to none.
_KEPT_SECONDS = 25 * 3600
_AGAIN_AFTER = timedelta(hours=1)
_LOOKED_OVER = "pictures.looked_over"
_FILE = re.compile(r"([0-9a-f]{32})-\d+\.(webp|jpg|[0-9a-f]{8}\.part)")


def delete_orphan_pictures(limit: int = 500) -> int:
    """Delete up to `limit` files of pictures that no artwork has shown for a day.

    All pictures are looked over once an hour; in between there is nothing to do.
    """
    last = read_note(_LOOKED_OVER)
    if last is not None and last.noted_at > clock.now() - _AGAIN_AFTER:
        return 0
    folder: Path = current_app.config["SETTINGS"].upload_dir
    before = clock.now().timestamp() - _KEPT_SECONDS
    shown = set(db.session.scalars(select(Artwork.picture_key).where(Artwork.picture_key != "")))
    leave_database()
    orphans = (
        file
        for file in folder.glob("[0-9a-f][0-9a-f]/*")
        if (key := _FILE.fullmatch(file.name)) is not None
        and key[1] not in shown
        and file.stat().st_mtime < before
    )
    deleted = 0
    for file in islice(orphans, limit):
        file.unlink(missing_ok=True)
        deleted += 1
    if deleted < limit:
        with transaction() as session:
            write_note(session, _LOOKED_OVER, {"deleted": deleted})
    return deleted
