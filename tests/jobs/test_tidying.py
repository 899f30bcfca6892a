"""What nobody needs any more is deleted, so much at a time, and nothing else."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from app.accounts.models import AccessToken, PasswordReset
from app.accounts.service import delete_old_sign_ins
from app.accounts.states import TokenKind
from app.artworks.pictures import SIZES, store_picture
from app.artworks.service import delete_orphan_pictures
from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from app.jobs.sweep import TIDY, sweep
from tests.access.world import small_picture
from tests.people import TestPerson, make_artwork

FILES = len(SIZES) + 1


@pytest.fixture
def settings_given(tmp_path: Path) -> dict[str, Any]:
    """Pictures of this test alone."""
    return {"upload_dir": tmp_path / "uploads"}


def sign_in(app: Flask, person: TestPerson, digest: str, ended: timedelta, revoked: bool) -> None:
    moment = clock.now()
    end = moment - ended
    with app.app_context(), transaction() as session:
        session.execute(
            insert(AccessToken).values(
                user_id=person.id, kind=TokenKind.API, digest=digest, label=digest,
                created_at=end - timedelta(days=1),
                expires_at=moment + timedelta(days=60) if revoked else end,
                revoked_at=end if revoked else None,
            )
        )  # fmt: skip
        session.execute(
            insert(PasswordReset).values(
                user_id=person.id, digest=digest, created_at=end, expires_at=end
            )
        )


def test_sign_ins_and_reset_links_go_a_month_after_their_end(app: Flask, buyer: TestPerson) -> None:
    for revoked in (False, True):
        sign_in(app, buyer, f"old {revoked}", timedelta(days=31), revoked)
        sign_in(app, buyer, f"new {revoked}", timedelta(days=29), revoked)
    with app.app_context():
        assert sweep(parts=(TIDY,)).old_things_deleted == 4
        for table in (AccessToken, PasswordReset):
            left = set(db.session.scalars(select(table.digest)))
            assert {"new False", "new True"} <= left
            assert left.isdisjoint({"old False", "old True"})
    assert buyer.browser.get("/api/auth/me").status_code == 200


def test_so_many_are_deleted_at_a_time(app: Flask, buyer: TestPerson) -> None:
    for number in range(3):
        sign_in(app, buyer, f"old {number}", timedelta(days=31), False)
    with app.app_context():
        assert delete_old_sign_ins(limit=2) == 4
        assert db.session.scalar(select(func.count()).select_from(PasswordReset)) == 1


def aged(folder: Path, key: str, hours: float) -> None:
    moment = time.time() - hours * 3600
    for file in (folder / key[:2]).glob(f"{key}-*"):
        os.utime(file, (moment, moment))


def test_pictures_that_no_artwork_shows_go_after_a_day(app: Flask, seller: TestPerson) -> None:
    folder = app.config["SETTINGS"].upload_dir
    shown, replaced, fresh = (store_picture(small_picture(), folder).key for _ in range(3))
    columns = {"picture_key": shown, "picture_width": 8, "picture_height": 8}
    make_artwork(app, seller, **columns)
    for key in (shown, replaced):
        aged(folder, key, 26)
    aged(folder, fresh, 24)
    broken = folder / replaced[:2] / f"{replaced}-400.0123abcd.part"
    broken.write_bytes(b"")
    aged(folder, replaced, 26)
    stranger = folder / replaced[:2] / "notes.txt"
    stranger.write_text("not ours")
    aged_at = time.time() - 90_000
    os.utime(stranger, (aged_at, aged_at))
    with app.app_context():
        assert delete_orphan_pictures(limit=2) == 2
        assert sweep(parts=(TIDY,)).old_things_deleted == FILES + 1 - 2
    left = {file.name for file in folder.rglob("*") if file.is_file()}
    assert "notes.txt" in left
    assert {name.partition("-")[0] for name in left} == {shown, fresh, "notes.txt"}
    assert len(left) == 2 * FILES + 1
