"""Backup, and the way back."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests
from flask import current_app
from flask_migrate import upgrade
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core import clock
from app.core.extensions import db
from app.core.schema import Schema, find_schema, is_known_revision
from app.operations import dumps
from app.operations.archive import (
    DATABASE,
    PICTURES,
    Manifest,
    Say,
    digest,
    extract_archive,
    read_manifest,
    write_archive,
)
from app.payments import service as payments

# Rows that a newly migrated database has, and that say nothing of use.
_NOT_CONTENT = {"alembic_version", "leases", "notes", "counters"}


class RestoreRefused(Exception):
    """Nothing was changed; the message says why, and what to do."""


class RestoreUnfinished(Exception):
    """The database is the backup's, and not all of the rest was done: it must be done again."""


@dataclass(frozen=True)
class Saved:
    """A finished backup."""

    file: Path
    manifest: Manifest
    missing: int


def _settings() -> tuple[Settings, URL]:
    settings: Settings = current_app.config["SETTINGS"]
    return settings, make_url(settings.database_url)


def take_backup(folder: Path, say: Say) -> Saved:
    """Save the database and the pictures as one file in `folder`, while the product runs.

    Raises DumpFailed or OSError; a file that is not whole is never left under its name.
    """
    settings, url = _settings()
    found = find_schema(db.engine)
    if found.present is None or found.standing == Schema.UNKNOWN:
        raise dumps.DumpFailed("the database has no tables, or does not answer")
    folder.mkdir(parents=True, exist_ok=True)
    moment = clock.now()
    target = folder / f"guesstheworth-{moment:%Y%m%dT%H%M%S%f}Z.tar"
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=folder) as work:
        database = Path(work) / DATABASE
        say(f"saving the database ({url.get_backend_name()})")
        counts = dumps.dump(url, database, say)
        sources = {DATABASE: database}
        files = {DATABASE: digest(database)}
        pictures = sorted(
            path for path in settings.upload_dir.glob("[0-9a-f]*/*") if path.is_file()
        )
        say(f"saving {len(pictures)} files of pictures")
        missing = 0
        for path in pictures:
            name = PICTURES + path.relative_to(settings.upload_dir).as_posix()
            # A copy by link: one that is replaced meanwhile is saved as it was.
            kept = Path(work) / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            try:
                _link_or_copy(path, kept)
            except FileNotFoundError:
                missing += 1
                continue
            files[name] = digest(kept)
            sources[name] = kept
        manifest = Manifest(
            taken_at=clock.iso(moment),
            database=url.get_backend_name(),
            schema=found.present,
            public_url=settings.public_url,
            counts=counts,
            files=files,
        )
        say("writing the archive")
        write_archive(target, manifest, sources, say)
    return Saved(target, manifest, missing)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def restore_backup(file: Path, say: Say, *, replace: bool) -> Manifest:
    """Bring a backup back, and let bids wait until it was reconciled with Stripe.

    Everything is checked before anything is overwritten. Raises ArchiveRefused, RestoreRefused or
    DumpFailed.
    """
    settings, url = _settings()
    manifest = read_manifest(file)
    _refuse_unfit(manifest, url)
    _refuse_while_running(settings)
    _refuse_content(url, replace=replace)
    taken_at = datetime.fromisoformat(manifest.taken_at)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.upload_dir) as work:
        say(f"checking {len(manifest.files)} files of {manifest.taken_at}")
        extract_archive(file, Path(work), say)
        say(f"restoring the database ({manifest.database})")
        # Together with the database: bids wait even when nothing else gets done.
        pause = payments.pause_as_sql(dumps.spelling(url), taken_at, manifest.public_url)
        db.session.remove()
        db.engine.dispose()
        try:
            dumps.load(url, Path(work) / DATABASE, manifest.counts, pause)
        except dumps.InUse:
            raise RestoreRefused(
                "somebody is connected to the database. Stop every web process and worker first."
            ) from None
        try:
            _finish(manifest, Path(work), settings, say)
        except Exception as failure:
            raise RestoreUnfinished(f"{type(failure).__name__}: {failure}") from failure
    return manifest


def _finish(manifest: Manifest, work: Path, settings: Settings, say: Say) -> None:
    say("bringing the schema up to date")
    upgrade()
    payments.begin_recovery(datetime.fromisoformat(manifest.taken_at), manifest.public_url)
    say(f"restoring {len(manifest.pictures)} files of pictures")
    owner = settings.upload_dir.stat()
    for name in manifest.pictures:
        target = settings.upload_dir / name.removeprefix(PICTURES)
        if not target.parent.exists():
            target.parent.mkdir(parents=True)
            dumps.hand_over(target.parent, owner)
        dumps.hand_over(work / name, owner)
        os.replace(work / name, target)


def _refuse_unfit(manifest: Manifest, url: URL) -> None:
    if manifest.database != url.get_backend_name():
        raise RestoreRefused(
            f"it holds a {manifest.database} database, and DATABASE_URL names a "
            f"{url.get_backend_name()} one."
        )
    if not is_known_revision(manifest.schema):
        raise RestoreRefused(
            f"its schema ({manifest.schema}) is newer than this version of the product. Install "
            "the version that made it, or a later one."
        )


def _refuse_while_running(settings: Settings) -> None:
    address = f"http://{settings.host}:{settings.port}/health"
    try:
        answers = requests.get(address, timeout=2).json() == {"status": "ok"}
    except (requests.RequestException, ValueError):
        return
    if answers:
        raise RestoreRefused(f"a web process answers at {address}. Stop it, and every worker.")


def _refuse_content(url: URL, *, replace: bool) -> None:
    try:
        with dumps.looking_at(url) as connection:
            counts = {} if connection is None else dumps.count_rows(connection)
    except SQLAlchemyError as failure:
        if replace and url.get_backend_name() == "sqlite":
            return
        raise RestoreRefused(
            f"the present database cannot be read ({getattr(failure, 'orig', failure)}). If it is "
            "a damaged file, give --replace: it is kept beside the restored one."
            if url.get_backend_name() == "sqlite"
            else f"the database does not answer ({type(failure).__name__}). Start it first."
        ) from None
    content = {name: rows for name, rows in counts.items() if rows and name not in _NOT_CONTENT}
    if content and not replace:
        shown = ", ".join(f"{rows} {name}" for name, rows in sorted(content.items()))
        raise RestoreRefused(
            f"the database is not empty ({shown}). To overwrite it, take a backup of it first and "
            "give --replace."
        )
