"""People, artworks and browsers for tests, made without going through pages."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert
from werkzeug.test import TestResponse

from app.accounts.models import AccessToken, User
from app.accounts.states import Role, TokenKind
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.core import clock
from app.core.secrets import new_token, token_digest
from app.core.transaction import transaction

PASSWORD = "a long enough password"
_CSRF_SECRET = "0123456789abcdef0123456789abcdef01234567"
_numbers = itertools.count(1)


@functools.cache
def password_hash() -> str:
    """The hash of PASSWORD, worked out once: argon2 is slow on purpose."""
    return PasswordHasher().hash(PASSWORD)


class Browser(FlaskClient):
    """A client that sends forms as a browser would: with the CSRF token of its session."""

    def csrf_token(self) -> str:
        """The token that a form of this session would carry."""
        with self.session_transaction() as kept:
            raw = kept.setdefault("csrf_token", _CSRF_SECRET)
        signer = URLSafeTimedSerializer(
            self.application.config["SECRET_KEY"], salt="wtf-csrf-token"
        )
        return str(signer.dumps(raw))

    def submit(self, path: str, **fields: Any) -> TestResponse:
        """POST a form with its CSRF token; redirects are not followed."""
        return self.post(path, data={"csrf_token": self.csrf_token(), **fields})


@dataclass(frozen=True)
class TestPerson:
    """Somebody with an account: a signed-in browser, and a bearer token for the API."""

    __test__ = False

    id: int
    email: str
    name: str
    role: Role
    browser: Browser
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        """Headers that sign a program in."""
        return {"Authorization": f"Bearer {self.token}"}


def anonymous(app: Flask) -> Browser:
    """A browser that nobody is signed in with."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    return client


def make_person(app: Flask, role: str = "BUYER", name: str = "", **columns: Any) -> TestPerson:
    """An account with PASSWORD; `columns` are more of the table's."""
    number = next(_numbers)
    name = name or f"{role.title()} {number}"
    email = columns.pop("email", f"person{number}@example.com")
    moment = clock.now()
    tokens = {kind: new_token() for kind in TokenKind}
    with app.app_context(), transaction() as session:
        person_id = session.scalar(
            insert(User)
            .values(
                email=email, name=name, role=Role(role), password_hash=password_hash(),
                **{"active": True, "created_at": moment} | columns,
            )
            .returning(User.id)
        )  # fmt: skip
        assert person_id is not None
        for kind, token in tokens.items():
            session.execute(
                insert(AccessToken).values(
                    user_id=person_id, kind=kind, digest=token_digest(token), label="a test",
                    created_at=moment, expires_at=moment + timedelta(days=1),
                )
            )  # fmt: skip
    browser = anonymous(app)
    with browser.session_transaction() as kept:
        kept["_user_id"] = tokens[TokenKind.BROWSER]
        kept["_fresh"] = True
        kept["csrf_token"] = _CSRF_SECRET
    return TestPerson(person_id, email, name, Role(role), browser, tokens[TokenKind.API])


def make_artwork(
    app: Flask,
    seller: TestPerson,
    threshold_cents: int = 10_000,
    title: str = "",
    status: str = "ACTIVE",
    end_at: datetime | None = None,
    **columns: Any,
) -> int:
    """An artwork's row, without a picture; its id."""
    moment = clock.now()
    values = {"created_at": moment, "updated_at": moment} | columns
    with app.app_context(), transaction() as session:
        artwork_id = session.scalar(
            insert(Artwork)
            .values(
                seller_id=seller.id, title=title or f"Still life {next(_numbers)}",
                threshold_cents=threshold_cents, status=ArtworkStatus(status), end_at=end_at,
                **values,
            )
            .returning(Artwork.id)
        )  # fmt: skip
    assert artwork_id is not None
    return artwork_id
