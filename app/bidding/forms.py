"""The bid form."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, ValidationError

from app.core import money


class BidForm(FlaskForm):
    """An amount in dollars; `confirm` is set by the step that repeats it."""

    amount = StringField("Your bid in US dollars")
    confirm = HiddenField()

    def validate_amount(self, field: Any) -> None:
        """Whole cents end up in `amount_cents`."""
        # What people paste: a sign, spaces and thousands separators say nothing about the amount.
        typed = (field.data or "").strip().removeprefix("$").replace(",", "").strip()
        if not typed:
            raise ValidationError("Enter your bid.")
        try:
            self.amount_cents = money.parse_amount(typed)
        except money.InvalidAmount as wrong:
            raise ValidationError(str(wrong)) from None
