"""Which payments' time has just come, and when the next one's will."""

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from app.payments.models import Payment
from app.payments.states import PaymentStatus


def take_due(limit: int = 50) -> list[int]:
    """Payments past their deadline that nobody has asked about since; each is given out once.

    Whoever gets one settles it. Should Stripe not answer then, the sweep asks again.
    """
    due = db.session.scalars(
        select(Payment.id).where(_just_due()).order_by(Payment.deadline_at).limit(limit)
    ).all()
    db.session.close()
    return [payment_id for payment_id in due if _take(payment_id)]


def _take(payment_id: int) -> bool:
    with transaction() as session:
        taken = session.execute(
            update(Payment)
            .where(Payment.id == payment_id, _just_due())
            .values(asked_at=clock.now())
            .returning(Payment.id),
            execution_options={"synchronize_session": False},
        ).first()
    return taken is not None


def _just_due() -> ColumnElement[bool]:
    return and_(_to_be_asked(), Payment.deadline_at <= clock.now())


def _to_be_asked() -> ColumnElement[bool]:
    """Pending, and nobody has asked since the deadline, which may be to come."""
    return and_(
        Payment.status == PaymentStatus.PENDING,
        or_(Payment.asked_at.is_(None), Payment.asked_at < Payment.deadline_at),
    )


def seconds_to_next_deadline() -> float | None:
    """How long until `take_due` finds a payment: 0 when it would now; None when none is to come."""
    upcoming = db.session.scalar(select(func.min(Payment.deadline_at)).where(_to_be_asked()))
    db.session.close()
    return None if upcoming is None else max(0.0, (upcoming - clock.now()).total_seconds())
