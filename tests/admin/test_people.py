"""People: finding them, their page, their role, suspending them and letting them in again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts import service
from app.accounts.models import User
from app.accounts.states import Role
from app.core.audit import AuditLog
from app.core.errors import ProductError
from app.core.extensions import db
from tests.dashboards.test_own_pages import make_bid, make_payment
from tests.payments.market import at_once
from tests.people import TestPerson


def standing(app: Flask, person: TestPerson) -> tuple[str, bool]:
    """Role and whether active."""
    with app.app_context():
        row = db.session.get(User, person.id)
        assert row is not None
        return row.role.value, row.active


def test_people_are_found_by_name_address_number_role_and_state(
    admin: TestPerson, make_person: Callable[..., TestPerson]
) -> None:
    ada = make_person("SELLER", name="Ada Maler", email="ada@people.example")
    bo = make_person("BUYER", name="Bo", email="bo@people.example", active=False)
    for asked, found in (
        ({}, {admin.id, ada.id, bo.id}),
        ({"q": "maler"}, {ada.id}),
        ({"q": "BO@people"}, {bo.id}),
        ({"q": f"#{bo.id}"}, {bo.id}),
        ({"role": "SELLER"}, {ada.id}),
        ({"active": "no"}, {bo.id}),
        ({"active": "yes"}, {admin.id, ada.id}),
        ({"q": "nobody is called this"}, set()),
    ):
        page = admin.browser.get("/admin/users", query_string=asked).text
        links = {each.id for each in (admin, ada, bo) if f'href="/admin/users/{each.id}"' in page}
        assert links == found, asked
        assert found or "Nobody matches" in page
    assert admin.browser.get("/admin/users?role=KING").status_code == 422


def test_a_persons_page_counts_what_the_account_was_used_for(
    app: Flask,
    admin: TestPerson,
    buyer: TestPerson,
    seller: TestPerson,
    make_artwork: Callable[..., int],
) -> None:
    make_bid(app, make_artwork(seller), buyer, 500)
    sold = make_artwork(seller, status="SOLD", sold_cents=12_000)
    make_payment(app, sold, buyer, seller, 12_000, "SUCCEEDED", refunded_cents=2_000)
    make_payment(app, make_artwork(seller), buyer, seller, 9_000, "CANCELED")
    page = " ".join(admin.browser.get(f"/admin/users/{buyer.id}").text.split())
    for words in (buyer.email, "$100.00 after refunds", "1 API token"):
        assert words in page
    for label, number in (("Bids", 3), ("Unpaid wins", 1), ("Signed in", 1), ("Sales", 0)):
        assert f'{label}</dt> <dd class="stat__value">{number}</dd>' in page, label
    page = " ".join(admin.browser.get(f"/admin/users/{seller.id}").text.split())
    assert 'Sales</dt> <dd class="stat__value">1</dd>' in page
    assert admin.browser.get("/admin/users/999999").status_code == 404


def test_a_role_is_given_and_noted(app: Flask, admin: TestPerson, buyer: TestPerson) -> None:
    answer = admin.browser.submit(f"/admin/users/{buyer.id}/role", role="SELLER")
    assert answer.status_code == 303
    page = admin.browser.get(answer.location).text
    assert f"{buyer.name} is now: seller." in page
    assert "user.changed" in page
    assert standing(app, buyer) == ("SELLER", True)
    assert buyer.browser.get("/seller").status_code == 200
    assert admin.browser.submit(f"/admin/users/{buyer.id}/role", role="KING").status_code == 422
    assert admin.browser.submit("/admin/users/999999/role", role="BUYER").status_code == 404


def test_suspending_asks_first_and_shuts_out_browser_and_token(
    app: Flask, admin: TestPerson, buyer: TestPerson
) -> None:
    path = f"/admin/users/{buyer.id}/suspend"
    assert "A payment that is already due can still be finished" in admin.browser.get(path).text
    unsure = admin.browser.submit(path)
    assert unsure.status_code == 422
    assert "Tick the box" in unsure.text
    assert standing(app, buyer) == ("BUYER", True)

    answer = admin.browser.submit(path, sure="y")
    assert "is suspended" in admin.browser.get(answer.location).text
    for headers in ({}, buyer.bearer):
        assert buyer.browser.get("/api/favourites", headers=headers).status_code == 401
    assert standing(app, buyer) == ("BUYER", False)

    answer = admin.browser.submit(f"/admin/users/{buyer.id}/activate")
    assert "may use the product again" in admin.browser.get(answer.location).text
    assert standing(app, buyer) == ("BUYER", True)


def test_nobody_suspends_or_demotes_themselves(app: Flask, admin: TestPerson) -> None:
    page = admin.browser.get(f"/admin/users/{admin.id}").text
    assert "This is you" in page
    assert "Change the role" not in page
    for path, fields in (("suspend", {"sure": "y"}), ("role", {"role": "BUYER"})):
        answer = admin.browser.submit(f"/admin/users/{admin.id}/{path}", **fields)
        assert "You cannot suspend yourself" in admin.browser.get(answer.location).text
    assert standing(app, admin) == ("ADMIN", True)


def test_two_administrators_who_shut_each_other_out_leave_one(
    app: Flask, admin: TestPerson, make_person: Callable[..., TestPerson]
) -> None:
    for change in ({"active": False}, {"role": Role.BUYER}):
        pair = [make_person("ADMIN"), make_person("ADMIN")]

        def shut_out(number: int, pair: list[TestPerson] = pair, change: dict = change) -> str:
            with app.app_context():
                try:
                    service.change_user(pair[number].id, pair[1 - number].id, **change)
                except ProductError as refused:
                    return type(refused).__name__
                finally:
                    db.session.remove()
            return "done"

        assert sorted(at_once(2, shut_out)) == ["Forbidden", "done"]
        assert ("ADMIN", True) in {standing(app, person) for person in pair}


@pytest.mark.parametrize("page", ["", "/suspend", "/role", "/activate"])
def test_nobody_else_may(
    app: Flask, buyer: TestPerson, seller: TestPerson, page: str
) -> None:  # fmt: skip
    path = f"/admin/users/{seller.id}{page}"
    if page in ("", "/suspend"):
        assert buyer.browser.get(path).status_code == 403
    if page:
        assert buyer.browser.submit(path, sure="y", role="ADMIN").status_code == 403
    assert standing(app, seller) == ("SELLER", True)
    with app.app_context():
        assert db.session.query(AuditLog).filter_by(action="user.changed").count() == 0
