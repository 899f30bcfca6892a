"""An outbox row as the message that is sent: HTML and text from `templates/emails/`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_mail import Message
from jinja2 import Environment, StrictUndefined

from app.accounts import queries as accounts
from app.config import Settings
from app.notifications import rules
from app.notifications.states import EmailKind
from app.payments.states import decline_text

HIDDEN = "hidden-from-administrators"


@dataclass(frozen=True)
class Letter:
    """What is needed of an outbox row to send it."""

    id: int
    kind: EmailKind
    recipient: str
    subject: str
    facts: dict[str, Any]
    message_id: str
    created_at: datetime


def compose(letter: Letter) -> Message:
    """The message for a letter: the same one, with the same Message-ID and Date, every time."""
    settings: Settings = current_app.config["SETTINGS"]
    text, html = bodies(letter.kind, letter.facts)
    message = Message(
        subject=rules.one_line(letter.subject, rules.SUBJECT_LENGTH),
        recipients=[letter.recipient],
        body=text,
        html=html,
        sender=settings.sender,
        date=letter.created_at.timestamp(),
        extra_headers={"X-Mail-Kind": letter.kind.value, "Auto-Submitted": "auto-generated"},
    )
    message.msgId = letter.message_id
    return message


def bodies(
    kind: EmailKind, facts: dict[str, Any], *, hide_secrets: bool = False
) -> tuple[str, str]:
    """Text and HTML of a mail. A name that a template uses and nobody gave is an error.

    `hide_secrets` leaves out what only the mail's recipient may see: the link of a password reset.
    """
    settings: Settings = current_app.config["SETTINGS"]
    context = _context(kind, facts, settings.public_url, hide_secrets)
    templates = _templates()
    text = templates.get_template(f"emails/{kind.value}.txt").render(context)
    html = templates.get_template(f"emails/{kind.value}.html").render(context)
    return text.strip() + "\n", html


def _context(
    kind: EmailKind, facts: dict[str, Any], public_url: str, hide_secrets: bool
) -> dict[str, Any]:
    context: dict[str, Any] = {"public_url": public_url, "facts": facts}
    if "deadline_at" in facts:
        context["deadline"] = rules.moment_text(datetime.fromisoformat(facts["deadline_at"]))
    if "paid_at" in facts:
        context["paid"] = rules.moment_text(datetime.fromisoformat(facts["paid_at"]))
    match kind:
        case EmailKind.PAYMENT_FAILED:
            context["reason"] = decline_text(facts["reason"])
        case EmailKind.PAYMENT_RELEASED:
            context["reason"] = rules.release_text_for_buyer(facts["reason"])
        case EmailKind.SALE_RELEASED:
            context["reason"] = rules.release_text_for_seller(facts["reason"])
        case EmailKind.ATTENTION_NEEDED:
            context["matter"] = rules.attention_text(facts["alert"])
        case EmailKind.PASSWORD_RESET:
            # The token is made here and nowhere kept: the outbox can be read by administrators.
            token = HIDDEN if hide_secrets else accounts.reset_token(facts["reset_id"])
            context["link"] = f"{public_url}/password/reset/{token}"
    return context


def _templates() -> Environment:
    """The application's templates, apart from what its pages add to every context."""
    known = current_app.extensions.get("mail_templates")
    if not isinstance(known, Environment):
        known = current_app.jinja_env.overlay(undefined=StrictUndefined)
        current_app.extensions["mail_templates"] = known
    return known
