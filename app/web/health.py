"""Whether the product is alive, and whether it can do its work."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError

from app.config import ROOT, Settings
from app.core import clock
from app.core.access import Who, access
from app.core.extensions import db
from app.core.lease import Lease, read_lease
from app.core.transaction import transaction

blueprint = Blueprint("health", __name__)

SWEEP = "sweep:payments"
_SLACK_SECONDS = 10


@dataclass(frozen=True)
class Check:
    """One finding: `ok`, `degraded` (the product goes on without) or `down`."""

    status: str
    detail: str


class _Undo(Exception):
    """Ends a transaction that was only a trial."""


@blueprint.get("/health")
@access(Who.ANYONE)
def alive() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/health/ready")
@access(Who.ANYONE)
def ready() -> tuple[Response, int]:
    """Whether requests should be sent here: 200 (perhaps degraded) or 503."""
    settings: Settings = current_app.config["SETTINGS"]
    checks = {"database": check_database(), "schema": check_schema()}
    checks["redis"] = check_redis()
    checks["worker"] = check_worker(settings)
    found = {check.status for check in checks.values()}
    status = next((each for each in ("down", "degraded") if each in found), "ok")
    body = jsonify(
        status=status,
        checks={
            name: {"status": check.status, "detail": check.detail} for name, check in checks.items()
        },
    )
    return body, 503 if status == "down" else 200


def check_database() -> Check:
    """Write a row, and take it back."""
    moment = clock.now()
    try:
        with transaction() as session:
            session.execute(
                insert(Lease).values(
                    name=f"ready:{secrets.token_hex(8)}", holder="health", held_until=moment
                )
            )
            raise _Undo
    except _Undo:
        return Check("ok", "writable")
    except SQLAlchemyError as failed:
        return Check("down", f"cannot be written ({type(failed).__name__})")


@cache
def newest_revision() -> str | None:
    """The migration that this version of the product needs."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()


def check_schema() -> Check:
    """Whether every migration has been run."""
    try:
        present = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        present = None
    finally:
        db.session.remove()
    if present == newest_revision():
        return Check("ok", f"at {present}")
    return Check("down", f"at {present or 'nothing'}; run: flask --app wsgi db upgrade")


def check_redis() -> Check:
    """Redis only carries hints: without it everything happens, but later."""
    redis = current_app.extensions.get("hint_redis")
    if redis is None:
        return Check("degraded", "REDIS_URL is not set")
    try:
        redis.ping()
    except (RedisError, OSError) as away:
        return Check("degraded", f"away ({type(away).__name__})")
    return Check("ok", "answers")


def check_worker(settings: Settings) -> Check:
    """Whether a worker's sweep finished lately."""
    try:
        lease = read_lease(SWEEP)
    except SQLAlchemyError:
        return Check("degraded", "unknown: the database cannot be read")
    finally:
        db.session.remove()
    finished = lease.finished_at if lease else None
    if finished is None:
        return Check("degraded", "no worker has finished a sweep yet; run: python worker.py")
    patience = timedelta(seconds=3 * settings.sweep_interval_seconds + _SLACK_SECONDS)
    age = clock.now() - finished
    said = f"last sweep {int(age.total_seconds())} s ago"
    return Check("ok" if age <= patience else "degraded", said)
