"""Mails owed, written down in the transaction that owes them."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from app.accounts import queries as accounts
from app.config import Settings
from app.core import clock, events, jobs, money, secrets
from app.core.extensions import db
from app.core.statements import Prepared
from app.core.traces import trace_id
from app.core.upsert import insert_into
from app.notifications import rules
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus

DELIVER_JOB = "app.jobs.tasks.deliver_email"


def _write() -> Any:
    columns = (
        "kind", "recipient", "subject", "facts", "occasion", "message_id", "status", "attempts",
        "next_attempt_at", "request_id", "created_at",
    )  # fmt: skip
    return (
        insert_into(db.session(), Email)
        .values({name: bindparam(name) for name in columns})
        .on_conflict_do_nothing(index_elements=["occasion"])
        .returning(Email.id)
    )


_WRITE = Prepared(_write)


def owe(
    session: Session,
    kind: EmailKind,
    occasion: str,
    recipient: str,
    subject: str,
    facts: dict[str, Any],
) -> int | None:
    """Write one mail into the outbox, once per occasion; its id, or None when it is there already.

    `facts` fill the template and can be read by administrators: no token, no threshold.
    """
    settings: Settings = current_app.config["SETTINGS"]
    moment = clock.now()
    written = _WRITE.run(
        session,
        kind=kind,
        recipient=recipient,
        subject=rules.one_line(subject, rules.SUBJECT_LENGTH),
        facts=facts,
        occasion=occasion,
        message_id=_message_id(settings, occasion),
        status=EmailStatus.PENDING,
        attempts=0,
        next_attempt_at=moment,
        request_id=trace_id(),
        created_at=moment,
    )
    if written is None:
        return None
    email_id: int = written.id
    events.record(session, events.MailOwed(email_id))
    return email_id


def _message_id(settings: Settings, occasion: str) -> str:
    """The same for the same occasion, so that who gets a mail twice can tell (RFC 5322, 3.6.4)."""
    digest = secrets.keyed_digest(settings.secret_key, "message-id", occasion)
    return f"<{digest[:40]}@{urlsplit(settings.public_url).hostname}>"


def _owe_to(
    session: Session,
    user_id: int,
    kind: EmailKind,
    occasion: object,
    subject: str,
    facts: dict[str, Any],
) -> None:
    person = accounts.person(user_id)
    named = facts | {"name": person.name}
    owe(session, kind, f"{kind.value}:{occasion}", person.email, subject, named)


def _facts_of_sale(
    event: events.ArtworkReserved
    | events.PaymentDeclined
    | events.PaymentReleased
    | events.SaleCompleted,
) -> dict[str, Any]:
    return {
        "title": event.artwork_title,
        "artwork_id": event.artwork_id,
        "payment_id": event.payment_id,
        "amount": money.usd(event.amount_cents),
    }


def _artwork_reserved(session: Session, event: events.ArtworkReserved) -> None:
    facts = _facts_of_sale(event) | {"deadline_at": clock.iso(event.deadline_at)}
    subject = f"You won “{event.artwork_title}”: pay {facts['amount']} to make it yours"
    _owe_to(session, event.buyer_id, EmailKind.PAYMENT_REQUIRED, event.payment_id, subject, facts)
    subject = f"“{event.artwork_title}” was won and awaits payment"
    _owe_to(session, event.seller_id, EmailKind.SALE_PENDING, event.payment_id, subject, facts)


def _payment_declined(session: Session, event: events.PaymentDeclined) -> None:
    _owe_to(
        session,
        event.buyer_id,
        EmailKind.PAYMENT_FAILED,
        f"{event.payment_id}:{event.occurrence}",
        f"Your card was declined for “{event.artwork_title}”",
        _facts_of_sale(event)
        | {
            "deadline_at": clock.iso(event.deadline_at),
            "reason": event.reason,
        },
    )


def _payment_released(session: Session, event: events.PaymentReleased) -> None:
    facts = _facts_of_sale(event) | {
        "reason": event.reason,
        "open_again": event.artwork_status == "ACTIVE",
    }
    subject = f"“{event.artwork_title}” was released: you were not charged"
    _owe_to(session, event.buyer_id, EmailKind.PAYMENT_RELEASED, event.payment_id, subject, facts)
    subject = f"“{event.artwork_title}” was not paid for"
    _owe_to(session, event.seller_id, EmailKind.SALE_RELEASED, event.payment_id, subject, facts)


def _sale_completed(session: Session, event: events.SaleCompleted) -> None:
    facts = _facts_of_sale(event) | {"paid_at": clock.iso(event.paid_at)}
    subject = f"Receipt for “{event.artwork_title}”: {facts['amount']}"
    receipt = facts | {"seller": accounts.person(event.seller_id).name}
    _owe_to(session, event.buyer_id, EmailKind.PAYMENT_RECEIPT, event.payment_id, subject, receipt)
    subject = f"Sold: “{event.artwork_title}” for {facts['amount']}"
    _owe_to(session, event.seller_id, EmailKind.SALE_COMPLETED, event.payment_id, subject, facts)


def _artwork_expired(session: Session, event: events.ArtworkExpired) -> None:
    # An artwork that is relisted can end again, and each end is told.
    occasion = f"{event.artwork_id}:{clock.iso(clock.now())}"
    subject = f"“{event.artwork_title}” has ended without a sale"
    facts = {"title": event.artwork_title, "artwork_id": event.artwork_id}
    _owe_to(session, event.seller_id, EmailKind.ARTWORK_EXPIRED, occasion, subject, facts)


def _reset_requested(session: Session, event: events.PasswordResetRequested) -> None:
    owe(
        session,
        EmailKind.PASSWORD_RESET,
        f"{EmailKind.PASSWORD_RESET.value}:{event.reset_id}",
        event.email,
        "Choose a new password for Guess The Worth",
        {"name": event.name, "reset_id": event.reset_id},
    )


def _attention_raised(session: Session, event: events.AttentionRaised) -> None:
    alert = rules.attention_text(event.kind)
    for admin in accounts.administrators():
        _owe_to(
            session,
            admin.id,
            EmailKind.ATTENTION_NEEDED,
            f"{event.attention_id}:{admin.id}",
            f"Needs a person: {alert}",
            {"alert": event.kind, "payment_id": event.payment_id, "detail": event.detail},
        )


def _mail_owed(event: events.MailOwed) -> None:
    jobs.hint("mail", DELIVER_JOB, event.email_id)


def listen() -> None:
    """Write mails on what happens, and tell the worker of each; safe to call again."""
    events.on_record(events.ArtworkReserved, _artwork_reserved)
    events.on_record(events.PaymentDeclined, _payment_declined)
    events.on_record(events.PaymentReleased, _payment_released)
    events.on_record(events.SaleCompleted, _sale_completed)
    events.on_record(events.ArtworkExpired, _artwork_expired)
    events.on_record(events.PasswordResetRequested, _reset_requested)
    events.on_record(events.AttentionRaised, _attention_raised)
    events.after_commit(events.MailOwed, _mail_owed)
