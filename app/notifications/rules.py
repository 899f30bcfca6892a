"""What mails say and when they are tried again. Pure."""

import unicodedata
from datetime import datetime, timedelta

# The first five tries lie at most a minute apart even when each wait ends with a sweep (15 s) and
# a try that ran into its time limit; then the wait doubles up to an hour.
_FIRST_WAITS = (5, 10, 20, 30)
_LATER_WAIT = 60
LONGEST_WAIT = 3600

SUBJECT_LENGTH = 300
ERROR_LENGTH = 500


_RELEASES_FOR_BUYER = {
    "deadline": "The time to pay ran out.",
    "buyer_gave_up": "You chose not to pay.",
    "session_expired": "The payment page was closed before a payment was made.",
    "refused_by_stripe": "The payment could not be set up.",
    "funds_failed": "The bank did not confirm the payment.",
}

_RELEASES_FOR_SELLER = {
    "deadline": "The buyer did not pay in time.",
    "buyer_gave_up": "The buyer chose not to pay.",
    "session_expired": "The payment page was closed before a payment was made.",
    "refused_by_stripe": "The payment could not be set up.",
    "funds_failed": "The buyer's bank did not confirm the payment.",
}

_ATTENTION_HEADING = "Something about a payment needs a person"


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failed tries (1 or more)."""
    if attempts <= len(_FIRST_WAITS):
        return timedelta(seconds=_FIRST_WAITS[max(attempts, 1) - 1])
    doublings = min(attempts - len(_FIRST_WAITS) - 1, 10)
    return timedelta(seconds=min(_LATER_WAIT * 2**doublings, LONGEST_WAIT))


def release_text_for_buyer(reason: str) -> str:
    """Why a win was released, in words for its buyer."""
    return _RELEASES_FOR_BUYER.get(reason, "The payment was not completed.")


def release_text_for_seller(reason: str) -> str:
    """Why a win was released, in words for the artwork's seller."""
    return _RELEASES_FOR_SELLER.get(reason, "The payment was not completed.")


def attention_text(kind: str) -> str:
    """A kind of alert in words: `amount_differs` becomes `Amount differs`."""
    return kind.replace("_", " ").strip().capitalize() or _ATTENTION_HEADING


def moment_text(moment: datetime) -> str:
    """An aware UTC moment as people read it, its zone named: `23 November 2026, 14:05 UTC`."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def one_line(text: str, limit: int) -> str:
    """The text without line breaks or control characters, cut at `limit`.

    What goes into a header passes through here: a line break there would begin another header.
    """
    shown = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in text)
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


# Controls, separators of lines and paragraphs, and halves of surrogate pairs.
_UNSEEN = frozenset({"Cc", "Zl", "Zp", "Cs"})
