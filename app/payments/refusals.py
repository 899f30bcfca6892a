"""When Stripe does not accept what we send: a person is told, once for what is wrong."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core.transaction import transaction
from app.payments import stripe_clock
from app.payments.attention import raise_attention
from app.payments.gateway import GatewayMisconfigured, KeyUsedOtherwise
from app.payments.models import Attention, Payment
from app.payments.states import OPEN, STRIPE_REFUSES_US


def raise_refusal(payment: Payment, failure: GatewayMisconfigured) -> None:
    """Tell a person that Stripe does not accept our key, or this payment's request.

    The key is flagged once, however many payments wait for it, and tells how many. Once that is
    acknowledged, it is flagged again only if Stripe accepted the key in between.
    """
    with transaction() as session:
        if isinstance(failure, KeyUsedOtherwise):
            raise_attention(
                session,
                STRIPE_REFUSES_US,
                f"{STRIPE_REFUSES_US}:{payment.id}:{payment.attempt}",
                payment.id,
                f"Stripe does not accept the request for this payment ({failure}): its idempotency "
                "key was used for another one. See whether two databases share one Stripe account.",
            )
        else:
            _flag_key(session, failure)


def _flag_key(session: Session, failure: GatewayMisconfigured) -> None:
    waiting = session.scalar(select(func.count()).where(Payment.status.in_(OPEN))) or 0
    wait = "1 payment waits" if waiting == 1 else f"{waiting:,} payments wait"
    detail = f"Stripe does not accept our requests ({failure}). Check STRIPE_SECRET_KEY: {wait}."
    latest = session.scalar(
        select(Attention)
        .where(Attention.kind == STRIPE_REFUSES_US, Attention.payment_id.is_(None))
        .order_by(Attention.id.desc())
        .limit(1)
    )
    if latest is not None and latest.acknowledged_at is None:
        session.execute(
            update(Attention)
            .where(Attention.id == latest.id, Attention.detail != detail)
            .values(detail=detail)
        )
        return
    if latest is not None:
        accepted = stripe_clock.compared_at()
        if accepted is None or accepted < latest.created_at:
            return
    # Of two that find the key refused at once, one raises it.
    after = 0 if latest is None else latest.id
    raise_attention(session, STRIPE_REFUSES_US, f"{STRIPE_REFUSES_US}:after {after}", None, detail)
