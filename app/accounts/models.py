"""Tables of people and their ways in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.states import Role, TokenKind
from app.core.columns import Identifier, Moment, one_of
from app.core.extensions import Model


class User(Model):
    """A person. `email` is kept in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_role", "role", "id"),
        Index("ix_users_active", "active", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(one_of(Role))
    active: Mapped[bool] = mapped_column(default=True)
    bidding_suspended_until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class AccessToken(Model):
    """One way in: a browser's session or a program's bearer token; only its digest is stored."""

    __tablename__ = "access_tokens"
    __table_args__ = (
        Index(
            "ix_access_tokens_live",
            "user_id",
            postgresql_where=text("revoked_at IS NULL"),
            sqlite_where=text("revoked_at IS NULL"),
        ),
        Index("ix_access_tokens_expires_at", "expires_at"),
        Index("ix_access_tokens_revoked_at", "revoked_at"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    user_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"))
    kind: Mapped[TokenKind] = mapped_column(one_of(TokenKind))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class PasswordReset(Model):
    """A single-use link to choose a new password; only its digest is stored."""

    __tablename__ = "password_resets"
    __table_args__ = (Index("ix_password_resets_expires_at", "expires_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    user_id: Mapped[int] = mapped_column(Identifier, ForeignKey("users.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
