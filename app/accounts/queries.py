"""Reads: who people are, who a token belongs to, where somebody is signed in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, select

from app.accounts.models import AccessToken, PasswordReset, User
from app.accounts.states import Role, TokenKind
from app.core import clock
from app.core.access import Viewer
from app.core.columns import Moment
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.secrets import keyed_digest, token_digest
from app.core.statements import Prepared

# Longer than any token of ours: a longer text needs no look into the database.
_TOKEN_MAXIMUM = 200
_SIGN_INS_SHOWN = 100


@dataclass(frozen=True)
class Person:
    """A user as plain values."""

    id: int
    email: str
    name: str
    role: Role
    active: bool
    bidding_suspended_until: datetime | None


@dataclass(frozen=True)
class SignIn:
    """A live browser session or API token."""

    id: int
    kind: TokenKind
    label: str
    created_at: datetime
    expires_at: datetime


def people_selected() -> Select[int, str, str, Role, bool, datetime | None]:
    """The columns that make a Person, to be narrowed by the caller."""
    return select(
        User.id, User.email, User.name, User.role, User.active, User.bidding_suspended_until
    )


def to_person(row: Row[int, str, str, Role, bool, datetime | None]) -> Person:
    """A row of `people_selected` as a Person."""
    return Person(*row)


def _by_id() -> Any:
    return people_selected().where(User.id == bindparam("user_id"))


_BY_ID = Prepared(_by_id, Person)


def person(user_id: int) -> Person:
    """The person with that id; raises NotFound."""
    found: Person | None = _BY_ID.read(user_id=user_id)
    if found is None:
        raise NotFound
    return found


def names(ids: Iterable[int]) -> dict[int, str]:
    """The display names of those of `ids` that exist."""
    wanted = set(ids)
    if not wanted:
        return {}
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def administrators() -> list[Person]:
    """Every active administrator."""
    found = people_selected().where(User.role == Role.ADMIN, User.active).order_by(User.id)
    return [to_person(row) for row in db.session.execute(found)]


def is_live(moment: Any) -> ColumnElement[bool]:
    """That an AccessToken signs its owner in at that moment, given or bound."""
    return and_(AccessToken.revoked_at.is_(None), AccessToken.expires_at > moment)


def _by_token() -> Any:
    return (
        select(
            User.id,
            User.email,
            User.name,
            User.role,
            User.active,
            AccessToken.id.label("token_id"),
        )
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(
            AccessToken.digest == bindparam("digest"),
            AccessToken.kind == bindparam("kind"),
            is_live(bindparam("moment", type_=Moment())),
        )
    )


_BY_TOKEN = Prepared(_by_token)


def viewer_by_token(token: str, kind: TokenKind) -> Viewer | None:
    """Whom a live token of that kind signs in, in one query; None when it signs in nobody."""
    if not token.isascii() or len(token) > _TOKEN_MAXIMUM:
        return None
    row = _BY_TOKEN.read(digest=token_digest(token), kind=kind.value, moment=clock.now())
    if row is None:
        return None
    return Viewer(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role.value,
        active=row.active,
        token_id=row.token_id,
        token=token,
        by_bearer=kind == TokenKind.API,
    )


def sign_ins(user_id: int, kind: TokenKind) -> list[SignIn]:
    """Where a person is signed in, newest first; at most the 100 newest."""
    rows = db.session.execute(
        select(
            AccessToken.id,
            AccessToken.kind,
            AccessToken.label,
            AccessToken.created_at,
            AccessToken.expires_at,
        )
        .where(
            AccessToken.user_id == user_id,
            AccessToken.kind == kind,
            is_live(clock.now()),
        )
        .order_by(AccessToken.id.desc())
        .limit(_SIGN_INS_SHOWN)
    )
    return [SignIn(*row) for row in rows]


def reset_token(reset_id: int) -> str:
    """The token of a password reset, for the mail's link; raises NotFound.

    It is derived from SECRET_KEY, so that the mail can be written later although only the token's
    digest is stored.
    """
    row = db.session.execute(
        select(PasswordReset.user_id, PasswordReset.created_at).where(PasswordReset.id == reset_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return derive_reset_token(reset_id, row.user_id, row.created_at)


def derive_reset_token(reset_id: int, user_id: int, created_at: datetime) -> str:
    """The token that belongs to a row of password_resets."""
    # The moment makes sure that a row number used again never brings an old link back to life.
    key = current_app.config["SETTINGS"].secret_key
    return keyed_digest(key, "password-reset", reset_id, user_id, created_at.timestamp())


def reset_is_open(token: str) -> bool:
    """Whether a reset link can still be used."""
    return open_reset(token) is not None


def open_reset(token: str) -> tuple[int, Person] | None:
    """The id of an unused reset that has not run out, and its person; None otherwise."""
    if not token.isascii() or len(token) > _TOKEN_MAXIMUM:
        return None
    row = db.session.execute(
        select(PasswordReset.id, PasswordReset.user_id).where(
            PasswordReset.digest == token_digest(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > clock.now(),
        )
    ).one_or_none()
    return None if row is None else (row.id, person(row.user_id))
