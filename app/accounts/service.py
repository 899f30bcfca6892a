"""What can be done with accounts. Other packages use this and `queries` only."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import queries, rules
from app.accounts.hashing import hash_password
from app.accounts.models import User
from app.accounts.passwords import (
    ResetLinkDead,
    change_password,
    checked_password,
    request_password_reset,
    reset_password,
)
from app.accounts.queries import Person
from app.accounts.sign_ins import (
    WrongCredentials,
    create_token,
    revoke_every_token,
    revoke_token,
    sign_in,
    sign_out,
    sign_out_other_browsers,
)
from app.accounts.states import Role
from app.accounts.tidying import delete_old_sign_ins
from app.core import clock
from app.core.audit import record_audit
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.events import SignedOut, UserSuspended, record
from app.core.transaction import transaction

__all__ = [
    "EmailTaken",
    "ResetLinkDead",
    "WrongCredentials",
    "change_password",
    "change_user",
    "create_token",
    "create_user",
    "delete_old_sign_ins",
    "register_user",
    "rename_user",
    "request_password_reset",
    "reset_password",
    "revoke_every_token",
    "revoke_token",
    "sign_in",
    "sign_out",
    "sign_out_other_browsers",
]


class EmailTaken(Conflict):
    """Another account has this email address."""

    code = "email_taken"
    detail = "An account with this email address exists already. Log in, or use another address."


def register_user(email: str, name: str, password: str, role: str = Role.BUYER) -> Person:
    """Open an account for somebody who came by themselves: a buyer or a seller.

    Raises Invalid naming each wrong field, EmailTaken.
    """
    try:
        chosen = rules.chosen_role(role)
    except ValueError as wrong:
        raise Invalid.field("role", str(wrong)) from None
    return _open_account(email, name, password, chosen, "user.registered")


def create_user(email: str, name: str, password: str, role: Role) -> Person:
    """Open an account of any role, from the shell; raises Invalid, EmailTaken."""
    return _open_account(email, name, password, role, "user.created")


def rename_user(person_id: int, name: str) -> None:
    """Change the display name; raises Invalid, NotFound."""
    try:
        name = rules.clean_name(name)
    except ValueError as wrong:
        raise Invalid.field("name", str(wrong)) from None
    with transaction() as session:
        renamed = session.scalar(
            update(User).where(User.id == person_id).values(name=name).returning(User.id)
        )
        if renamed is None:
            raise NotFound
        record_audit(session, "user.renamed", "user", person_id, person_id, name=name)


def change_user(
    actor_id: int, user_id: int, *, role: Role | None = None, active: bool | None = None
) -> Person:
    """An administrator gives a role, suspends (`active=False`) or lets in again.

    Open pages are cut off, and a suspension ends every sign-in, unless a payment is due: that can
    still be finished. Raises NotFound, Forbidden when the actor is no administrator any more,
    Conflict for the administrator's own account.
    """
    changes: dict[str, Any] = {}
    if role is not None:
        changes["role"] = role
    if active is not None:
        changes["active"] = active
    with transaction() as session:
        # Two who suspend each other at the same moment must not leave nobody.
        if actor_id not in _administrators_locked(session):
            raise Forbidden
        row = session.execute(queries.people_selected().where(User.id == user_id)).one_or_none()
        if row is None:
            raise NotFound
        before = queries.to_person(row)
        changes = {key: value for key, value in changes.items() if getattr(before, key) != value}
        if not changes:
            return before
        # Whoever asks stays an active administrator, so there is always one left.
        if actor_id == user_id:
            raise Conflict("You cannot suspend yourself or change your own role.")
        session.execute(update(User).where(User.id == user_id).values(**changes))
        record_audit(session, "user.changed", "user", user_id, actor_id, **changes)
        # What a socket may hear was decided when it was opened.
        record(session, SignedOut(user_id, None))
        if changes.get("active") is False:
            record(session, UserSuspended(user_id))
        row = session.execute(queries.people_selected().where(User.id == user_id)).one()
    return queries.to_person(row)


def _administrators_locked(session: Session) -> set[int]:
    """The active administrators, none of whom anybody else can change meanwhile."""
    active = select(User.id).where(User.role == Role.ADMIN, User.active).order_by(User.id)
    return set(session.scalars(active.with_for_update(key_share=True)))


def _open_account(email: str, name: str, password: str, role: Role, action: str) -> Person:
    wrong: dict[str, list[str]] = {}
    try:
        email = rules.clean_email(email)
    except ValueError as problem:
        wrong["email"] = [str(problem)]
    try:
        name = rules.clean_name(name)
    except ValueError as problem:
        wrong["name"] = [str(problem)]
    try:
        password = checked_password(password, email, name)
    except Invalid as problem:
        wrong |= problem.errors
    if wrong:
        raise Invalid(wrong)
    kept = hash_password(password)
    try:
        with transaction() as session:
            user_id = session.scalar(
                insert(User)
                .values(
                    email=email,
                    name=name,
                    password_hash=kept,
                    role=role,
                    active=True,
                    created_at=clock.now(),
                )
                .returning(User.id)
            )
            if user_id is None:
                raise NotFound
            record_audit(session, action, "user", user_id, user_id, role=role)
    except IntegrityError:
        # Asking first would not do: somebody may register the address in between.
        raise EmailTaken from None
    return Person(user_id, email, name, role, True, None)
