"""Signing in and out, and the tokens that keep somebody signed in."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.accounts import queries, rules
from app.accounts.hashing import hash_password, is_outdated, password_matches
from app.accounts.models import AccessToken, User
from app.accounts.queries import Person
from app.accounts.states import TokenKind
from app.core import clock
from app.core.audit import record_audit
from app.core.errors import NotFound, NotSignedIn
from app.core.events import SignedOut, record
from app.core.extensions import db
from app.core.secrets import new_token, token_digest
from app.core.transaction import transaction

_LIFETIMES = {TokenKind.BROWSER: rules.BROWSER_LIFETIME, TokenKind.API: rules.API_LIFETIME}


class WrongCredentials(NotSignedIn):
    """No account has this email address with this password; which of the two stays unsaid."""

    detail = "The email address or the password is wrong."


def sign_in(email: str, password: str, kind: TokenKind, label: str) -> tuple[Person, str]:
    """Check the password and issue a token: 30 days for a browser, 90 for a program.

    An address that nobody has takes as long as a wrong password. A suspended account may sign in:
    a payment that is already due can still be finished. Raises WrongCredentials.
    """
    try:
        email, password = rules.clean_email(email), rules.typed_password(password)
    except ValueError:
        raise WrongCredentials from None
    found = db.session.execute(
        select(User.id, User.password_hash).where(User.email == email)
    ).one_or_none()
    stored = found.password_hash if found else None
    if not password_matches(password, stored) or found is None or stored is None:
        raise WrongCredentials
    kept = hash_password(password) if is_outdated(stored) else stored
    with transaction() as session:
        # The guard: the password may have been changed while this one was being checked.
        held = session.scalar(
            update(User)
            .where(User.id == found.id, User.password_hash == stored)
            .values(password_hash=kept)
            .returning(User.id)
        )
        if held is None:
            raise WrongCredentials
        token, token_id = _issue(session, found.id, kind, label)
        record_audit(session, "user.signed_in", "access_token", token_id, found.id, kind=kind)
        row = session.execute(queries.people_selected().where(User.id == found.id)).one()
    return queries.to_person(row), token


def sign_out(person_id: int, token_id: int) -> None:
    """End one sign-in of that person. Ending it again is no error and leaves no trace."""
    with transaction() as session:
        _revoke(session, person_id, "user.signed_out", AccessToken.id == token_id)


def create_token(person_id: int, label: str) -> str:
    """Issue an API token with a name that its owner will know; raises ValueError for the name."""
    label = rules.clean_label(label)
    with transaction() as session:
        token, token_id = _issue(session, person_id, TokenKind.API, label)
        record_audit(
            session, "user.token_created", "access_token", token_id, person_id, label=label
        )
    return token


def revoke_token(person_id: int, token_id: int) -> None:
    """End one of a person's browser sessions or API tokens; raises NotFound when it is not live."""
    with transaction() as session:
        if not _revoke(session, person_id, "user.token_revoked", AccessToken.id == token_id):
            raise NotFound


def sign_out_other_browsers(person_id: int, kept_token_id: int) -> int:
    """End every browser session of a person but one; the number ended."""
    with transaction() as session:
        return _revoke(
            session,
            person_id,
            "user.token_revoked",
            AccessToken.kind == TokenKind.BROWSER,
            AccessToken.id != kept_token_id,
        )


def revoke_every_token(session: Session, person_id: int, kept_token_id: int | None = None) -> None:
    """End all sign-ins of a person but `kept_token_id`, inside the caller's transaction."""
    others = [] if kept_token_id is None else [AccessToken.id != kept_token_id]
    _revoke(session, person_id, "user.token_revoked", *others)


def _issue(session: Session, person_id: int, kind: TokenKind, label: str) -> tuple[str, int]:
    token, moment = new_token(), clock.now()
    token_id = session.scalar(
        insert(AccessToken)
        .values(
            user_id=person_id,
            kind=kind,
            digest=token_digest(token),
            label=label,
            created_at=moment,
            expires_at=moment + _LIFETIMES[kind],
        )
        .returning(AccessToken.id)
    )
    assert token_id is not None  # noqa: S101 (an INSERT … RETURNING gives its row)
    return token, token_id


def _revoke(session: Session, person_id: int, action: str, *which: Any) -> int:
    ended = session.scalars(
        update(AccessToken)
        .where(AccessToken.user_id == person_id, AccessToken.revoked_at.is_(None), *which)
        .values(revoked_at=clock.now())
        .returning(AccessToken.id)
    ).all()
    for token_id in ended:
        record_audit(session, action, "access_token", token_id, person_id)
        record(session, SignedOut(person_id, token_id))
    return len(ended)
