"""The outbox, a mail's page, and sending again."""

from __future__ import annotations

import pytest
from flask import Flask

from app.accounts import queries as accounts
from app.accounts.models import PasswordReset
from app.core.extensions import db
from app.notifications.models import Email
from tests.admin.conftest import Add
from tests.people import Browser, TestPerson


def test_mails_are_found_by_recipient_state_and_kind(admin: TestPerson, add: Add) -> None:
    assert "No emails yet" in admin.browser.get("/admin/emails").text
    ids = [
        add(Email, recipient="ada@mails.example", status="SENT"),
        add(Email, recipient="bo@mails.example", status="DEAD", last_error="550 no such mailbox"),
        add(Email, recipient="bo@mails.example", kind="sale_completed"),
    ]
    for asked, found in (
        ({}, ids),
        ({"q": "BO@"}, ids[1:]),
        ({"status": "DEAD"}, ids[1:2]),
        ({"kind": "payment_receipt"}, ids[:2]),
        ({"q": "ada", "status": "DEAD"}, []),
    ):
        page = admin.browser.get("/admin/emails", query_string=asked).text
        assert [each for each in ids if f'href="/admin/emails/{each}"' in page] == found, asked
        assert found or "No email matches" in page
    assert "550 no such mailbox" in admin.browser.get("/admin/emails").text
    assert admin.browser.get("/admin/emails?status=LOST").status_code == 422


def test_a_mails_page_shows_it_as_its_recipient_reads_it(admin: TestPerson, add: Add) -> None:
    mail = add(Email, subject="Receipt for <Dawn>", last_error="421 later", attempts=3)
    page = admin.browser.get(f"/admin/emails/{mail}").text
    for words in ("Receipt for &lt;Dawn&gt;", "421 later", "Send now", "$120.00", "Ada"):
        assert words in page
    assert f'src="/admin/emails/{mail}/preview"' in page
    preview = admin.browser.get(f"/admin/emails/{mail}/preview")
    assert "<h1" in preview.text
    assert "$120.00" in preview.text
    policy = preview.headers["Content-Security-Policy"]
    for rule in ("sandbox;", "default-src 'none'", "form-action 'none'", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy


def test_no_administrator_can_read_the_link_of_a_password_reset(
    app: Flask, client: Browser, admin: TestPerson, buyer: TestPerson
) -> None:
    client.submit("/password/forgot", email=buyer.email)
    with app.app_context():
        mail = db.session.query(Email).one()
        reset = db.session.query(PasswordReset).one()
        token = accounts.reset_token(reset.id)
    assert mail.kind == "password_reset"
    pages = [
        admin.browser.get(path, headers=admin.bearer)
        for path in (
            f"/admin/emails/{mail.id}",
            f"/admin/emails/{mail.id}/preview",
            "/admin/emails",
            "/api/admin/emails",
            f"/admin/audit-logs?resource_type=user&resource_id={buyer.id}",
        )
    ]
    for page in pages:
        assert page.status_code == 200
        assert token not in page.text
        assert reset.digest not in page.text
    assert "its recipient’s alone" in pages[0].text
    assert "hidden-from-administrators" in pages[1].text


def test_a_mail_that_no_template_can_show_any_more_still_has_its_page(
    admin: TestPerson, add: Add
) -> None:
    mail = add(Email, facts={})
    page = admin.browser.get(f"/admin/emails/{mail}")
    assert page.status_code == 200
    assert "can no longer be shown" in page.text
    assert admin.browser.get(f"/admin/emails/{mail}/preview").status_code == 404


@pytest.mark.parametrize("status", ["PENDING", "SENT", "DEAD"])
def test_a_mail_is_sent_again(app: Flask, admin: TestPerson, add: Add, status: str) -> None:
    mail = add(Email, status=status)
    answer = admin.browser.submit(f"/admin/emails/{mail}/send")
    assert answer.status_code == 303
    page = admin.browser.get(answer.location).text
    assert "It will be sent again in a moment" in page
    assert "Waiting" in page
    with app.app_context():
        row = db.session.get(Email, mail)
        assert row is not None
        assert row.status == "PENDING"


def test_the_outbox_is_no_one_elses(buyer: TestPerson, admin: TestPerson, add: Add) -> None:
    mail = add(Email, recipient=buyer.email)
    for path in (f"/admin/emails/{mail}", f"/admin/emails/{mail}/preview"):
        assert buyer.browser.get(path).status_code == 403
    assert buyer.browser.submit(f"/admin/emails/{mail}/send").status_code == 403
    for path in ("/admin/emails/999999", "/admin/emails/999999/preview"):
        assert admin.browser.get(path).status_code == 404
    assert admin.browser.submit("/admin/emails/999999/send").status_code == 404
