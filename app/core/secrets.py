"""Unguessable tokens and keyed digests."""

import hashlib
import hmac
import secrets


def new_token() -> str:
    """A token of 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored of a token: its SHA-256, in hex. Enough for tokens that cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def keyed_digest(key: str, *parts: object) -> str:
    """HMAC-SHA-256 of the parts under `key`, in hex."""
    message = "\x1f".join(str(part) for part in parts).encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
