"""Addresses that a request names: followed only when they stay on this site."""

from urllib.parse import urlsplit

NEXT_MAXIMUM = 2000


def safe_next(target: str | None) -> str | None:
    """The path on this site to go on to, or None when `target` is missing or leads elsewhere.

    Browsers read `//host`, `/\\host` and a path with tabs or line breaks in it as another site.
    """
    if not target or len(target) > NEXT_MAXIMUM or not target.startswith("/"):
        return None
    if target.startswith("//") or any(sign <= " " or sign in "\\\x7f" for sign in target):
        return None
    try:
        parts = urlsplit(target)
        target.encode()
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else target
