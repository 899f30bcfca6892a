"""The forms of listings. What was typed is kept as it was; fields carry the API's names."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import Form, HiddenField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import DateTimeLocalInput

from app.artworks import rules
from app.artworks.pictures import StoredPicture
from app.artworks.queries import LARGEST_ID, ArtworkSort, ArtworkView
from app.artworks.states import ArtworkStatus
from app.core import clock, money

_DRAFT_SECONDS = 24 * 3600
_DRAFT_GONE = "The picture was not kept for so long. Choose it again."
_LARGEST_PAGE = 1_000_000


def checked(check: Callable[[str], str]) -> Callable[[Any, Any], None]:
    """A validator that cleans the field's text by a rule, or shows what the rule says."""

    def validate(_form: Any, field: Any) -> None:
        try:
            field.data = check(field.data or "")
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None

    return validate


class AmountField(StringField):
    """An amount in dollars as text; `cents` after validation."""

    cents: int = 0

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no amount within the limits."""
        if not (self.data or "").strip():
            raise ValidationError(f"Enter the hidden minimum, {money.AMOUNT_LIMITS} dollars.")
        try:
            self.cents = money.parse_amount(self.data or "")
        except money.InvalidAmount:
            raise ValidationError(
                f"The hidden minimum must be an amount in dollars {money.AMOUNT_LIMITS}, "
                "with digits and at most two decimals, such as 150 or 150.00."
            ) from None


class EndField(StringField):
    """A moment in UTC as browsers send it (`2027-01-31T18:00`); `moment` after validation."""

    widget = DateTimeLocalInput()
    moment: datetime | None = None
    # What the listing has now: leaving that as it stands is right, even when it has passed.
    stored: datetime | None = None

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no moment, has passed, or is more than a year ahead."""
        text = (self.data or "").strip()
        if not text:
            self.moment = None
        elif self.stored is not None and text == end_text(self.stored):
            self.moment = self.stored
        else:
            self.moment = _parse_end(text)


def _parse_end(text: str) -> datetime:
    try:
        if len(text) > 40 or "T" not in text:
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError(
            "Enter the end date as a date and a time in UTC, such as 2027-01-31T18:00."
        ) from None
    try:
        return rules.check_end(moment, clock.now())
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from None


def end_text(moment: datetime | None) -> str:
    """A moment as the end date's field holds it."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


class ArtworkForm(FlaskForm):
    """A listing, new or to be changed."""

    title = StringField("Title", [checked(rules.check_title)])
    artist_name = StringField("Artist", [checked(rules.check_artist)])
    category = SelectField(
        "Category",
        [checked(rules.check_category)],
        choices=rules.CATEGORIES,
        default=rules.DEFAULT_CATEGORY,
        validate_choice=False,
    )
    description = TextAreaField("Description", [checked(rules.check_description)])
    image = FileField("Picture")
    alt = StringField("The picture in words", [checked(rules.check_alt)])
    secret_threshold = AmountField("Hidden minimum, in US dollars")
    end_date = EndField("End date and time, in UTC")
    picture_draft = HiddenField()

    def fill(self, art: ArtworkView) -> None:
        """Show a listing as it stands."""
        self.title.data = art.title
        self.artist_name.data = art.artist_name
        self.category.data = art.category
        self.description.data = art.description
        self.alt.data = art.image_alt
        self.secret_threshold.data = money.amount_text(art.secret_threshold_cents or 0)
        self.end_date.data = end_text(art.end_date)

    def add_error(self, name: str, message: str) -> None:
        """Show a refusal at a field."""
        field = self[name]
        field.errors = [*field.errors, message]


class RelistForm(FlaskForm):
    """When bidding on a listing that opens again is to end."""

    end_date = EndField("End date and time, in UTC")


class WithdrawForm(FlaskForm):
    """Nothing but the decision."""


def _page_number(text: str) -> str:
    text = text or "1"
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise ValueError(f"The page must be a whole number from 1 to {_LARGEST_PAGE:,}.")
    if not 1 <= int(text) <= _LARGEST_PAGE:
        raise ValueError(f"The page must be a whole number from 1 to {_LARGEST_PAGE:,}.")
    return text


def _seller_number(text: str) -> str:
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LARGEST_ID):
        raise ValueError(f"The seller must be a whole number from 1 to {LARGEST_ID}.")
    return text


def _among(what: str, names: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text and text not in names:
            raise ValueError(f"Choose {what} from the list.")
        return text

    return check


_STATUS_WORDS = (
    ("", "Any state"),
    (ArtworkStatus.ACTIVE.value, "Open"),
    (ArtworkStatus.PENDING_PAYMENT.value, "Reserved"),
    (ArtworkStatus.SOLD.value, "Sold"),
    (ArtworkStatus.EXPIRED.value, "Ended"),
)
_SORT_WORDS = (
    (ArtworkSort.NEWEST.value, "Newest first"),
    (ArtworkSort.ENDING.value, "Ending soonest"),
    (ArtworkSort.PRICE.value, "Highest price"),
    (ArtworkSort.BIDS.value, "Most bids"),
)


def _offered(words: tuple[tuple[str, str], ...]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in words]


class BrowseForm(Form):
    """The filters of the browse page, as they stand in its address."""

    q = StringField("Search", [checked(rules.check_search)])
    category = SelectField(
        "Category",
        [checked(_among("a category", rules.CATEGORIES))],
        choices=_offered((("", "All categories"), *((name, name) for name in rules.CATEGORIES))),
        validate_choice=False,
    )
    status = SelectField(
        "State",
        [checked(_among("a state", tuple(value for value, _ in _STATUS_WORDS)))],
        choices=_offered(_STATUS_WORDS),
        validate_choice=False,
    )
    sort = SelectField(
        "Sort by",
        [checked(_among("an order", tuple(value for value, _ in _SORT_WORDS)))],
        choices=_offered(_SORT_WORDS),
        validate_choice=False,
    )
    seller_id = HiddenField("Seller", [checked(_seller_number)])
    page = HiddenField("Page", [checked(_page_number)])


def sign_draft(picture: StoredPicture, seller_id: int) -> str:
    """A stored picture as a form can carry it until the rest of the form is right."""
    return str(_drafts().dumps([seller_id, picture.key, picture.width, picture.height]))


def read_draft(text: str, seller_id: int) -> StoredPicture | None:
    """The picture that a form carried, or None without one.

    Raises ValueError when it was not given to this seller by us, or more than a day ago.
    """
    if not text:
        return None
    try:
        owner, key, width, height = _drafts().loads(text[:500], max_age=_DRAFT_SECONDS)
    except BadSignature:
        raise ValueError(_DRAFT_GONE) from None
    if owner != seller_id:
        raise ValueError(_DRAFT_GONE)
    return StoredPicture(key, width, height)


def _drafts() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="artworks.picture-draft")
