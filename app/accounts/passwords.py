"""Choosing a new password: by the old one, or by a link from an email."""

import time
from datetime import datetime
from functools import cache

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.accounts import queries, rules
from app.accounts.hashing import hash_password, password_matches
from app.accounts.models import PasswordReset, User
from app.accounts.queries import Person
from app.accounts.sign_ins import revoke_every_token
from app.core import clock
from app.core.audit import record_audit
from app.core.errors import Conflict, Invalid, NotFound
from app.core.events import PasswordResetRequested, record
from app.core.extensions import db
from app.core.secrets import new_token, token_digest
from app.core.transaction import leave_database, transaction

# Longer than writing the mail down takes, with a database that is busy.
_RESET_SECONDS = 0.4


class ResetLinkDead(Conflict):
    """The link was used, replaced by a newer one, or is too old; or it never was one."""

    code = "reset_link_dead"
    detail = "This link was already used or has run out. Ask for a new one."


@cache
def _common() -> frozenset[str]:
    """The 30,000 passwords that are used most, from the lists of zxcvbn."""
    return frozenset(FREQUENCY_LISTS["passwords"])


def checked_password(password: str, email: str, name: str, field: str = "password") -> str:
    """The password if that person may choose it; raises Invalid for `field`."""
    try:
        password = rules.new_password(password)
        rules.check_password_of(password, email, name)
        rules.check_common(password, _common())
    except ValueError as wrong:
        raise Invalid.field(field, str(wrong)) from None
    return password


def change_password(person_id: int, current: str, password: str, kept_token_id: int) -> None:
    """Replace the password and end every other sign-in of the person.

    Raises Invalid for `current_password` or `password`.
    """
    wrong = Invalid.field("current_password", "This is not your current password.")
    try:
        current = rules.typed_password(current)
    except ValueError as problem:
        raise Invalid.field("current_password", str(problem)) from None
    person = queries.person(person_id)
    stored = db.session.scalar(select(User.password_hash).where(User.id == person_id))
    if not password_matches(current, stored):
        raise wrong
    fresh = hash_password(checked_password(password, person.email, person.name))
    with transaction() as session:
        # The guard: of two changes at once, the second no longer knows the password.
        held = session.scalar(
            update(User)
            .where(User.id == person_id, User.password_hash == stored)
            .values(password_hash=fresh)
            .returning(User.id)
        )
        if held is None:
            raise wrong
        _void_resets(session, person_id, clock.now())
        revoke_every_token(session, person_id, kept_token_id)
        record_audit(session, "user.password_changed", "user", person_id, person_id)


def request_password_reset(email: str) -> None:
    """Owe the person with this address a link to choose a new password.

    It works once, for an hour, and voids older ones. For an address that nobody has, nothing
    happens and the caller is told the same.
    """
    answer_at = time.monotonic() + _RESET_SECONDS
    _owe_reset_link(email)
    # By the time alone nobody can tell whether the address has an account.
    time.sleep(max(0.0, answer_at - time.monotonic()))


def _owe_reset_link(email: str) -> None:
    try:
        email = rules.clean_email(email)
    except ValueError:
        return
    row = db.session.execute(queries.people_selected().where(User.email == email)).one_or_none()
    leave_database()
    if row is None:
        return
    person = queries.to_person(row)
    with transaction() as session:
        moment = clock.now()
        lately = session.scalar(
            select(func.count()).where(
                PasswordReset.user_id == person.id,
                PasswordReset.created_at > moment - rules.RESET_LIFETIME,
            )
        )
        if (lately or 0) >= rules.RESETS_PER_LIFETIME:
            return
        _void_resets(session, person.id, moment)
        reset_id = _write_reset(session, person, moment)
        record_audit(session, "user.password_reset_requested", "user", person.id)
        record(session, PasswordResetRequested(reset_id, person.id, person.email, person.name))


def reset_password(token: str, password: str) -> Person:
    """Replace the password by the right of a link, and end every sign-in of the person.

    Raises ResetLinkDead, or Invalid for `password` (the link then still works).
    """
    opened = queries.open_reset(token)
    if opened is None:
        raise ResetLinkDead
    reset_id, person = opened
    fresh = hash_password(checked_password(password, person.email, person.name))
    with transaction() as session:
        moment = clock.now()
        # The guard: of two uses at once, one finds the row still unused.
        used = session.scalar(
            update(PasswordReset)
            .where(
                PasswordReset.id == reset_id,
                PasswordReset.used_at.is_(None),
                PasswordReset.expires_at > moment,
            )
            .values(used_at=moment)
            .returning(PasswordReset.id)
        )
        if used is None:
            raise ResetLinkDead
        session.execute(update(User).where(User.id == person.id).values(password_hash=fresh))
        _void_resets(session, person.id, moment)
        revoke_every_token(session, person.id)
        record_audit(session, "user.password_reset", "user", person.id, person.id)
    return person


def _write_reset(session: Session, person: Person, moment: datetime) -> int:
    reset_id: int | None = session.scalar(
        insert(PasswordReset)
        .values(
            user_id=person.id,
            # The token depends on the row's number, which is known only once the row is there.
            digest=token_digest(new_token()),
            created_at=moment,
            expires_at=moment + rules.RESET_LIFETIME,
        )
        .returning(PasswordReset.id)
    )
    if reset_id is None:
        raise NotFound
    token = queries.derive_reset_token(reset_id, person.id, moment)
    session.execute(
        update(PasswordReset).where(PasswordReset.id == reset_id).values(digest=token_digest(token))
    )
    return reset_id


def _void_resets(session: Session, person_id: int, moment: datetime) -> None:
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == person_id, PasswordReset.used_at.is_(None))
        .values(used_at=moment)
    )
