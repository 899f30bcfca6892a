"""Statements that are compiled once behave as SQLAlchemy's own do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.accounts.models import User
from app.accounts.states import Role
from app.core.columns import Moment
from app.core.extensions import db
from app.core.statements import Prepared
from app.core.transaction import transaction

# A file is not lost as a server is.
ON_A_SERVER = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _insert() -> Any:
    users: Any = User.__table__
    given = {"email": bindparam("email"), "created_at": bindparam("moment", type_=Moment())}
    fixed = {"name": "Ada", "password_hash": "-", "role": Role.SELLER, "active": True}
    return insert(users).values(given | fixed).returning(users.c.id)


def _select() -> Any:
    return select(User.role, User.active, User.created_at.label("since")).where(
        User.email == bindparam("email")
    )


ADD = Prepared(_insert)
FIND = Prepared(_select)


def _add(email: str) -> Any:
    with transaction() as session:
        return ADD.run(session, email=email, moment=MOMENT)


def _add_over_a_lost_connection() -> None:
    with transaction() as session:
        held: Any = session.connection().connection
        held.dbapi_connection.pgconn.finish()
        ADD.run(session, email="eve@example.com", moment=MOMENT)


def test_rows_have_the_products_types_and_names_and_none_is_none(app: Flask) -> None:
    with app.app_context():
        assert _add("ada@example.com").id > 0
        assert FIND.read(email="ada@example.com")._asdict() == {
            "role": Role.SELLER,
            "active": True,
            "since": MOMENT,
        }
        assert FIND.read(email="nobody@example.com") is None
        assert not db.session().in_transaction()


def test_a_driver_error_comes_as_sqlalchemys_without_what_was_given(app: Flask) -> None:
    with app.app_context():
        _add("ada@example.com")
        with pytest.raises(IntegrityError) as failure:
            _add("ada@example.com")
        assert "INSERT INTO users" in str(failure.value.statement)
        assert failure.value.params is None
        # The connection and the session are as good as before.
        assert _add("eve@example.com").id > 0


@ON_A_SERVER
def test_a_lost_connection_is_told_and_replaced(app: Flask) -> None:
    with app.app_context():
        assert _add("ada@example.com")
        with pytest.raises(DBAPIError) as failure:
            _add_over_a_lost_connection()
        assert failure.value.connection_invalidated
        assert _add("eve@example.com").id > 0


@ON_A_SERVER
def test_a_connection_lost_before_the_statement_is_told_alike(app: Flask) -> None:
    with app.app_context():
        held: Any = db.session().connection().connection
        held.dbapi_connection.pgconn.finish()
        with pytest.raises(DBAPIError) as failure:
            FIND.read(email="ada@example.com")
        assert failure.value.connection_invalidated
        db.session.remove()
        assert FIND.read(email="ada@example.com") is None


def test_listeners_hear_of_prepared_statements(app: Flask) -> None:
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement.split()[0])

    def note(*_: Any) -> None:
        heard.append("after")

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", hear)
        event.listen(db.engine, "after_cursor_execute", note)
        try:
            FIND.read(email="ada@example.com")
        finally:
            event.remove(db.engine, "before_cursor_execute", hear)
            event.remove(db.engine, "after_cursor_execute", note)
    assert heard == ["SELECT", "after"]


@ON_A_SERVER
def test_only_of_a_statement_that_is_not_for_its_values_a_plan_is_kept(app: Flask) -> None:
    for_values = Prepared(lambda: select(User.email).where(User.name == bindparam("name")),
                          for_values=True)  # fmt: skip
    kept = Prepared(lambda: select(User.email).where(User.role == bindparam("role")))
    with app.app_context(), transaction() as session:
        for _ in range(8):
            for_values.run(session, name="Ada")
            kept.run(session, role="SELLER")
        found = session.execute(text("SELECT statement FROM pg_prepared_statements")).scalars()
        statements = [each for each in found if each.startswith("SELECT users.email")]
    assert len(statements) == 1
    assert "users.role =" in statements[0]
