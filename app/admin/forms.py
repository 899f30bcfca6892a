"""The filters of the administrators' lists, as they stand in the address; a note; a change."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Form,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from app.accounts.states import Role
from app.core.days import begin
from app.notifications.states import EmailKind, EmailStatus
from app.payments.states import EventOutcome, PaymentStatus

_LARGEST_PAGE = 1_000_000
_LARGEST_ID = 2**63 - 1
_SEARCH_LENGTH = 200
_NOTE_LENGTH = 1000

PAYMENT_WORDS = (
    (PaymentStatus.PENDING, "Awaiting payment"),
    (PaymentStatus.PROCESSING, "Processing"),
    (PaymentStatus.SUCCEEDED, "Paid"),
    (PaymentStatus.REFUNDED, "Refunded"),
    (PaymentStatus.CANCELED, "Released"),
    (PaymentStatus.FAILED, "Failed"),
)
OUTCOME_WORDS = (
    (EventOutcome.APPLIED, "Applied"),
    (EventOutcome.NO_EFFECT, "No effect"),
    (EventOutcome.FLAGGED, "Flagged"),
    (EventOutcome.FAILED, "Failed"),
    (EventOutcome.RECEIVED, "Received"),
)
MAIL_WORDS = (
    (EmailStatus.PENDING, "Waiting"),
    (EmailStatus.SENT, "Sent"),
    (EmailStatus.DEAD, "Given up"),
)
ROLE_WORDS = ((Role.BUYER, "Buyer"), (Role.SELLER, "Seller"), (Role.ADMIN, "Administrator"))
_KIND_WORDS = tuple((kind, kind.value.replace("_", " ").capitalize()) for kind in EmailKind)


def _whole_number(_form: Any, field: Any) -> None:
    text = (field.data or "").strip()
    right = text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= _LARGEST_ID
    if text and not right:
        raise ValidationError(f"{field.label.text} must be a whole number from 1.")
    field.data = text


def _page_number(_form: Any, field: Any) -> None:
    text = field.data or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:8]) <= _LARGEST_PAGE):
        raise ValidationError(f"The page must be a whole number from 1 to {_LARGEST_PAGE:,}.")
    field.data = text


def _choice(label: str, words: Iterable[tuple[Any, str]], anything: str) -> SelectField:
    choices = [SelectChoice("", anything), *(SelectChoice(str(one), said) for one, said in words)]
    return SelectField(
        label,
        choices=choices,
        default="",
        invalid_choice_message=f"Choose the {label.lower()} from the list.",
    )


def _text(label: str, longest: int = _SEARCH_LENGTH) -> StringField:
    return StringField(label, [Optional(), Length(max=longest)])


class Filters(Form):
    """What a list is narrowed to. What is not understood is said, and narrows nothing."""

    page = HiddenField("Page", [_page_number])
    # What a text means, for fields that are no text.
    kinds: ClassVar[dict[str, Callable[[str], Any]]] = {}

    @property
    def number(self) -> int:
        """The page that the address asks for; the first one when it makes no sense."""
        return int(self.page.data) if not self.page.errors else 1

    @property
    def chosen(self) -> dict[str, Any]:
        """What was filled in, by the fields' names."""
        return {
            name: self.kinds.get(name, str.strip)(value) if isinstance(value, str) else value
            for name, value in self.data.items()
            if name != "page" and value
        }


class PaymentFilters(Filters):
    """Which payments to list."""

    q = _text("Number, artwork, buyer’s email or Stripe id")
    status = _choice("State", PAYMENT_WORDS, "Any state")
    kinds: ClassVar = {"status": PaymentStatus}


class EventFilters(Filters):
    """Which webhook events to list."""

    type = _choice("Type", (), "Any type")
    outcome = _choice("Outcome", OUTCOME_WORDS, "Any outcome")
    kinds: ClassVar = {"outcome": EventOutcome}

    def offer_types(self, types: Sequence[str]) -> None:
        """The types that there are to choose from."""
        self.type.choices = [
            SelectChoice("", "Any type"),
            *(SelectChoice(each, each) for each in types),
        ]


class MailFilters(Filters):
    """Which mails to list."""

    q = _text("Recipient")
    status = _choice("State", MAIL_WORDS, "Any state")
    kind = _choice("Kind", _KIND_WORDS, "Any kind")
    kinds: ClassVar = {"status": EmailStatus, "kind": EmailKind}


class PeopleFilters(Filters):
    """Whom to list."""

    q = _text("Name, email or number")
    role = _choice("Role", ROLE_WORDS, "Any role")
    active = _choice("State", (("yes", "Active"), ("no", "Suspended")), "Any state")
    kinds: ClassVar = {"role": Role, "active": "yes".__eq__}


class AuditFilters(Filters):
    """Which deeds to list."""

    action = _text("Action", 64)
    resource_type = _text("Thing", 32)
    resource_id = StringField("Number of the thing", [_whole_number])
    user_id = StringField("Number of the person", [_whole_number])
    since = DateField("From, in UTC", [Optional()])
    until = DateField("To, in UTC", [Optional()])
    kinds: ClassVar = {"resource_id": int, "user_id": int}

    def validate_until(self, field: Any) -> None:
        """The last day comes not before the first."""
        if field.data and self.since.data and field.data < self.since.data:
            raise ValidationError("The last day lies before the first one.")

    @property
    def chosen(self) -> dict[str, Any]:
        """What was filled in; days as moments, the last day whole."""
        return super().chosen | {
            name: moment
            for name, moment in (
                ("since", _moment(self.since.data)),
                ("until", _moment(self.until.data, days=1)),
            )
            if moment is not None
        }


def _moment(day: date | None, days: int = 0) -> datetime | None:
    return None if day is None else begin(day) + timedelta(days=days)


class NoteForm(FlaskForm):
    """What was found or done about something that needed a person."""

    note = TextAreaField(
        "What you found or did (optional)",
        [
            Length(
                max=_NOTE_LENGTH, message=f"The note can have at most {_NOTE_LENGTH:,} characters."
            )
        ],
    )


class RoleForm(FlaskForm):
    """Another role for somebody."""

    role = SelectField(
        "Role",
        choices=[SelectChoice(str(one), said) for one, said in ROLE_WORDS],
        invalid_choice_message="Choose the role from the list.",
    )


class ConfirmForm(FlaskForm):
    """Sure about it."""

    sure = BooleanField("Yes, I am sure")
