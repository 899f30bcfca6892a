"""Bodies of the accounts API."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from app.accounts import rules
from app.core.api import Strict


class Ruled(fields.String):
    """A text that a rule cleans; what the rule refuses is said in the rule's own words."""

    def __init__(self, rule: Callable[[str], str], missing: str, **options: Any) -> None:
        kinds = ("required", "null", "invalid", "invalid_utf8")
        super().__init__(error_messages=dict.fromkeys(kinds, missing), **options)
        self._rule = rule

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None,
                     **kwargs: Any) -> str:  # fmt: skip
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return self._rule(text or "")
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from None


def _email() -> Ruled:
    return Ruled(
        rules.clean_email,
        rules.EMAIL_WRONG,
        required=True,
        metadata={"format": "email", "maxLength": rules.EMAIL_MAXIMUM},
    )


class RegisterIn(Strict):
    """Whoever wants an account."""

    email = _email()
    name = Ruled(
        rules.clean_name,
        rules.NAME_MISSING,
        required=True,
        metadata={"minLength": 1, "maxLength": rules.NAME_MAXIMUM},
    )
    password = Ruled(
        rules.new_password,
        rules.PASSWORD_WRONG,
        required=True,
        load_only=True,
        metadata={
            "format": "password",
            "minLength": rules.PASSWORD_MINIMUM,
            "maxLength": rules.PASSWORD_MAXIMUM,
        },
    )
    role = Ruled(
        rules.chosen_role,
        rules.ROLE_WRONG,
        load_default=rules.ROLES_TO_CHOOSE[0].value,
        metadata={"enum": [role.value for role in rules.ROLES_TO_CHOOSE]},
    )


class CredentialsIn(Strict):
    """Who signs in."""

    email = _email()
    password = Ruled(
        rules.typed_password,
        rules.PASSWORD_MISSING,
        required=True,
        load_only=True,
        metadata={"format": "password", "minLength": 1, "maxLength": rules.PASSWORD_MAXIMUM},
    )


class UserOut(Schema):
    """A person, as shown to themselves."""

    id = fields.Integer(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": ["BUYER", "SELLER", "ADMIN"]})


class TokenOut(Schema):
    """A bearer token, shown this once, and whose it is."""

    token = fields.String(required=True)
    user = fields.Nested(UserOut, required=True)
