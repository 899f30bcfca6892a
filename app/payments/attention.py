"""What needs a person: raised once, mailed to the administrators, kept until acknowledged."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.audit import record_audit
from app.core.errors import NotFound
from app.core.events import AttentionRaised, record
from app.core.transaction import transaction
from app.core.upsert import insert_into
from app.payments.models import Attention


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


def acknowledge_attention(attention_id: int, admin_id: int) -> None:
    """Take an item off the list. Raises NotFound."""
    with transaction() as session:
        item = session.scalar(select(Attention).where(Attention.id == attention_id))
        if item is None:
            raise NotFound
        if item.acknowledged_at is None:
            item.acknowledged_at = clock.now()
            item.acknowledged_by = admin_id
            record_audit(session, "attention.acknowledged", "attention", item.id, admin_id)
