"""The roles of people."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is here for."""

    BUYER = "BUYER"
    SELLER = "SELLER"
    ADMIN = "ADMIN"


class TokenKind(StrEnum):
    """Where a sign-in lives: a browser's session cookie, or a program's bearer token."""

    BROWSER = "BROWSER"
    API = "API"
