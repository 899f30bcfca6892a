"""Each mail says what it must, in HTML and in text."""

from __future__ import annotations

import html as markup
import re
from pathlib import Path

import html5lib
import pytest
from flask import Flask
from jinja2 import UndefinedError

from app.accounts import queries as accounts
from app.config import ROOT
from app.notifications import render
from app.notifications.states import EmailKind
from tests.notifications.conftest import Outbox

SITE = "https://bids.example.com"
TITLE, AMOUNT, DEADLINE = "Harbour at dawn", "$1,250.00", "23 November 2026, 14:05 UTC"

# Per kind: what both bodies say, and the one address that they ask to open.
SAID = {
    EmailKind.PAYMENT_REQUIRED: ([TITLE, AMOUNT, DEADLINE, "Ada Buyer"], "/payments/12"),
    EmailKind.PAYMENT_FAILED: (
        [TITLE, AMOUNT, DEADLINE, "not enough money on the card", "Nothing was charged"],
        "/payments/12",
    ),
    EmailKind.PAYMENT_RELEASED: (
        [TITLE, AMOUNT, "You were not charged", "The time to pay ran out"],
        "/payments/12",
    ),
    EmailKind.PAYMENT_RECEIPT: (
        [TITLE, AMOUNT, "GTW-12", "23 November 2026, 14:02 UTC", "Sam Seller", "through Stripe"],
        "/payments/12",
    ),
    EmailKind.SALE_PENDING: ([TITLE, AMOUNT, DEADLINE, "Sam Seller"], "/seller/artworks/7"),
    EmailKind.SALE_COMPLETED: (
        [TITLE, AMOUNT, "GTW-12", "23 November 2026, 14:02 UTC"],
        "/seller/artworks/7",
    ),
    EmailKind.SALE_RELEASED: (
        [TITLE, AMOUNT, "did not pay in time", "open for bids again"],
        "/seller/artworks/7",
    ),
    EmailKind.ARTWORK_EXPIRED: ([TITLE, "without a sale", "list it again"], "/seller/artworks/7"),
    EmailKind.PASSWORD_RESET: (["Ada Buyer", "works once"], "/password/reset/"),
    EmailKind.ATTENTION_NEEDED: (
        ["Amount differs", "12", "Stripe says 1,249.00 USD", "Ann Admin"],
        "/admin/attention",
    ),
}


def rendered(outbox: Outbox, kind: EmailKind) -> tuple[str, str]:
    outbox.happen(*outbox.everything())
    row = next(row for row in outbox.rows() if row.kind == kind)
    with outbox.app.app_context():
        return render.bodies(row.kind, row.facts)


def words(html: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    return " ".join(markup.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("kind", EmailKind)
def test_both_bodies_say_every_fact(outbox: Outbox, kind: EmailKind) -> None:
    text, html = rendered(outbox, kind)

    said, address = SAID[kind]
    for fact in said:
        assert fact in words(html)
        assert fact in text
    assert f'href="{SITE}{address}' in html
    assert f"\n{SITE}{address}" in text


@pytest.mark.parametrize("kind", EmailKind)
def test_the_one_action_comes_before_everything_else(outbox: Outbox, kind: EmailKind) -> None:
    text, html = rendered(outbox, kind)

    assert html.index('class="button"') < html.index("Hello" if "Hello" in html else "Thank you")
    lines = [line for line in text.splitlines() if line]
    assert lines[1].endswith(":")
    assert lines[2].startswith(SITE + SAID[kind][1])
    assert html.count('class="button"') == 1


@pytest.mark.parametrize("kind", EmailKind)
def test_the_html_is_valid_and_loads_nothing(outbox: Outbox, kind: EmailKind) -> None:
    _, html = rendered(outbox, kind)

    parser = html5lib.HTMLParser(strict=True)
    parser.parse(html)
    addresses = re.findall(r'(?:href|src|background)="([^"]+)"', html)
    assert all(address.startswith(SITE) for address in addresses)
    assert not re.search(r"<(img|script|link|iframe)\b", html)


@pytest.mark.parametrize("kind", EmailKind)
def test_the_text_is_text(outbox: Outbox, kind: EmailKind) -> None:
    text, _ = rendered(outbox, kind)

    assert not re.search(r"</?\w+[^>]*>|&\w+;|\{\{|\{%|\n{4}", text)
    assert text.endswith("\n")


def test_what_people_typed_is_no_markup_in_html_and_unchanged_in_text(outbox: Outbox) -> None:
    outbox.happen(outbox.reserved(title='<img src="//evil"> & Sons'))
    row = outbox.rows()[0]
    with outbox.app.app_context():
        text, html = render.bodies(row.kind, row.facts)

    assert "<img" not in html
    assert '<img src="//evil"> & Sons' in text


def test_the_reset_link_carries_the_token_that_opens_the_reset(outbox: Outbox) -> None:
    outbox.happen(outbox.reset_requested())
    row = outbox.row()
    with outbox.app.app_context():
        text, html = render.bodies(row.kind, row.facts)
        token = accounts.reset_token(row.facts["reset_id"])

    assert f"{SITE}/password/reset/{token}\n" in text
    assert f'href="{SITE}/password/reset/{token}"' in html


def test_a_seller_is_told_that_the_artwork_is_over_when_its_end_date_has_passed(
    outbox: Outbox,
) -> None:
    outbox.happen(outbox.released(status="EXPIRED"))
    row = outbox.rows()[1]
    with outbox.app.app_context():
        text, html = render.bodies(row.kind, row.facts)

    assert "not on offer any more" in text
    assert "open for bids again" not in text + html


@pytest.mark.parametrize(
    "reason", ["deadline", "buyer_gave_up", "session_expired", "refused_by_stripe", "new_reason"]
)
def test_every_release_reads_as_not_charged(outbox: Outbox, reason: str) -> None:
    outbox.happen(outbox.released(reason))
    row = outbox.rows()[0]
    with outbox.app.app_context():
        text, html = render.bodies(row.kind, row.facts)

    assert "You were not charged" in text
    assert reason not in text + html


def test_a_receipt_that_an_earlier_version_owed_is_still_sent(outbox: Outbox) -> None:
    outbox.happen(outbox.sold())
    row = next(row for row in outbox.rows() if row.kind == EmailKind.PAYMENT_RECEIPT)
    facts = {name: fact for name, fact in row.facts.items() if name != "seller"}
    with outbox.app.app_context():
        text, html = render.bodies(row.kind, facts)

    assert "Artwork: Harbour at dawn\nAmount: $1,250.00 USD\n" in text
    assert "Seller" not in words(html)


def test_a_template_that_is_given_too_little_is_an_error(app: Flask) -> None:
    with app.app_context(), pytest.raises((UndefinedError, KeyError)):
        render.bodies(EmailKind.ARTWORK_EXPIRED, {"name": "Sam", "artwork_id": 1})


def test_every_kind_has_both_templates_and_no_other_exists() -> None:
    folder = Path(ROOT) / "templates" / "emails"
    found = {file.name for file in folder.iterdir() if not file.name.startswith("_")}

    assert found == {f"{kind.value}.{ending}" for kind in EmailKind for ending in ("html", "txt")}
