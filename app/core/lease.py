"""A lease in the database: of several that want to do a thing, one does it at a time."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from flask import current_app
from sqlalchemy import JSON, String, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.columns import Moment
from app.core.extensions import Model, db
from app.core.transaction import transaction

log = logging.getLogger(__name__)

# A lease that reaches further ahead was taken by a clock that was wrong, and holds nobody up.
_LONGEST = timedelta(minutes=2)
# What was given back is held until then: a clock that is set back never comes there.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

SWEEP_PAYMENTS = "sweep:payments"
SWEEP_MAIL = "sweep:mail"
_SLACK_SECONDS = 10


def sweep_patience(interval_seconds: int) -> timedelta:
    """How long after a sweep the next one is missed: three intervals and ten seconds."""
    return timedelta(seconds=3 * interval_seconds + _SLACK_SECONDS)


def is_late(finished_at: datetime, interval_seconds: int) -> bool:
    """Whether the next sweep is missed by now.

    So it is when the last one bears a time that is still to come: a clock was set back since, and
    it may be as long ago as it likes.
    """
    return abs(clock.now() - finished_at) > sweep_patience(interval_seconds)


class Lease(Model):
    """Who holds a name, until when, and when it last finished its work."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    held_until: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)


def new_holder() -> str:
    """A holder's name that nobody else bears; it tells the machine and the process.

    Processes on two machines may be called the same and bear the same number.
    """
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid4().hex[:8]}"


def take_lease(name: str, holder: str, seconds: float) -> bool:
    """Take or renew `name` for so many seconds; False when somebody else holds it.

    A holder that dies is followed by another when its time is over.
    """
    moment = clock.now()
    until = moment + timedelta(seconds=seconds)
    with transaction() as session:
        taken = session.execute(
            update(Lease)
            .where(Lease.name == name)
            .where(
                or_(
                    Lease.holder == holder,
                    Lease.held_until <= moment,
                    Lease.held_until > moment + _LONGEST,
                )
            )
            .values(holder=holder, held_until=until)
            .returning(Lease.name)
        ).first()
        if taken is not None:
            return True
        if session.execute(select(Lease.name).where(Lease.name == name)).first() is not None:
            return False
    try:
        with transaction() as session:
            session.execute(insert(Lease).values(name=name, holder=holder, held_until=until))
    except IntegrityError:
        return False
    return True


@contextmanager
def keep_lease(name: str, holder: str, seconds: float, longest: float) -> Iterator[threading.Event]:
    """Renew a lease that is held for as long as the block runs, but not beyond `longest` seconds.

    However long one step of the block takes, nobody else begins; a process that dies renews
    nothing more. Gives an event that is set when the lease was lost all the same.
    """
    product: Any = current_app
    app = product._get_current_object()
    done, lost = threading.Event(), threading.Event()
    ends_at = time.monotonic() + longest

    def renew() -> None:
        while not done.wait(seconds / 4) and time.monotonic() < ends_at:
            try:
                with app.app_context():
                    if not take_lease(name, holder, seconds):
                        lost.set()
                        return
            except SQLAlchemyError as failure:
                log.warning("lease %s could not be renewed (%s)", name, type(failure).__name__)

    renewing = threading.Thread(target=renew, name=f"lease {name}", daemon=True)
    renewing.start()
    try:
        yield lost
    finally:
        done.set()
        renewing.join()


def give_lease_back(name: str, holder: str, report: dict[str, Any] | None) -> None:
    """Let the next one in; with a report, note also that the work was finished, and when."""
    finished = {} if report is None else {"finished_at": clock.now(), "report": report}
    with transaction() as session:
        session.execute(
            update(Lease)
            .where(Lease.name == name, Lease.holder == holder)
            .values(held_until=_LONG_AGO, **finished)
        )


def try_to_write() -> None:
    """Commit a lease that is gone at once; raises SQLAlchemyError when it cannot be written.

    Nobody ever sees it. Any number at once: each writes a name of its own.
    """
    name = f"trial:{uuid4().hex[:16]}"
    with transaction() as session:
        session.execute(insert(Lease).values(name=name, holder="trial", held_until=clock.now()))
        # Not rolled back: only what is committed goes to the disk, which may be full.
        session.execute(delete(Lease).where(Lease.name == name))


def read_lease(name: str) -> Lease | None:
    """The lease as it stands, or None when nobody ever took it."""
    return db.session.get(Lease, name)
