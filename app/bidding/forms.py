"""The bid form."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, ValidationError

from app.core import money

_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)


class BidForm(FlaskForm):
    """An amount in dollars; `confirm` is set by the step that repeats it."""

    amount = StringField("Your bid in US dollars")
    confirm = HiddenField()

    def validate_amount(self, field: Any) -> None:
        """Whole cents end up in `amount_cents`."""
        # What people paste: a sign and spaces say nothing about the amount.
        typed = (field.data or "").strip().removeprefix("$").strip()
        # Nor do commas between thousands; any other could mean a decimal point, and a bid binds.
        if _THOUSANDS.fullmatch(typed):
            typed = typed.replace(",", "")
        if not typed:
            raise ValidationError("Enter your bid.")
        try:
            self.amount_cents = money.parse_amount(typed)
        except money.InvalidAmount as wrong:
            raise ValidationError(str(wrong)) from None
