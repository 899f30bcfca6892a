"""Whether the product is alive, and whether it can do its work."""

import threading
import time
from dataclasses import dataclass, field

from flask import Blueprint, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core import clock
from app.core.access import Who, access
from app.core.extensions import db
from app.core.lease import SWEEP_PAYMENTS, is_late, read_lease, try_to_write
from app.core.schema import UPGRADE, Schema, find_schema
from app.payments import queries as payments

blueprint = Blueprint("health", __name__)

SWEEP = SWEEP_PAYMENTS
_TRIAL_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """One finding: `ok`, `degraded` (the product goes on without) or `down`."""

    status: str
    detail: str


@dataclass
class _Trial:
    """The last try to write. SQLite has one writer at a time: looks at health, however many, must
    not keep bids waiting.
    """

    found: Check = field(default_factory=lambda: Check("down", "never tried"))
    again_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


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
    checks["clock"] = check_clock()
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
    """Whether a row could be written, as this process found in the last five seconds."""
    trial: _Trial = current_app.extensions.setdefault("write_trial", _Trial())
    with trial.lock:
        if time.monotonic() >= trial.again_at:
            trial.found = _write()
            trial.again_at = time.monotonic() + _TRIAL_SECONDS
        return trial.found


def _write() -> Check:
    """Write to the disk, and leave nothing there."""
    try:
        try_to_write()
    except SQLAlchemyError as failed:
        return Check("down", f"cannot be written ({type(failed).__name__})")
    return Check("ok", "writable")


def check_schema() -> Check:
    """Whether every migration has been run. A newer schema serves this version as well."""
    found = find_schema(db.engine)
    match found.standing:
        case Schema.CURRENT:
            return Check("ok", f"at {found.present}")
        case Schema.NEWER:
            return Check("ok", f"at {found.present}, newer than this version")
        case _:
            return Check("down", f"at {found.present or 'nothing'}; run: {UPGRADE}")


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


def check_clock() -> Check:
    """Our clock beside Stripe's, as the worker last compared them."""
    try:
        skew = payments.clock_skew()
    except SQLAlchemyError:
        return Check("degraded", "unknown: the database cannot be read")
    finally:
        db.session.remove()
    if skew is None:
        return Check("ok", "not compared with Stripe's yet")
    near = abs(skew) <= payments.CLOCK_LIMIT_SECONDS
    return Check("ok" if near else "degraded", payments.skew_text(skew))


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
    said = f"last sweep {int((clock.now() - finished).total_seconds())} s ago"
    return Check("degraded" if is_late(finished, settings.sweep_interval_seconds) else "ok", said)
