"""What needs a person: raised once, mailed to the administrators, kept until acknowledged."""

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.audit import record_audit
from app.core.errors import NotFound
from app.core.events import AttentionRaised, record
from app.core.transaction import transaction
from app.core.upsert import insert_into
from app.payments.models import Attention, Payment
from app.payments.states import PAYABLE_MEANWHILE, SESSION_UNKNOWN

NOTE_LENGTH = 1000


def raise_attention(
    session: Session, kind: str, reference: str, payment_id: int | None, detail: str
) -> bool:
    """Flag something once per `reference`; False when it was flagged before."""
    raised = session.execute(
        insert_into(session, Attention)
        .values(
            kind=kind,
            reference=reference,
            payment_id=payment_id,
            detail=detail[:500],
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["reference"])
        .returning(Attention.id)
    ).scalar()
    if raised is None:
        return False
    record_audit(session, "attention.raised", "attention", raised, kind=kind, payment_id=payment_id)
    record(session, AttentionRaised(raised, kind, payment_id, detail[:500]))
    return True


def flagged() -> ColumnElement[bool]:
    """What joins a payment with the items that keep its buyer from paying, or did so."""
    return and_(
        Attention.payment_id == Payment.id,
        Attention.acknowledged_at.is_(None),
        Attention.kind.not_in(PAYABLE_MEANWHILE),
    )


def holding() -> ColumnElement[bool]:
    """As `flagged`, without what Stripe has taken back: it knows the session after all."""
    return and_(
        flagged(),
        or_(
            Attention.kind != SESSION_UNKNOWN,
            Payment.answered_at.is_(None),
            Payment.answered_at < Payment.asked_at,
            Payment.answered_at <= Attention.created_at,
        ),
    )


def acknowledge_attention(attention_id: int, admin_id: int, note: str = "") -> bool:
    """Take an item off the list, with what was found or done about it (at most 1,000 characters).

    False when somebody had done so before: their name and note stay. Raises NotFound.
    """
    with transaction() as session:
        taken = session.execute(
            update(Attention)
            .where(Attention.id == attention_id, Attention.acknowledged_at.is_(None))
            .values(
                acknowledged_at=clock.now(),
                acknowledged_by=admin_id,
                note=note.strip()[:NOTE_LENGTH] or None,
            )
            .returning(Attention.id)
        ).first()
        if taken is not None:
            record_audit(session, "attention.acknowledged", "attention", attention_id, admin_id)
            return True
        known = session.scalar(select(Attention.id).where(Attention.id == attention_id))
        if known is None:
            raise NotFound
        return False
