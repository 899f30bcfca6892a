"""The forms of the accounts pages. Limits come from `rules`."""

from collections.abc import Callable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.form import BaseForm
from wtforms.validators import ValidationError

from app.accounts import rules
from app.accounts.states import Role
from app.core.errors import Invalid


class Obeys:
    """A validator that holds a field against a rule and keeps what the rule makes of it."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self._rule = rule

    def __call__(self, form: BaseForm, field: Any) -> None:
        try:
            field.data = self._rule(field.data or "")
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None


def tell_form(form: FlaskForm, refused: Invalid) -> None:
    """Show at the form's fields what a service refused."""
    for name, messages in refused.errors.items():
        if name in form:
            form[name].errors = [*form[name].errors, *messages]
        else:
            form.form_errors = [*form.form_errors, *messages]


class RegisterForm(FlaskForm):
    """A new account."""

    email = EmailField("Email address", [Obeys(rules.clean_email)])
    name = StringField("Name", [Obeys(rules.clean_name)])
    password = PasswordField("Password", [Obeys(rules.new_password)])
    role = RadioField(
        "What are you here for?",
        [Obeys(rules.chosen_role)],
        choices=[
            SelectChoice(Role.BUYER.value, "To bid on artworks and buy them"),
            SelectChoice(Role.SELLER.value, "To sell artworks"),
        ],
        default=Role.BUYER.value,
        validate_choice=False,
    )
    next = HiddenField()


class LoginForm(FlaskForm):
    """Signing in."""

    email = EmailField("Email address", [Obeys(rules.clean_email)])
    password = PasswordField("Password", [Obeys(rules.typed_password)])
    next = HiddenField()


class ForgotPasswordForm(FlaskForm):
    """Asking for a link to choose a new password."""

    email = EmailField("Email address", [Obeys(rules.clean_email)])


class ResetPasswordForm(FlaskForm):
    """Choosing a new password by the right of a link."""

    password = PasswordField("New password", [Obeys(rules.new_password)])


class NameForm(FlaskForm):
    """Another display name."""

    name = StringField("Name", [Obeys(rules.clean_name)])


class ChangePasswordForm(FlaskForm):
    """Choosing a new password by the right of the old one."""

    current_password = PasswordField("Current password", [Obeys(rules.typed_password)])
    password = PasswordField("New password", [Obeys(rules.new_password)])


class TokenForm(FlaskForm):
    """A new API token."""

    label = StringField("What is the token for?", [Obeys(rules.clean_label)])
