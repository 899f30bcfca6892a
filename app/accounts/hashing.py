"""Password hashes: argon2id. What is stored says with which parameters it was made."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.secrets import new_token
from app.core.transaction import leave_database

# OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane. More memory
# would let a handful of sign-ins at once starve a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked when nobody has the address, so that the answer takes as long as for a wrong password.
_nobodys_hash = _hasher.hash(new_token())


# Hashing fills a core and 19 MiB each: a flood of sign-ins must not take the whole machine.
_at_once = BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """What is stored of a password. Takes tens of milliseconds, so the database is left first.

    Raises TransactionOpen inside a write transaction.
    """
    leave_database()
    with _at_once:
        return _hasher.hash(password)


def password_matches(password: str, stored: str | None) -> bool:
    """Whether the password is the one behind `stored`. None (no such person) takes as long.

    Raises TransactionOpen inside a write transaction: this takes as long as `hash_password`.
    """
    leave_database()
    try:
        with _at_once:
            _hasher.verify(stored or _nobodys_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(stored)
