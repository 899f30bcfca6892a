"""What other packages ask of accounts: who people are, and an administrator's changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts import queries, service
from app.accounts.states import Role, TokenKind
from app.core.errors import Conflict, Invalid, NotFound
from tests.people import TestPerson


def test_a_person_is_found_as_plain_values(app: Flask, buyer: TestPerson) -> None:
    with app.app_context():
        assert queries.person(buyer.id) == queries.Person(
            buyer.id, buyer.email, buyer.name, Role.BUYER, True, None
        )
        with pytest.raises(NotFound):
            queries.person(buyer.id + 1000)


def test_names_are_found_for_those_that_exist(
    app: Flask, buyer: TestPerson, seller: TestPerson
) -> None:
    with app.app_context():
        found = queries.names([buyer.id, seller.id, buyer.id, 10_000])
        assert found == {buyer.id: buyer.name, seller.id: seller.name}
        assert queries.names([]) == {}


def test_only_active_administrators_are_listed(
    app: Flask, make_person: Callable[..., TestPerson], buyer: TestPerson
) -> None:
    admin = make_person("ADMIN")
    make_person("ADMIN", active=False)
    with app.app_context():
        assert [person.id for person in queries.administrators()] == [admin.id]


def test_a_token_signs_in_for_its_own_kind_only(app: Flask, buyer: TestPerson) -> None:
    with app.app_context():
        viewer = queries.viewer_by_token(buyer.token, TokenKind.API)
        assert viewer is not None
        assert (viewer.id, viewer.role, viewer.by_bearer) == (buyer.id, "BUYER", True)
        assert queries.viewer_by_token(buyer.token, TokenKind.BROWSER) is None
        for hostile in ("", "é", "\ud800", "\x00", "x" * 100_000):
            assert queries.viewer_by_token(hostile, TokenKind.API) is None


def test_an_administrator_suspends_and_gives_roles(
    app: Flask, admin: TestPerson, buyer: TestPerson, deeds: Callable[[int], list[str]]
) -> None:
    with app.app_context():
        service.change_user(admin.id, buyer.id, role=Role.SELLER)
    assert buyer.browser.get("/api/auth/me").json["role"] == "SELLER"
    with app.app_context():
        changed = service.change_user(admin.id, buyer.id, active=False)
        assert (changed.role, changed.active) == (Role.SELLER, False)
        assert service.change_user(admin.id, buyer.id, active=False) == changed
        with pytest.raises(NotFound):
            service.change_user(admin.id, buyer.id + 1000, active=False)
    assert deeds(admin.id) == ["user.changed"] * 2
    assert buyer.browser.get("/api/auth/me").status_code == 401


def test_an_administrator_always_remains(app: Flask, admin: TestPerson) -> None:
    with app.app_context():
        for change in ({"active": False}, {"role": Role.BUYER}):
            with pytest.raises(Conflict, match="suspend yourself"):
                service.change_user(admin.id, admin.id, **change)
        kept = service.change_user(admin.id, admin.id, role=Role.ADMIN, active=True)
        assert kept == queries.person(admin.id)


def test_nobody_makes_themselves_an_administrator(app: Flask) -> None:
    with app.app_context(), pytest.raises(Invalid):
        service.register_user("ada@example.com", "Ada", "correct horse", "ADMIN")
