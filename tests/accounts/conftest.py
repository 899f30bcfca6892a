"""What the tests of accounts share: listening to events, reading rows, reset links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts import queries, service
from app.accounts.models import AccessToken, User
from app.core import events
from app.core.audit import AuditLog
from app.core.extensions import db


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every event of accounts that a commit made public during the test, in order."""
    told: list[Any] = []
    for kind in (events.SignedOut, events.PasswordResetRequested):
        before = events._after_commit.get(kind, [])
        monkeypatch.setitem(events._after_commit, kind, [*before, told.append])
    return told


@pytest.fixture
def deeds(app: Flask) -> Callable[[int], list[str]]:
    """`deeds(user_id)`: the actions that the audit log holds of a person, oldest first."""

    def of(user_id: int) -> list[str]:
        with app.app_context():
            rows = select(AuditLog.action).where(AuditLog.user_id == user_id).order_by(AuditLog.id)
            return list(db.session.scalars(rows))

    return of


@pytest.fixture
def user_row(app: Flask) -> Callable[[str], User | None]:
    """`user_row(email)`: the stored row, or None."""

    def of(email: str) -> User | None:
        with app.app_context():
            return db.session.scalar(select(User).where(User.email == email))

    return of


@pytest.fixture
def live_tokens(app: Flask) -> Callable[[int], list[AccessToken]]:
    """`live_tokens(user_id)`: the rows of the tokens that are not revoked."""

    def of(user_id: int) -> list[AccessToken]:
        with app.app_context():
            return list(
                db.session.scalars(
                    select(AccessToken).where(
                        AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None)
                    )
                )
            )

    return of


@pytest.fixture
def ask_for_link(app: Flask, heard: list[Any]) -> Callable[[str], str]:
    """`ask_for_link(email)`: the token of a fresh reset link."""

    def ask(email: str) -> str:
        with app.app_context():
            service.request_password_reset(email)
            return queries.reset_token(heard[-1].reset_id)

    return ask
