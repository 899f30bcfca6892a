"""What needs a person: until acknowledged on the list, and readable for ever."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.core.audit import AuditLog
from app.core.extensions import db
from app.payments.models import Attention
from tests.admin.conftest import Add
from tests.people import TestPerson


def kept(app: Flask, attention_id: int) -> Attention:
    """The row."""
    with app.app_context():
        found = db.session.get(Attention, attention_id)
    assert found is not None
    return found


def test_an_empty_list_says_what_would_stand_there(admin: TestPerson) -> None:
    assert "Nothing waits for a person" in admin.browser.get("/admin/attention").text
    assert "Nothing acknowledged yet" in admin.browser.get("/admin/attention/acknowledged").text


def test_acknowledging_notes_who_and_when_and_what_they_found(
    app: Flask, admin: TestPerson, add: Add
) -> None:
    first, second = add(Attention, detail="Look at this"), add(Attention, detail="And this")
    answer = admin.browser.submit(
        f"/admin/attention/{first}/acknowledge", note="  Refunded <by hand>.\nDone. "
    )
    assert (answer.status_code, answer.location) == (303, "/admin/attention")
    waiting = admin.browser.get("/admin/attention").text
    assert "Look at this" not in waiting
    assert "And this" in waiting
    assert "Needs a person (1)" in waiting
    seen = admin.browser.get("/admin/attention/acknowledged").text
    for words in ("Look at this", "Refunded &lt;by hand&gt;.\nDone.", admin.name):
        assert words in seen
    row = kept(app, first)
    assert (row.acknowledged_by, row.acknowledged_at is not None) == (admin.id, True)
    assert kept(app, second).acknowledged_at is None


def test_the_first_to_acknowledge_keeps_their_name_and_note(
    app: Flask, admin: TestPerson, add: Add, make_person: Callable[..., TestPerson]
) -> None:
    other = make_person("ADMIN")
    item = add(Attention)
    for person, note in ((admin, "mine"), (other, "too late")):
        person.browser.submit(f"/admin/attention/{item}/acknowledge", note=note)
    assert "already" in other.browser.get("/admin/attention").text
    row = kept(app, item)
    assert (row.acknowledged_by, row.note) == (admin.id, "mine")
    with app.app_context():
        deeds = db.session.query(AuditLog).filter_by(action="attention.acknowledged").all()
    assert [deed.user_id for deed in deeds] == [admin.id]


def test_too_long_a_note_is_kept_as_typed_and_refused(
    app: Flask, admin: TestPerson, add: Add
) -> None:
    item = add(Attention)
    answer = admin.browser.submit(f"/admin/attention/{item}/acknowledge", note="é" * 1001)
    assert answer.status_code == 422
    assert "at most 1,000 characters" in answer.text
    assert "é" * 1001 in answer.text
    assert f'href="#note-{item}"' in answer.text
    assert kept(app, item).acknowledged_at is None


def test_only_administrators_acknowledge_and_only_what_there_is(
    app: Flask, admin: TestPerson, seller: TestPerson, add: Add
) -> None:
    item = add(Attention)
    assert seller.browser.submit(f"/admin/attention/{item}/acknowledge").status_code == 403
    assert kept(app, item).acknowledged_at is None
    assert admin.browser.submit("/admin/attention/999999/acknowledge").status_code == 404
