"""What a listing may say. Pure: every function gives back the clean value or raises ValueError."""

import unicodedata
from datetime import datetime, timedelta

from app.core.text import DIRECTION_MARKS

CATEGORIES = (
    "Painting",
    "Print",
    "Photography",
    "Drawing",
    "Sculpture",
    "Textile",
    "Digital",
    "Other",
)
DEFAULT_CATEGORY = "Other"
TITLE_LIMIT = 120
ARTIST_LIMIT = 120
DESCRIPTION_LIMIT = 5000
ALT_LIMIT = 300
SEARCH_LIMIT = 100
LONGEST_LISTING = timedelta(days=365)

# Control characters and lone surrogates: neither belongs in text, and databases refuse some.
_REFUSED = {"Cc", "Cs"}


def check_title(text: str) -> str:
    """The title, stripped: 1 to 120 characters, at least one of them visible."""
    title = _shown_line(text, "The title", TITLE_LIMIT)
    if not any(unicodedata.category(letter)[0] not in "CZ" for letter in title):
        raise ValueError(f"Enter the title, with 1 to {TITLE_LIMIT} characters.")
    return title


def check_artist(text: str) -> str:
    """The artist's name, stripped: at most 120 characters; may be empty."""
    return _shown_line(text, "The artist’s name", ARTIST_LIMIT)


def check_description(text: str) -> str:
    """The description, stripped, in lines: at most 5,000 characters; may be empty."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _text(lines, "The description", DESCRIPTION_LIMIT, allowed="\n")


def check_alt(text: str) -> str:
    """The picture in words, stripped: at most 300 characters; may be empty."""
    return _shown_line(text, "The description of the picture", ALT_LIMIT)


def check_search(text: str) -> str:
    """What is searched for, stripped: at most 100 characters; may be empty."""
    return _line(text, "The search", SEARCH_LIMIT)


def check_category(text: str) -> str:
    """One of the categories, as it is written."""
    if text not in CATEGORIES:
        raise ValueError(f"Choose a category from: {', '.join(CATEGORIES)}.")
    return text


def check_end(end: datetime, now: datetime) -> datetime:
    """An end date after `now`, at most one year ahead."""
    if not now < end <= now + LONGEST_LISTING:
        raise ValueError("The end date must be in the future, at most one year (365 days) ahead.")
    return end


def _shown_line(text: str, what: str, limit: int) -> str:
    line = _line(text, what, limit)
    if not DIRECTION_MARKS.isdisjoint(line):
        raise ValueError(f"{what} must not contain control characters that turn text around.")
    return line


def _line(text: str, what: str, limit: int) -> str:
    return _text(text, what, limit, allowed="")


def _text(text: str, what: str, limit: int, allowed: str) -> str:
    text = text.strip()
    if len(text) > limit:
        raise ValueError(f"{what} must have at most {limit:,} characters; this has {len(text):,}.")
    for letter in text:
        if letter not in allowed and unicodedata.category(letter) in _REFUSED:
            breaks = "line breaks, " if letter in "\r\n" else ""
            raise ValueError(f"{what} must not contain {breaks}control characters.")
    return text
