"""Texts without the secrets that may stand in them."""

import re

_HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"""
    (?P<key>\b(?:sk|rk)_(?:test|live)_|\bwhsec_)[A-Za-z0-9_]+
    | (?P<bearer>\bBearer\s+)[^\s"',}]+
    | (?P<url>\b[a-z][a-z0-9+]*://[^\s:/@]*:)[^\s@]+(?=@)
    | (?P<reset>/password/reset/)[^\s/?"']+
    | (?P<cookie>\b(?:__Host-)?session=)[^\s;"',}]+
    | (?P<token>)(?<![\w-])[\w-]{43}(?![\w-])
    | (?P<argon>\$argon2id\$)[^\s"'}]+
    | (?P<card>)(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DETAIL = re.compile(r"DETAIL: .*")


def redact(text: str) -> str:
    """The text without keys, tokens, cookies, hashes, card-like numbers, and reset links.

    Nor with the row that PostgreSQL quotes in the DETAIL of a failed statement.
    """
    text = _DETAIL.sub(f"DETAIL: {_HIDDEN}", text)
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 0]}{_HIDDEN}", text)
