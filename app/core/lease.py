"""A lease in the database: of several that want to do a thing, one does it at a time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, String, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.columns import Moment
from app.core.extensions import Model, db
from app.core.transaction import transaction


class Lease(Model):
    """Who holds a name, until when, and when it last finished its work."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    held_until: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)


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
            .where(or_(Lease.holder == holder, Lease.held_until <= moment))
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


def give_lease_back(name: str, holder: str, report: dict[str, Any] | None) -> None:
    """Let the next one in; with a report, note also that the work was finished, and when."""
    moment = clock.now()
    finished = {} if report is None else {"finished_at": moment, "report": report}
    with transaction() as session:
        session.execute(
            update(Lease)
            .where(Lease.name == name, Lease.holder == holder)
            .values(held_until=moment, **finished)
        )


def read_lease(name: str) -> Lease | None:
    """The lease as it stands, or None when nobody ever took it."""
    return db.session.get(Lease, name)
