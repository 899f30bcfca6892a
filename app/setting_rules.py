"""What the text of a setting must be. No error repeats what was given: it may be a secret."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

# As they stand in files that were copied and never filled in, however their words are joined.
_PLACEHOLDERS = re.compile(
    "(your|my|a|the|some|super|top|very)*"
    "(secret(key)?|changeme|changethis|replaceme|replacethis|placeholder|dev|development|insecure)"
    "(here|please|now|later|inproduction|beforeuse|key|secret)*"
)
_NOT_IN_AN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f<>\"\\^`{|}]")
_HOST_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_MAILBOX = r"[^\s@<>(),:;\"\\]+@[^\s@<>(),:;\"\\]+"
_SENDER = re.compile(rf"{_MAILBOX}|(\"[^\"\\]*\"|[^<>@,:;\"\\]*) *<{_MAILBOX}>")
_YES = {"1", "true", "t", "yes", "y", "on"}
_WRONG_PORT = "has a port that is no number from 1 to 65535"


def wrong(message: str) -> PydanticCustomError:
    """The error to raise about a value; `message` goes on where the setting's name ends."""
    return PydanticCustomError("setting", "{message}", {"message": message})


def secret(value: str) -> str:
    """A secret as it is. Raises for a placeholder, or one that repeats few characters."""
    letters = re.sub("[^a-z0-9]", "", value.lower())
    unfilled = _PLACEHOLDERS.fullmatch(letters) or "token_hex" in value
    if unfilled or len(set(value)) < 5:
        raise wrong("is a placeholder, not a secret")
    return value


def http_address(value: str) -> str:
    """A web address without the slash at its end. Raises for anything else."""
    parts = _parts(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise wrong("must be a web address that begins with http:// or https://")
    if "@" in parts.netloc:
        raise wrong("must be a web address without a user's name or password")
    return value.rstrip("/")


def redis_address(value: str) -> str:
    """The address of a Redis as it is. Raises for anything else."""
    parts = _parts(value)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise wrong("must begin with redis:// or rediss:// and name a host")
    return value


def database_address(value: str) -> str:
    """A database's address with the driver that is used. Raises for one that cannot be read."""
    for scheme in ("postgresql://", "postgres://", "postgresql+psycopg://"):
        if value.startswith(scheme):
            return _postgresql("postgresql+psycopg://" + value.removeprefix(scheme))
    if value.startswith("sqlite:///") and ":memory:" not in value and value != "sqlite:///":
        return value
    raise wrong("must be postgresql://… or sqlite:///FILE")


def _postgresql(value: str) -> str:
    # What may stand in a password is for SQLAlchemy to say. Loaded here, as most of what is wrong
    # with settings can be told without it.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        port = make_url(value).port
    except (ArgumentError, ValueError):
        port = 0
    if port is not None and not 1 <= port <= 65535:
        raise wrong(_WRONG_PORT)
    return value


def host(value: str) -> str:
    """A host by its name or address. Raises for anything else."""
    try:
        ip_address(value)
    except ValueError:
        if not _HOST_NAME.fullmatch(value):
            raise wrong("must be the name of a host or an IP address, without a port") from None
    return value


def sender(value: str) -> str:
    """A From address, or nothing. Raises for what a mail's header cannot hold."""
    if value and not (value.isprintable() and _SENDER.fullmatch(value)):
        raise wrong("must be an e-mail address in one line, with a name before it or without")
    return value


def _parts(value: str) -> SplitResult:
    """An address in parts. The errors of the library repeat it, and it may hold a password."""
    # The library takes line breaks out and says nothing.
    if _NOT_IN_AN_ADDRESS.search(value):
        raise wrong("holds a space, a line break or another character that no address has")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise wrong("cannot be read as an address") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise wrong(_WRONG_PORT)
    return parts


def unsafe_mixes(raw: dict[str, str]) -> list[str]:
    """What is wrong between settings, from their texts: others may be wrong by themselves."""
    problems = []
    live = "_live_" in raw.get("stripe_secret_key", "")[:8]
    if live and not _is_yes(raw, "allow_live_payments"):
        problems.append(
            "STRIPE_SECRET_KEY: is a live key, which takes real money; "
            "set ALLOW_LIVE_PAYMENTS=1 to allow it, or use a key that begins with sk_test_"
        )
    if live and raw.get("stripe_api_base", "None") not in {"", "None"}:
        problems.append("STRIPE_API_BASE: may be set only with a test key (sk_test_…)")
    if live and "public_url" in raw and not raw["public_url"].startswith("https://"):
        problems.append("PUBLIC_URL: must begin with https:// when the Stripe key is live")
    if _given(raw, "crash_points") and not _sandboxed(raw):
        problems.append(
            "CRASH_POINTS: makes processes die on purpose; it is accepted only with a test key "
            "and STRIPE_API_BASE on this machine's loopback address"
        )
    has_one = bool(_given(raw, "mail_username")) != bool(_given(raw, "mail_password"))
    if _is_yes(raw, "mail_use_tls") and has_one:
        problems.append(
            "MAIL_USERNAME and MAIL_PASSWORD: set both or neither; example: MAIL_USERNAME=shop and "
            "MAIL_PASSWORD=a password"
        )
    return problems


def _is_yes(raw: dict[str, str], name: str) -> bool:
    return raw.get(name, "").strip().lower() in _YES


def _given(raw: dict[str, str], name: str) -> str:
    return "" if raw.get(name, "None") == "None" else raw[name]


def _sandboxed(raw: dict[str, str]) -> bool:
    test_key = "_test_" in raw.get("stripe_secret_key", "")[:8]
    try:
        host = urlsplit(_given(raw, "stripe_api_base")).hostname or ""
    except ValueError:
        return False
    return test_key and host in {"127.0.0.1", "::1", "localhost"}
