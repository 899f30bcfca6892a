"""What an administrator looks at first."""

from collections.abc import Sequence

from sqlalchemy import func, select

from app.accounts.models import User
from app.accounts.states import Role
from app.core.extensions import db
from app.notifications.models import Email
from app.notifications.states import EmailStatus
from app.payments.models import Attention, StripeEvent


def open_attentions(limit: int = 50) -> Sequence[Attention]:
    """What needs a person, newest first."""
    return db.session.scalars(
        select(Attention)
        .where(Attention.acknowledged_at.is_(None))
        .order_by(Attention.id.desc())
        .limit(limit)
    ).all()


def latest_events(limit: int = 20) -> Sequence[StripeEvent]:
    """The last webhook events, newest first."""
    return db.session.scalars(
        select(StripeEvent).order_by(StripeEvent.id.desc()).limit(limit)
    ).all()


def unsent_emails(limit: int = 20) -> Sequence[Email]:
    """Mails still owed and mails given up, newest first."""
    return db.session.scalars(
        select(Email)
        .where(Email.status.in_((EmailStatus.PENDING, EmailStatus.DEAD)))
        .order_by(Email.id.desc())
        .limit(limit)
    ).all()


def people_counts() -> dict[Role, int]:
    """How many people have each role."""
    rows = db.session.execute(select(User.role, func.count()).group_by(User.role))
    return dict.fromkeys(Role, 0) | {role: int(count) for role, count in rows}


def newest_people(limit: int = 20) -> Sequence[User]:
    """The accounts made last."""
    return db.session.scalars(select(User).order_by(User.id.desc()).limit(limit)).all()
