"""The seller's question about another hidden minimum."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import StringField, ValidationError

from app.core import money


class WhatIfForm(FlaskForm):
    """An amount in dollars; `minimum_cents` after validation."""

    threshold = StringField("Another hidden minimum, in US dollars")
    minimum_cents: int = 0

    def validate_threshold(self, field: Any) -> None:
        """Refuse what could be no hidden minimum."""
        typed = (field.data or "").strip()
        if not typed:
            raise ValidationError("Enter another hidden minimum.")
        try:
            self.minimum_cents = money.parse_amount(typed)
        except money.InvalidAmount as wrong:
            raise ValidationError(str(wrong)) from None
