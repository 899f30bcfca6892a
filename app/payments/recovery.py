"""After an older backup was restored: what Stripe knows of sales and the database has lost.

Until all of it is found again, bids are refused, because an artwork that looks open may be paid
for; and no checkout session is made, because Stripe may have one already.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from app.config import Settings
from app.core import clock
from app.core.audit import record_audit
from app.core.extensions import Model, db
from app.core.money import amount_text
from app.core.notes import Note, erase_note, note_as_sql, read_note, write_note
from app.core.transaction import transaction
from app.payments import expiry, settlement
from app.payments.attention import raise_attention
from app.payments.gateway import GatewayRefused, gateway
from app.payments.models import Payment
from app.payments.pause import RECOVERING
from app.payments.states import OPEN, RELEASED, PaymentEvent, PaymentStatus
from app.payments.words import CheckoutSession, ListedSession, SaleIds

log = logging.getLogger(__name__)

# Between a win and its session, and between two clocks, lies less than this.
_MARGIN = timedelta(hours=1)


@dataclass(frozen=True)
class LostSale:
    """The sessions that Stripe has for one winning bid, the one that counts first.

    Bids wait since `restored_at`: what was made later only has the number of what was sold.
    """

    sale: SaleIds
    sessions: list[ListedSession]
    restored_at: datetime

    @property
    def first(self) -> ListedSession:
        """The paid one, else the open one, else the latest."""
        return self.sessions[0]


def pause_as_sql(dialect: Dialect, since: datetime, public_url: str | None) -> list[str]:
    """What `begin_recovery` writes, as statements to be run with those that bring a backup back:
    should nothing more happen, bids wait all the same.
    """
    return note_as_sql(dialect, RECOVERING, _what_to_recover(since, public_url))


def _what_to_recover(since: datetime, public_url: str | None) -> dict[str, Any]:
    return {"since": since.astimezone(UTC).isoformat(), "public_url": public_url}


def begin_recovery(since: datetime, public_url: str | None) -> None:
    """Refuse bids until everything that Stripe saw after `since` is found in the database.

    `public_url` is the address under which the sessions of that time were made. A recovery that
    was under way in the backup goes back as far as it did.
    """
    with transaction() as session:
        begun = session.get(Note, RECOVERING)
        content = _what_to_recover(since, public_url)
        if begun is not None and datetime.fromisoformat(begun.content["since"]) < since:
            content = begun.content
        write_note(session, RECOVERING, content)
        record_audit(session, "recovery.begun", "recovery", 0, since=clock.iso(since))


def finish_recovery(**report: int) -> None:
    """Let bids in again."""
    with transaction() as session:
        erase_note(session, RECOVERING)
        record_audit(session, "recovery.finished", "recovery", 0, **report)


def list_sales() -> list[LostSale]:
    """What Stripe has of ours since the backup, in the order in which the sales began.

    Raises GatewayUnavailable or GatewayRefused.
    """
    note = read_note(RECOVERING)
    oldest = db.session.scalar(select(func.min(Payment.created_at)).where(Payment.status.in_(OPEN)))
    db.session.close()
    if note is None:
        return []
    since = datetime.fromisoformat(note.content["since"])
    settings: Settings = current_app.config["SETTINGS"]
    addresses = {settings.public_url, note.content["public_url"] or settings.public_url}
    listed = gateway(patient=True).list_sessions(min(since, oldest or since) - _MARGIN)
    sales: dict[SaleIds, list[ListedSession]] = {}
    for each in listed:
        sale = each.word.sale
        # Another installation on the same Stripe account has sales of its own.
        if sale is not None and any(
            each.word.success_url == f"{address}/payments/{sale.payment_id}/return"
            for address in addresses
        ):
            sales.setdefault(sale, []).append(each)
    return [
        LostSale(sale, sorted(sessions, key=_weight), note.noted_at)
        for sale, sessions in sales.items()
    ]


def _weight(listed: ListedSession) -> tuple[int, float]:
    rank = {"complete": 0, "open": 1}.get(listed.word.status, 2)
    return rank, -listed.created_at.timestamp()


def is_known(sale: SaleIds) -> bool:
    """Whether the payment of this very sale is in the database."""
    payment = db.session.get(Payment, sale.payment_id, populate_existing=True)
    db.session.close()
    return payment is not None and settlement.belongs_to(sale, payment)


def adopt_sessions(found: LostSale) -> bool:
    """Bring a payment that is in the database to what its sessions at Stripe say.

    An open payment takes over the session that counts; any other that could still be paid is
    closed. False when Stripe gave no answer to how the payment stands; the sweep asks again.
    Raises GatewayUnavailable when another session cannot be closed.
    """
    payment_id = found.sale.payment_id
    with transaction() as session:
        payment = settlement.lock_payment(session, payment_id)
        word = found.first.word
        if payment.status == PaymentStatus.PENDING and payment.stripe_session_id is None:
            payment.stripe_session_id = word.id
            payment.checkout_url = word.url
            payment.payable_at = found.first.created_at
            payment.updated_at = clock.now()
            record_audit(
                session, "payment.session_found", "payment", payment_id, session_id=word.id
            )
        own, released = payment.stripe_session_id, payment.status in RELEASED
    settled = expiry.reconcile_payment(payment_id, patient=True)
    for listed in found.sessions:
        if listed.word.id != own or released:
            close_session(listed.word, payment_id)
    return settled.heard


def release_unmade(session: Session, found: LostSale) -> bool:
    """Close what held the artwork before a sale that Stripe knows, and never had a session.

    Whether there was such a payment: the backup is from before it was released, and nothing of it
    is at Stripe. To be called inside the caller's transaction, when all earlier sales were looked
    at: what Stripe has of an earlier payment is known then.
    """
    earlier = session.scalar(
        _earlier(found.sale)
        .where(
            Payment.status == PaymentStatus.PENDING,
            Payment.stripe_session_id.is_(None),
            Payment.created_at < found.first.created_at + _MARGIN,
        )
        .with_for_update()
    )
    if earlier is None:
        return False
    settlement.close_unpaid(session, earlier, PaymentEvent.NEVER_CREATED)
    return True


def clear_the_way(found: LostSale) -> None:
    """As `release_unmade`, for a sale that cannot be restored and is paid."""
    with transaction() as session:
        release_unmade(session, found)


def stands_in_the_way(found: LostSale) -> int | None:
    """The earlier payment that is open for the artwork of a sale, if there is one.

    It was over before the sale began, whatever the database says.
    """
    earlier = db.session.scalar(_earlier(found.sale).where(Payment.status.in_(OPEN)))
    db.session.close()
    return None if earlier is None else earlier.id


def _earlier(sale: SaleIds) -> Select[Payment]:
    return select(Payment).where(
        Payment.artwork_id == sale.artwork_id,
        Payment.seller_id == sale.seller_id,
        Payment.id < sale.payment_id,
    )


def reopen_payment(session: Session, found: LostSale, moment: datetime) -> Payment:
    """Write down again what a lost win owed, under its own numbers and with its session."""
    settings: Settings = current_app.config["SETTINGS"]
    sale, listed = found.sale, found.first
    payment = Payment(
        id=sale.payment_id,
        bid_id=sale.bid_id,
        artwork_id=sale.artwork_id,
        buyer_id=sale.buyer_id,
        seller_id=sale.seller_id,
        amount_cents=listed.word.amount_cents,
        currency=listed.word.currency,
        livemode=listed.word.livemode,
        status=PaymentStatus.PENDING,
        deadline_at=listed.created_at + timedelta(seconds=settings.payment_window_seconds),
        # Its session is known: nothing is ever created under this key.
        idempotency_key=f"payment-{sale.payment_id}-recovered-{int(moment.timestamp() * 1000)}",
        checkout_params={},
        stripe_session_id=listed.word.id,
        checkout_url=listed.word.url,
        payable_at=listed.created_at,
        created_at=listed.created_at,
        updated_at=moment,
    )
    session.add(payment)
    session.flush()
    return payment


def close_session(
    word: CheckoutSession,
    payment_id: int | None,
    why: str = "",
    buyer_email: str | None = None,
) -> CheckoutSession:
    """Close a session that nobody may pay any more; should it be paid, a person is told.

    Raises GatewayUnavailable.
    """
    if word.status == "open":
        try:
            word = gateway(patient=True).expire_session(word.id)
        except GatewayRefused as refused:
            log.warning("session %s cannot be closed: %s", word.id, refused)
    if word.status == "complete":
        if payment_id is None:
            _flag_lost_sale(word, why, buyer_email)
        else:
            with transaction() as session:
                payment = settlement.lock_payment(session, payment_id)
                settlement.apply_session(session, payment, word)
    return word


def _flag_lost_sale(word: CheckoutSession, why: str, buyer_email: str | None) -> None:
    """Tell a person of money that Stripe took and that no sale here can hold."""
    charged = amount_text(word.amount_cents or 0)
    artwork = f" for artwork {word.sale.artwork_id}" if word.sale else ""
    payer = f" from {buyer_email}" if buyer_email else ""
    with transaction() as session:
        raise_attention(
            session,
            "lost_sale",
            f"lost_sale:{word.id}",
            None,
            f"Stripe has a completed checkout of {charged} USD{artwork}{payer} ({word.id}), but "
            f"{why}. Refund it in the Stripe dashboard, or hand the artwork over.",
        )


def flag_unfinished(payment_id: int, failure: Exception) -> None:
    """Tell a person that a payment in the database could not be held against its sessions."""
    with transaction() as session:
        raise_attention(
            session,
            "recovery_unfinished",
            f"recovery_unfinished:{payment_id}",
            payment_id,
            "After the restore this payment could not be brought into line with Stripe "
            f"({type(failure).__name__}). Compare it with its sessions in the Stripe dashboard.",
        )


def number_beyond(session: Session, table: type[Model], highest: int) -> None:
    """Give no number up to `highest` to a new row of this table."""
    name = table.__tablename__
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), greatest(:highest, "  # noqa: S608
                f"(SELECT coalesce(max(id), 1) FROM {name})))"
            ),
            {"highest": max(highest, 1)},
        )
        return
    found = session.execute(
        text(
            "UPDATE sqlite_sequence SET seq = max(seq, :highest) WHERE name = :name RETURNING seq"
        ),
        {"highest": highest, "name": name},
    ).first()
    if found is None:
        session.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"),
            {"highest": highest, "name": name},
        )
