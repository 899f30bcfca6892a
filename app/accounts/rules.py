"""What people may call themselves, how they sign in, and where a sign-in may lead. Pure."""

import string
import unicodedata
from collections.abc import Collection
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from app.accounts.states import Role
from app.core.text import DIRECTION_MARKS

EMAIL_MAXIMUM = 254
NAME_MAXIMUM = 80
LABEL_MAXIMUM = 80
PASSWORD_MINIMUM = 10
PASSWORD_MAXIMUM = 128

BROWSER_LIFETIME = timedelta(days=30)
API_LIFETIME = timedelta(days=90)
RESET_LIFETIME = timedelta(hours=1)
# More mails than this in one reset lifetime help nobody and fill a stranger's inbox.
RESETS_PER_LIFETIME = 5

ROLES_TO_CHOOSE = (Role.BUYER, Role.SELLER)

EMAIL_WRONG = (
    f"Enter an email address such as name@example.com, with at most {EMAIL_MAXIMUM} characters."
)
NAME_MISSING = f"Enter a name of 1 to {NAME_MAXIMUM} characters."
LABEL_MISSING = f"Enter what the token is for, in 1 to {LABEL_MAXIMUM} characters."
PASSWORD_MISSING = "Enter your password."  # noqa: S105 (words, not a password)
PASSWORD_COMMON = "Choose another password: this one is among the first that strangers try."  # noqa: S105
_LONG_WORD = 6
PASSWORD_WRONG = f"Enter a password of {PASSWORD_MINIMUM} to {PASSWORD_MAXIMUM} characters."
ROLE_WRONG = "Choose BUYER to buy or SELLER to sell."


def clean_email(text: str) -> str:
    """The address as it is kept: lower case, the domain in ASCII.

    Raises ValueError naming the limit. Whether the domain exists is not asked.
    """
    text = text.strip()
    if len(text) > EMAIL_MAXIMUM:
        raise ValueError(f"Enter an email address with at most {EMAIL_MAXIMUM} characters.")
    try:
        # Names under .test reach nobody; they are let in for trying the product out. Local parts
        # beyond ASCII need every mail server on the way to agree, and Stripe to take them.
        found = validate_email(
            text,
            check_deliverability=False,
            test_environment=True,
            allow_smtputf8=False,
            strict=True,
        )
    except (EmailNotValidError, UnicodeError):
        raise ValueError(EMAIL_WRONG) from None
    address = (found.ascii_email or found.normalized).lower()
    if len(address) > EMAIL_MAXIMUM:
        raise ValueError(EMAIL_WRONG)
    return address


def clean_name(text: str) -> str:
    """A display name of 1 to 80 visible characters on one line; raises ValueError."""
    return _line(text, "name", NAME_MAXIMUM, NAME_MISSING)


def clean_label(text: str) -> str:
    """What a token is for, in 1 to 80 characters on one line; raises ValueError."""
    return _line(text, "label", LABEL_MAXIMUM, LABEL_MISSING)


def _line(text: str, what: str, maximum: int, missing: str) -> str:
    line = unicodedata.normalize("NFC", text).strip()
    if len(line) > maximum:
        raise ValueError(f"Enter a {what} with at most {maximum} characters.")
    if not _typeable(line) or not DIRECTION_MARKS.isdisjoint(line):
        raise ValueError(f"Enter a {what} without control characters or line breaks.")
    if not any(unicodedata.category(sign)[0] not in "CZ" for sign in line):
        raise ValueError(missing)
    return line


def _typeable(text: str) -> bool:
    """Whether the text is free of control characters, line breaks and halves of characters."""
    return all(unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} for sign in text)


def typed_password(text: str) -> str:
    """A password as typed to sign in, in one Unicode form; raises ValueError."""
    if not text:
        raise ValueError(PASSWORD_MISSING)
    if len(text) > PASSWORD_MAXIMUM:
        raise ValueError(f"Enter a password with at most {PASSWORD_MAXIMUM} characters.")
    if not _typeable(text):
        raise ValueError("Enter a password without control characters or line breaks.")
    # Keyboards differ in how they compose the same letter.
    return unicodedata.normalize("NFC", text)


def new_password(text: str) -> str:
    """A password that may be chosen (10 to 128 characters); raises ValueError."""
    if not PASSWORD_MINIMUM <= len(text) <= PASSWORD_MAXIMUM:
        raise ValueError(PASSWORD_WRONG)
    return typed_password(text)


def check_password_of(password: str, email: str, name: str) -> None:
    """Refuse a password that anyone who knows the person can type; raises ValueError."""
    known = {email.casefold(), email.partition("@")[0].casefold(), name.casefold()}
    if password.strip().casefold() in known:
        raise ValueError("Choose a password that is not your email address or your name.")


# What everybody who wants in here would try first.
_OURS = frozenset({"guesstheworth", "guess the worth", "guess-the-worth"})


def check_common(password: str, common: Collection[str]) -> None:
    """Refuse one of the `common` passwords, also with digits or signs at its end, and one that is
    a sign or two over and over; raises ValueError.
    """
    whole = password.strip().casefold()
    word = whole.rstrip(string.digits + string.punctuation + " ")
    # A short word says little of what follows it: only a whole password can be as common as that.
    if len(set(whole)) <= 2 or {whole, word} & _OURS or whole in common:
        raise ValueError(PASSWORD_COMMON)
    if len(word) >= _LONG_WORD and word in common:
        raise ValueError(PASSWORD_COMMON)


def chosen_role(text: str) -> Role:
    """The role that a person gives themselves; raises ValueError for any but buyer and seller."""
    if text not in ROLES_TO_CHOOSE:
        raise ValueError(ROLE_WRONG)
    return Role(text)


# The first that is named wins: most browsers also call themselves Chrome or Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_label(user_agent: str) -> str:
    """What to call a signed-in browser, such as `Firefox on Linux`, from its User-Agent."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser
