"""Ids that look like Stripe's: a prefix that tells the kind, then letters nobody can guess."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def letters(count: int) -> str:
    """That many random letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def new_id(prefix: str, length: int = 24) -> str:
    """A fresh id such as `pi_3…`."""
    return f"{prefix}_{letters(length)}"
