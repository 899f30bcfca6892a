"""What happens is written into the outbox, in the transaction in which it happened."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from app.core import events
from app.core.transaction import transaction
from app.notifications.states import EmailKind, EmailStatus
from tests.notifications.conftest import Outbox
from tests.people import TestPerson


def owed(outbox: Outbox) -> list[tuple[str, str]]:
    return [(row.kind.value, row.recipient) for row in outbox.rows()]


def test_a_win_is_told_to_its_buyer_and_to_the_seller(outbox: Outbox) -> None:
    outbox.happen(outbox.reserved())

    assert owed(outbox) == [
        ("payment_required", outbox.buyer.email),
        ("sale_pending", outbox.seller.email),
    ]


def test_a_release_is_told_to_its_buyer_and_to_the_seller(outbox: Outbox) -> None:
    outbox.happen(outbox.released())

    assert owed(outbox) == [
        ("payment_released", outbox.buyer.email),
        ("sale_released", outbox.seller.email),
    ]


def test_a_sale_is_told_to_its_buyer_and_to_the_seller(outbox: Outbox) -> None:
    outbox.happen(outbox.sold())

    assert owed(outbox) == [
        ("payment_receipt", outbox.buyer.email),
        ("sale_completed", outbox.seller.email),
    ]


def test_an_artwork_that_ends_is_told_to_its_seller_each_time(outbox: Outbox) -> None:
    outbox.happen(outbox.expired())
    outbox.happen(outbox.expired())

    assert owed(outbox) == [("artwork_expired", outbox.seller.email)] * 2


def test_every_administrator_is_told_what_needs_a_person(
    outbox: Outbox, make_person: Callable[..., TestPerson]
) -> None:
    another = make_person("ADMIN")
    make_person("ADMIN", active=False)

    outbox.happen(outbox.attention())

    assert owed(outbox) == [
        ("attention_needed", outbox.admin.email),
        ("attention_needed", another.email),
    ]


def test_every_kind_of_mail_is_owed_for_something(outbox: Outbox) -> None:
    outbox.happen(*outbox.everything())

    assert {row.kind for row in outbox.rows()} == set(EmailKind)
    assert {row.status for row in outbox.rows()} == {EmailStatus.PENDING}


def test_the_same_fact_stated_twice_owes_one_mail(outbox: Outbox) -> None:
    outbox.happen(outbox.reserved(), outbox.reserved())
    outbox.happen(outbox.reserved())
    outbox.happen(outbox.declined("evt_1"), outbox.declined("evt_1"), outbox.declined("evt_2"))

    kinds = [row.kind.value for row in outbox.rows()]
    assert kinds == ["payment_required", "sale_pending", "payment_failed", "payment_failed"]


def test_a_transaction_that_fails_owes_nothing(outbox: Outbox) -> None:
    def fails() -> None:
        with outbox.app.app_context(), transaction() as session:
            events.record(session, outbox.reserved())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()

    assert outbox.rows() == []


def test_message_ids_are_all_different_and_name_the_public_host(outbox: Outbox) -> None:
    outbox.happen(*outbox.everything())

    ids = [row.message_id for row in outbox.rows()]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("<") and one.endswith("@bids.example.com>") for one in ids)


def test_the_outbox_holds_no_token(outbox: Outbox) -> None:
    outbox.happen(outbox.reset_requested())

    row = outbox.row()
    assert set(row.facts) == {"name", "reset_id"}
    assert "/password/reset/" not in json.dumps(row.facts) + row.subject


def test_a_line_break_in_a_title_begins_no_header(outbox: Outbox) -> None:
    outbox.happen(outbox.reserved(title="Harbour\r\nBcc: everybody@example.com\u2028x" + "y" * 400))

    subject = outbox.rows()[0].subject
    assert subject.startswith("You won “Harbour Bcc: everybody@example.com x")
    assert subject.splitlines() == [subject]
    assert len(subject) == 300
