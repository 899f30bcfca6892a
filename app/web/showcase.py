"""Every component of the pages in one place; only while a stand-in for Stripe is in use."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, current_app, render_template
from flask_wtf.file import FileField
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from app.core import clock
from app.core.access import Who, access
from app.core.errors import NotFound

blueprint = Blueprint("showcase", __name__)


@dataclass(frozen=True)
class _Card:
    id: int
    title: str
    artist_name: str
    status: str
    picture: dict[str, Any] | None
    current_highest_bid_cents: int | None = None
    bid_count: int = 0
    end_date: datetime | None = None
    sold_price_cents: int | None = None
    image_alt: str = "A plain field of colour"


class _Example(Form):
    """One field of each kind."""

    email = StringField("Email address", [InputRequired("Enter an email address.")])
    title = StringField("Title")
    category = SelectField("Category", choices=["Painting", "Print"])
    about = TextAreaField("Description")
    role = RadioField(
        "What do you want to do?",
        [InputRequired("Choose one.")],
        choices=[SelectChoice("BUYER", "Bid on artworks"), SelectChoice("SELLER", "Sell artworks")],
    )
    image = FileField("Picture")
    amount = StringField("Your bid, in US dollars")
    agree = BooleanField("I have read the rules", [InputRequired("Read the rules first.")])

    def validate_amount(self, field: StringField) -> None:
        """Show what a refused amount looks like."""
        if field.data:
            raise ValidationError("Enter an amount from $0.50 to $999,999.99, such as 150.")


@blueprint.get("/components")
@access(Who.ANYONE)
def components() -> str:
    """Every component, for those who work on the pages; Stripe's own customers never see it."""
    if not current_app.config["SETTINGS"].stripe_api_base:
        raise NotFound
    now = clock.now()
    wrong = _Example(MultiDict({"wrong-email": "", "wrong-amount": "a lot"}), prefix="wrong")
    wrong.validate()
    return render_template(
        "components/showcase.html",
        now=now,
        soon=now + timedelta(minutes=9, seconds=30),
        later=now + timedelta(days=3),
        art=_cards(now),
        form=_Example(),
        bad_form=wrong,
    )


def _cards(now: datetime) -> list[_Card]:
    tall, wide = _colour("#8a4b38", 600, 800), _colour("#35576b", 900, 600)
    long = "A title that is as long as titles may be, which is longer than anybody expects them"
    return [
        _Card(1, "Slow Weather", "Ines Moreau", "ACTIVE", tall, 125_000, 7, now + timedelta(3)),
        _Card(2, long, "", "PENDING_PAYMENT", wide, 90_000, 1),
        _Card(3, "Three Ferns", "Tom Adeyemi", "SOLD", tall, 40_000, 3, None, 99_999_999),
        _Card(4, "Not photographed", "", "EXPIRED", None),
    ]


def _colour(colour: str, width: int, height: int) -> dict[str, Any]:
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>"
        f"<rect width='100%' height='100%' fill='{colour}'/></svg>"
    )
    return {"src": "data:image/svg+xml," + quote(svg), "width": width, "height": height}
