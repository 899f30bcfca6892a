"""The kinds of parameters that Stripe takes: strict types, nothing unknown.

Each kind takes what the form holds (a text, or a tree of texts) and gives back a Python value,
or refuses with the error that Stripe would answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.errors import ValidationError

INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
EMAIL = re.compile(r"[^@\s<>()\[\],;:\"]+@[^@\s.<>]+(\.[^@\s.<>]+)+\Z")
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500


class Kind(Protocol):
    """One sort of parameter."""

    def read(self, value: Any, path: str) -> Any:
        """The value, or ValidationError naming `path`."""


def _text(value: Any, path: str, expected: str) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"Invalid {expected}: {path} must not be nested", param=path)
    if value == "":
        raise ValidationError(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{path}' cannot be unset. You should remove '{path}' "
            "from your request or supply a non-empty value.",
            param=path,
            code="parameter_invalid_empty",
        )
    return value


@dataclass(frozen=True)
class Text:
    """A non-empty text of at most `longest` characters."""

    longest: int | None = None

    def read(self, value: Any, path: str) -> str:
        """The text as it was sent."""
        text = _text(value, path, "string")
        if self.longest is not None and len(text) > self.longest:
            raise ValidationError(
                f"Invalid string: {text[:20]}...{text[-3:]}; "
                f"must be at most {self.longest} characters",
                param=path,
            )
        return text


@dataclass(frozen=True)
class Integer:
    """A whole number in ASCII digits."""

    least: int | None = None
    most: int | None = None

    def read(self, value: Any, path: str) -> int:
        """The number."""
        text = _text(value, path, "integer")
        if not INTEGER.match(text):
            raise ValidationError(
                f"Invalid integer: {text}", param=path, code="parameter_invalid_integer"
            )
        number = int(text)
        if self.least is not None and number < self.least:
            raise ValidationError(
                f"This value must be greater than or equal to {self.least}.",
                param=path,
                code="parameter_invalid_integer",
            )
        if self.most is not None and number > self.most:
            raise ValidationError(
                f"This value must be less than or equal to {self.most}.",
                param=path,
                code="parameter_invalid_integer",
            )
        return number


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`."""

    def read(self, value: Any, path: str) -> bool:
        """The truth value."""
        text = _text(value, path, "boolean")
        if text not in ("true", "false"):
            raise ValidationError(f"Invalid boolean: {text}", param=path)
        return text == "true"


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Any, path: str) -> str:
        """The word."""
        text = _text(value, path, "string")
        if text not in self.words:
            listed = ", ".join(self.words[:-1])
            choices = f"{listed}, or {self.words[-1]}" if listed else self.words[-1]
            raise ValidationError(f"Invalid {path}: must be one of {choices}", param=path)
        return text


@dataclass(frozen=True)
class Link:
    """An http or https address."""

    longest: int | None = 5000

    def read(self, value: Any, path: str) -> str:
        """The address as it was sent."""
        text = Text(self.longest).read(value, path)
        try:
            parts = urlsplit(text)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in text):
            raise ValidationError("Not a valid URL", param=path, code="url_invalid")
        return text


@dataclass(frozen=True)
class Email:
    """An e-mail address."""

    def read(self, value: Any, path: str) -> str:
        """The address as it was sent."""
        text = _text(value, path, "string")
        if len(text) > 512 or not EMAIL.match(text):
            raise ValidationError(
                f"Invalid email address: {text[:100]}", param=path, code="email_invalid"
            )
        return text


@dataclass(frozen=True)
class Metadata:
    """Free names and values within Stripe's limits (docs.stripe.com/api/metadata)."""

    def read(self, value: Any, path: str) -> dict[str, str]:
        """The pairs; an empty value unsets its name, and an empty text unsets all."""
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise ValidationError("Invalid object", param=path)
        if len(value) > METADATA_KEYS:
            raise ValidationError(
                f"You can only set up to {METADATA_KEYS} metadata keys on an object; "
                f"you tried to set {len(value)}.",
                param=path,
            )
        kept: dict[str, str] = {}
        for name, text in value.items():
            if not isinstance(text, str):
                raise ValidationError("Metadata values must be strings.", param=f"{path}[{name}]")
            if len(name) > METADATA_KEY_LENGTH:
                raise ValidationError(
                    f"Metadata keys can be up to {METADATA_KEY_LENGTH} characters in length, but "
                    f"you passed in a key of {len(name)} characters. Invalid key: {name}",
                    param=path,
                )
            if len(text) > METADATA_VALUE_LENGTH:
                raise ValidationError(
                    f"Metadata values can be up to {METADATA_VALUE_LENGTH} characters in length, "
                    f"but you passed in a value of {len(text)} characters for {name}.",
                    param=f"{path}[{name}]",
                )
            if text:
                kept[name] = text
        return kept


@dataclass(frozen=True)
class ListOf:
    """Values numbered from 0."""

    item: Kind
    longest: int | None = None

    def read(self, value: Any, path: str) -> list[Any]:
        """The values in the order of their numbers."""
        if not isinstance(value, dict) or not all(
            name.isascii() and name.isdigit() for name in value
        ):
            raise ValidationError("Invalid array", param=path)
        if self.longest is not None and len(value) > self.longest:
            raise ValidationError(f"Array cannot exceed {self.longest} items", param=path)
        ordered = sorted(value, key=int)
        return [self.item.read(value[name], f"{path}[{name}]") for name in ordered]


@dataclass(frozen=True)
class NotSimulated:
    """Known to Stripe and not to this sandbox: refused aloud instead of quietly ignored."""

    def read(self, value: Any, path: str) -> Any:
        """Never gives a value."""
        raise ValidationError(
            f"Stripe knows '{path}', but this sandbox does not simulate it.", param=path
        )


@dataclass(frozen=True)
class Only:
    """A choice of which the sandbox simulates some; the rest are refused aloud."""

    choice: Kind
    simulated: tuple[Any, ...]

    def read(self, value: Any, path: str) -> Any:
        """The value, when it can be simulated."""
        chosen = self.choice.read(value, path)
        if chosen not in self.simulated:
            shown = str(chosen).lower() if isinstance(chosen, bool) else chosen
            raise ValidationError(
                f"Stripe knows '{path}={shown}', but this sandbox does not simulate it.",
                param=path,
            )
        return chosen


@dataclass(frozen=True)
class Either:
    """A plain value, or a group: whichever was sent."""

    plain: Kind
    group: Kind

    def read(self, value: Any, path: str) -> Any:
        """What the fitting one of the two reads."""
        return (self.group if isinstance(value, dict) else self.plain).read(value, path)


@dataclass(frozen=True)
class Group:
    """Named parameters; any other name is refused."""

    fields: Mapping[str, Kind]
    required: tuple[str, ...] = field(default=())

    def read(self, value: Any, path: str = "") -> dict[str, Any]:
        """The values by name; those not sent are absent."""
        if not isinstance(value, dict):
            raise ValidationError("Invalid object", param=path or None)
        for name in value:
            if name not in self.fields:
                raise ValidationError(
                    f"Received unknown parameter: {_inside(path, name)}",
                    param=_inside(path, name),
                    code="parameter_unknown",
                )
        read = {
            name: self.fields[name].read(below, _inside(path, name))
            for name, below in value.items()
        }
        for name in self.required:
            if name not in read:
                raise missing(_inside(path, name))
        return read


def missing(path: str) -> ValidationError:
    """The refusal for a parameter that has to be sent."""
    return ValidationError(f"Missing required param: {path}.", param=path, code="parameter_missing")


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
