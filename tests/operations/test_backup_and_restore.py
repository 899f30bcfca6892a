"""Backup and restore, with everything that happened at Stripe in between."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from app import create_app
from app.accounts.models import User
from app.artworks.models import TEXTS_INDEX, Artwork
from app.bidding import service as bidding
from app.bidding.models import Bid
from app.core.extensions import db
from app.payments import service as payments
from app.payments.models import Payment
from dev.postgres_server import PostgresServer
from tests import people
from tests.conftest import release
from tests.databases import owned_by_somebody
from tests.payments.market import Market

Command = Callable[..., Result]
FILES = {"ab/" + "ab" * 16 + "-400.webp": b"a small one", "cd/" + "cd" * 16 + "-1200.jpg": b"large"}


@pytest.fixture
def pictures(shop: Market) -> Path:
    """Two files of pictures."""
    folder: Path = shop.app.config["SETTINGS"].upload_dir
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(content)
    return folder


def save(shop: Market, flask_command: Command, folder: Path) -> Path:
    """Take a backup; its file."""
    done = flask_command("backup", folder)
    assert done.exit_code == 0, done.output
    assert "saving the database" in done.output
    [file] = folder.glob("*.tar")
    assert f"to {file}" in done.output
    return file


def bring_back(shop: Market, flask_command: Command, file: Path) -> str:
    """Restore over what is there."""
    release(shop.app)
    done = flask_command("restore", file, "--replace")
    assert done.exit_code == 0, done.output
    return done.output


def test_refunds_after_the_backup_are_found_again(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    known = shop.win()
    shop.pay(known)
    shop.sweep()
    artwork_id = shop.make_artwork(shop.seller, 10_000)
    file = save(shop, flask_command, tmp_path / "backups")
    lost = shop.bid(shop.buyer, artwork_id, "100").get_json()
    shop.pay(lost)
    shop.sweep()
    first, last = shop.sandbox.ledger()["charges"]
    for charge, amount in ((first, 10_000), (last, 4_000)):
        shop.sandbox.control("POST", f"/charges/{charge['id']}/refund", {"amount": amount})
        assert shop.deliver(shop.event("charge.refunded")) == [200]

    bring_back(shop, flask_command, file)
    assert shop.standing(known)[2] == "SUCCEEDED"
    done = flask_command("reconcile")
    assert "refunds and disputes that were lost and are found again: 2" in done.output
    assert [(row.status, row.refunded_cents) for row in shop.rows(Payment)] == [
        ("REFUNDED", 10_000), ("SUCCEEDED", 4_000),
    ]  # fmt: skip
    shop.sweep()
    assert len(shop.stored()) == 2


def _refund_a_lost_sale(shop: Market, flask_command: Command, folder: Path) -> None:
    """After a restore, Stripe tells of money that is given back for a sale since the backup."""
    artwork_id = shop.make_artwork(shop.seller, 10_000)
    file = save(shop, flask_command, folder)
    shop.pay(shop.bid(shop.buyer, artwork_id, "100").get_json())
    shop.sweep()
    [charge] = shop.sandbox.ledger()["charges"]
    bring_back(shop, flask_command, file)
    shop.sandbox.control("POST", f"/charges/{charge['id']}/refund", {"amount": 4_000})
    assert shop.deliver(shop.event("charge.refunded")) == [200]


def test_a_refund_that_is_told_before_its_sale_is_found_again_is_not_lost(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    _refund_a_lost_sale(shop, flask_command, tmp_path / "backups")
    assert shop.outcomes() == [("charge.refunded", "NO_EFFECT", 1)]

    assert flask_command("reconcile").exit_code == 0
    assert [row.refunded_cents for row in shop.rows(Payment)] == [4_000]
    assert shop.outcomes() == [("charge.refunded", "APPLIED", 2)]


def test_what_happened_after_the_backup_is_found_again_at_stripe(
    shop: Market, flask_command: Command, pictures: Path, tmp_path: Path
) -> None:
    known_pending = shop.win()
    artworks = [shop.make_artwork(shop.seller, 10_000) for _ in range(5)]
    file = save(shop, flask_command, tmp_path / "backups")
    assert file.stat().st_mode & 0o777 == 0o600

    # After the backup: each ends otherwise, and the database will know of none of it.
    def win(artwork_id: int, person: Any = shop.buyer) -> Any:
        return shop.bid(person, artwork_id, "123.45").get_json()

    sold, pending, released, strange, plain = artworks
    shop.pay(known_pending)
    paid = win(sold)
    shop.pay(paid)
    shop.sweep()
    open_win = win(pending)
    gone = win(released)
    assert shop.give_up(gone["payment"]["id"]).status_code == 200
    paid_second = win(released, second := shop.make_person("BUYER", email="second@example.com"))
    shop.pay(paid_second, "4242424242424242")
    stranger = shop.make_person("BUYER")
    paid_by_stranger = win(strange, stranger)
    shop.pay(paid_by_stranger)
    shop.sweep()
    highest = max(row.id for row in shop.rows(Payment))
    for name in FILES:
        (pictures / name).unlink()

    said = bring_back(shop, flask_command, file)
    assert "reconcile" in said
    assert {name: (pictures / name).read_bytes() for name in FILES} == FILES
    assert len(shop.rows(Payment)) == 1
    assert second.id not in {row.id for row in shop.rows(User)}

    # Pages can be looked at; bids wait, whoever makes them.
    assert people.anonymous(shop.app).get(f"/artworks/{plain}").status_code == 200
    refused = shop.bid(shop.buyer, plain, "10")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "bids_paused")
    assert "paused" in refused.get_json()["detail"]
    page = shop.buyer.browser.submit(f"/artworks/{plain}/bids", amount="10", confirm="1")
    assert page.status_code == 503
    assert "Bidding is paused" in page.text
    # Somebody new takes the number that a lost buyer had.
    newcomer = shop.make_person("BUYER")
    assert newcomer.id in {second.id, stranger.id}

    shop.fail_all()
    assert flask_command("reconcile").exit_code == 1
    shop.sweep()
    assert shop.bid(shop.buyer, plain, "10").status_code == 503
    shop.come_back()
    done = flask_command("reconcile")
    assert done.exit_code == 0, done.output
    assert "Bids are open again." in done.output

    assert shop.standing(known_pending) == ("SOLD", "WON", "SUCCEEDED")
    assert shop.standing(paid) == ("SOLD", "WON", "SUCCEEDED")
    assert shop.artwork(sold).sold_cents == 12_345
    assert len(shop.mails("payment_receipt")) == 2
    assert shop.standing(open_win) == ("PENDING_PAYMENT", "WON", "PENDING")
    again = shop.checkout(open_win["id"]).get_json()
    assert again["checkout_url"] == open_win["payment"]["checkout_url"]
    assert shop.standing(gone)[1:] == ("RELEASED", "CANCELED")
    # Their buyers are lost: nobody else may buy what they paid for, and a person is told.
    assert shop.artwork(released).status.value == "ARCHIVED"
    assert shop.artwork(strange).status.value == "ARCHIVED"
    flags = [flag for flag in shop.flags() if flag.kind == "lost_sale"]
    assert len(flags) == 2
    assert any("second@example.com" in flag.detail and "123.45 USD" in flag.detail
               for flag in flags)  # fmt: skip
    assert not [row for row in shop.rows(Payment) if row.buyer_id == newcomer.id]

    later = shop.bid(newcomer, plain, "500").get_json()
    assert later["payment"]["id"] > highest
    assert later["id"] > paid_by_stranger["id"]
    shop.pay(open_win)
    shop.sweep()
    assert shop.standing(open_win) == ("SOLD", "WON", "SUCCEEDED")
    assert "bids are open" in flask_command("reconcile").output
    sessions = shop.sandbox.ledger()["sessions"]
    open_by_artwork = [each["metadata"]["artwork_id"] for each in sessions
                       if each["status"] == "open"]  # fmt: skip
    assert sorted(open_by_artwork) == [str(plain)]


def test_a_worker_reconciles_by_itself_and_closes_what_nobody_may_pay(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    lost_too = shop.make_artwork(shop.seller)
    late = shop.make_artwork(shop.seller)
    file = save(shop, flask_command, tmp_path)
    unpaid = shop.win()
    orphan = shop.bid(shop.make_person("BUYER"), lost_too, "100").get_json()
    overdue = shop.bid(shop.buyer, late, "100").get_json()
    bring_back(shop, flask_command, file)
    with shop.app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE artworks SET status = 'EXPIRED' WHERE id = :id"),
                           {"id": late})  # fmt: skip
    shop.sweep()
    # The artwork of the first was listed after the backup, the buyer of the second came after it.
    assert {each["status"] for each in shop.sandbox.ledger()["sessions"]
            if each["metadata"]["bid_id"] in {str(unpaid["id"]), str(orphan["id"])}
            } == {"expired"}  # fmt: skip
    assert shop.artwork(lost_too).status.value == "ACTIVE"
    assert shop.flags() == []
    assert shop.standing(overdue) == ("PENDING_PAYMENT", "WON", "PENDING")
    shop.pass_deadline(overdue["payment"]["id"])
    shop.sweep()
    assert shop.standing(overdue)[1:] == ("RELEASED", "CANCELED")
    assert shop.bid(shop.make_person("BUYER"), lost_too, "100").status_code == 201


def test_a_session_made_after_the_backup_is_taken_over_and_none_is_made_beside_it(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    shop.fail_all()
    won = shop.win()
    assert won["payment"]["checkout_url"] is None
    shop.come_back()
    file = save(shop, flask_command, tmp_path)
    shown = shop.checkout(won["id"]).get_json()["checkout_url"]
    assert shown is not None
    bring_back(shop, flask_command, file)
    # After a day Stripe has forgotten the key: a repeat would make a second session.
    made = len(shop.requests("create"))
    assert shop.checkout(won["id"]).get_json()["checkout_url"] is None
    assert len(shop.requests("create")) == made
    shop.sweep()
    assert shop.checkout(won["id"]).get_json()["checkout_url"] == shown
    assert len(shop.requests("create")) == made


def test_only_our_own_sessions_are_looked_at(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    file = save(shop, flask_command, tmp_path)
    names = {"payment_id": 7, "bid_id": 7, "artwork_id": artwork_id, "buyer_id": shop.buyer.id,
             "seller_id": shop.seller.id}  # fmt: skip
    session = {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "15000",
        "line_items[0][price_data][product_data][name]": "Another shop's",
        "success_url": "https://other.example.com/payments/7/return",
    } | {f"metadata[{name}]": str(value) for name, value in names.items()}
    assert shop.sandbox.raw("POST", "/v1/checkout/sessions", session).status_code == 200
    bring_back(shop, flask_command, file)
    assert flask_command("reconcile").exit_code == 0
    assert shop.rows(Payment) == []
    assert shop.artwork(artwork_id).status.value == "ACTIVE"
    assert [each["status"] for each in shop.sandbox.ledger()["sessions"]] == ["open"]


def _a_later_buyers_sale(
    shop: Market, flask_command: Command, file: Path, artwork_id: int, buyer: people.TestPerson
) -> dict[str, Any]:
    """Somebody else buys the artwork, and the backup from before comes back."""
    paid: dict[str, Any] = shop.bid(buyer, artwork_id, "150").get_json()
    shop.pay(paid)
    shop.sweep()
    assert shop.standing(paid) == ("SOLD", "WON", "SUCCEEDED")
    bring_back(shop, flask_command, file)
    return paid


def test_bids_stay_closed_while_stripe_does_not_tell_of_a_payment_that_is_in_a_sales_way(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    second, third = shop.make_person("BUYER"), shop.make_person("BUYER")
    first = shop.bid(shop.buyer, artwork_id, "100").get_json()
    file = save(shop, flask_command, tmp_path)
    assert shop.give_up(first["payment"]["id"]).status_code == 200
    paid = _a_later_buyers_sale(shop, flask_command, file, artwork_id, second)
    shop.pass_deadline(first["payment"]["id"])
    shop.sandbox.fault("expire", "status", status=503, times=None)
    done = flask_command("reconcile")
    assert done.exit_code == 1
    assert f"payment {first['payment']['id']} waits for an answer" in done.output
    assert shop.bid(third, artwork_id, "200").status_code == 503
    shop.come_back()
    assert flask_command("reconcile").exit_code == 0
    assert shop.standing(paid) == ("SOLD", "WON", "SUCCEEDED")
    assert shop.payment(first["payment"]["id"]).status == "CANCELED"
    assert shop.flags() == []


def test_a_payment_that_is_in_no_sales_way_keeps_no_bids_closed(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    won = shop.win()
    file = save(shop, flask_command, tmp_path)
    bring_back(shop, flask_command, file)
    shop.pass_deadline(won["payment"]["id"])
    shop.sandbox.fault("expire", "status", status=503, times=None)
    assert flask_command("reconcile").exit_code == 0
    assert shop.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")
    assert shop.bid(shop.buyer, shop.make_artwork(shop.seller), "10").status_code == 201
    shop.come_back()
    shop.sweep()
    assert shop.standing(won) == ("ACTIVE", "RELEASED", "CANCELED")


@pytest.mark.parametrize("status", [400, 403, 503])
def test_refunds_that_stripe_does_not_tell_keep_no_bids_closed_and_are_asked_for_again(
    shop: Market, flask_command: Command, tmp_path: Path, status: int
) -> None:
    _refund_a_lost_sale(shop, flask_command, tmp_path / "backups")
    shop.sandbox.fault("list_events", "status", status=status, times=None)
    assert flask_command("reconcile").exit_code == 0
    assert shop.bid(shop.buyer, shop.make_artwork(shop.seller), "10").status_code == 201
    assert [row.refunded_cents for row in shop.rows(Payment)] == [0]
    shop.come_back()
    with shop.app.app_context():
        assert payments.hear_missed() == 1
    assert [row.refunded_cents for row in shop.rows(Payment)] == [4_000]
    with shop.app.app_context():
        assert payments.hear_missed() == 0


def _session_under_our_address(shop: Market, artwork_id: int, **other: int) -> None:
    """A session that leads back to us and is of no sale of ours."""
    number = 77
    names = {"payment_id": number, "bid_id": number, "artwork_id": artwork_id,
             "buyer_id": shop.buyer.id, "seller_id": shop.seller.id} | other  # fmt: skip
    address = shop.app.config["SETTINGS"].public_url
    session = {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "15000",
        "line_items[0][price_data][product_data][name]": "Of an earlier database",
        "customer_email": "somebody.else@example.com",
        "success_url": f"{address}/payments/{number}/return",
    } | {f"metadata[{name}]": str(value) for name, value in names.items()}
    assert shop.sandbox.raw("POST", "/v1/checkout/sessions", session).status_code == 200


@pytest.mark.parametrize("other", [{}, {"seller_id": 1_000}, {"buyer_id": 1_000}])
def test_a_win_gives_way_to_no_session_that_is_no_sale(
    shop: Market, flask_command: Command, tmp_path: Path, other: dict[str, int]
) -> None:
    shop.fail_all()
    won = shop.win()
    shop.come_back()
    file = save(shop, flask_command, tmp_path)
    _session_under_our_address(shop, won["artwork_id"], **other)
    bring_back(shop, flask_command, file)
    assert "cannot be restored: 1" in flask_command("reconcile").output
    assert shop.standing(won) == ("PENDING_PAYMENT", "WON", "PENDING")
    assert shop.mails("payment_released") == []
    assert shop.checkout(won["id"]).get_json()["checkout_url"]


def test_a_paid_sale_whose_buyer_is_lost_leaves_the_artwork_to_nobody(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    third = shop.make_person("BUYER")
    shop.fail_all()
    first = shop.bid(shop.buyer, artwork_id, "100").get_json()
    file = save(shop, flask_command, tmp_path)
    shop.come_back()
    shop.sandbox.control("POST", "/clock", {"offset_seconds": 1000})
    shop.pass_deadline(first["payment"]["id"])
    shop.sweep()
    shop.sandbox.control("POST", "/clock", {"offset_seconds": 0})
    paid = shop.bid(shop.make_person("BUYER"), artwork_id, "150").get_json()
    shop.pay(paid)
    shop.sweep()
    bring_back(shop, flask_command, file)
    assert "paid checkouts that need a person: 1" in flask_command("reconcile").output
    shop.sweep()
    assert shop.artwork(artwork_id).status.value == "ARCHIVED"
    assert shop.bid(third, artwork_id, "200").status_code == 409
    assert [flag.kind for flag in shop.flags()] == ["lost_sale"]


def test_a_win_that_never_had_a_session_gives_way_to_the_sale_that_came_after_it(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    artwork_id = shop.make_artwork(shop.seller)
    second, third = shop.make_person("BUYER"), shop.make_person("BUYER")
    shop.fail_all()
    first = shop.bid(shop.buyer, artwork_id, "100").get_json()
    file = save(shop, flask_command, tmp_path)
    shop.come_back()
    # Too late for the session that was to be made: Stripe wants its end half an hour ahead.
    shop.sandbox.control("POST", "/clock", {"offset_seconds": 1000})
    shop.pass_deadline(first["payment"]["id"])
    shop.sweep()
    assert shop.standing(first) == ("ACTIVE", "RELEASED", "CANCELED")
    shop.sandbox.control("POST", "/clock", {"offset_seconds": 0})
    paid = _a_later_buyers_sale(shop, flask_command, file, artwork_id, second)
    assert flask_command("reconcile").exit_code == 0
    assert shop.standing(paid) == ("SOLD", "WON", "SUCCEEDED")
    assert shop.payment(first["payment"]["id"]).status == "CANCELED"
    shop.sweep()
    assert shop.bid(third, artwork_id, "200").status_code == 409
    assert [each["amount"] for each in shop.sandbox.ledger()["charges"]] == [15_000]
    assert shop.flags() == []


def test_nothing_is_overwritten_without_being_told_to_or_while_somebody_is_connected(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    file = save(shop, flask_command, tmp_path)
    newer = shop.make_artwork(shop.seller)
    release(shop.app)
    refused = flask_command("restore", file)
    assert refused.exit_code == 1
    assert "not empty" in refused.output
    assert "--replace" in refused.output
    url = shop.app.config["SETTINGS"].database_url
    other = create_engine(url)
    with other.connect() as connection:
        connection.execute(text("SELECT count(*) FROM users")).all()
        busy = flask_command("restore", file, "--replace")
    other.dispose()
    assert busy.exit_code == 1
    assert "Stop every web process" in busy.output
    assert shop.artwork(newer).id == newer


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """A copy of an archive with each member as `change` wants it; None leaves it out."""
    target = file.with_name("changed.tar")
    with tarfile.open(file) as before, tarfile.open(target, "w") as after:
        for entry in before:
            data = before.extractfile(entry)
            assert data is not None
            made = change(entry.name, data.read())
            if made is not None:
                entry.name, content = made
                entry.size = len(content)
                after.addfile(entry, io.BytesIO(content))
    return target


def _with(**changes: Any) -> Callable[[str, bytes], tuple[str, bytes]]:
    def change(name: str, content: bytes) -> tuple[str, bytes]:
        if name == "manifest.json":
            content = json.dumps(json.loads(content) | changes).encode()
        return name, content

    return change


_PICTURE = "pictures/" + next(iter(FILES))
SPOILED: dict[str, tuple[Callable[[str, bytes], Any], str]] = {
    "a changed picture": (
        lambda name, content: (name, content[:-1] + b"!" if name == _PICTURE else content),
        "is not what was saved",
    ),
    "a missing picture": (
        lambda name, content: None if name == _PICTURE else (name, content),
        "are missing",
    ),
    "a file too much": (
        lambda name, content: ("elsewhere" if name == _PICTURE else name, content),
        "does not name",
    ),
    "no manifest": (lambda name, c: None if name == "manifest.json" else (name, c), "manifest"),
    "another product": (_with(product="other"), "another product"),
    "a later schema": (_with(schema="9999"), "newer than this version"),
    "another database": (_with(database="oracle"), "oracle database"),
    "a way out": (_with(files={"database": ["", 1], "pictures/../../x": ["", 1]}), "no place"),
}


def test_a_spoiled_backup_changes_nothing(
    shop: Market, flask_command: Command, pictures: Path, tmp_path: Path
) -> None:
    file = save(shop, flask_command, tmp_path / "backups")
    newer = shop.make_artwork(shop.seller)
    release(shop.app)
    for what, (change, said) in SPOILED.items():
        refused = flask_command("restore", rewritten(file, change), "--replace")
        assert refused.exit_code == 1, what
        assert said in refused.output, what
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[:-20_000])
    assert flask_command("restore", cut, "--replace").exit_code == 1
    assert shop.artwork(newer).id == newer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_restores_belongs_to_who_the_product_runs_as(
    shop: Market, flask_command: Command, pictures: Path, tmp_path: Path
) -> None:
    file = save(shop, flask_command, tmp_path / "backups")
    product = 12_345
    os.chown(pictures, product, product)
    mine = [pictures / name for name in FILES]
    for each in mine:
        each.unlink()
        each.parent.rmdir()
    url = shop.app.config["SETTINGS"].database_url
    if url.startswith("sqlite"):
        mine.append(Path(url.removeprefix("sqlite:///")))
        os.chown(mine[-1], product, product)
    bring_back(shop, flask_command, file)
    for each in mine:
        assert (each.stat().st_uid, each.stat().st_gid) == (product, product), each
    for name in FILES:
        assert (pictures / name).parent.stat().st_uid == product


def test_an_empty_database_needs_no_leave(
    shop: Market, flask_command: Command, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    shop.make_artwork(shop.seller)
    file = save(shop, flask_command, tmp_path / "backups")
    fresh = new_database().replace("postgresql://", "postgresql+psycopg://")
    settings = shop.app.config["SETTINGS"].model_copy(update={"database_url": fresh})
    other = create_app(settings)
    done = other.test_cli_runner().invoke(args=["restore", str(file)])
    assert done.exit_code == 0, done.output
    with other.app_context():
        assert db.session.query(Artwork).count() == 1
        assert db.session.query(Bid).count() == 0
    release(other)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_without_postgresqls_programs_it_says_what_to_install(
    shop: Market, flask_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = flask_command("backup", tmp_path / "backups")
    assert done.exit_code == 1
    assert "pg_dump is not on PATH" in done.output
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_of_an_earlier_schema_comes_back_where_a_later_one_was(
    shop: Market, flask_command: Command, tmp_path: Path
) -> None:
    kept = shop.make_artwork(shop.seller)
    release(shop.app)
    assert flask_command("db", "downgrade", "0005").exit_code == 0
    file = save(shop, flask_command, tmp_path)
    assert flask_command("db", "upgrade").exit_code == 0
    bring_back(shop, flask_command, file)
    assert shop.artwork(kept).id == kept
    assert shop.bid(shop.buyer, kept, "10").status_code == 503


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_comes_back_whose_owner_may_make_no_extension(
    shop: Market, flask_command: Command, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    shop.make_artwork(shop.seller, title="Harbour")
    file = save(shop, flask_command, tmp_path / "backups")
    place = owned_by_somebody(postgres_server)
    address = place.replace("postgresql://", "postgresql+psycopg://")
    settings = shop.app.config["SETTINGS"].model_copy(update={"database_url": address})
    indexed = text(f"SELECT to_regclass('{TEXTS_INDEX}') IS NOT NULL")
    administrator = f"{postgres_server.url.rpartition('/')[0]}/{place.rpartition('/')[2]}"
    for allowed in (False, True):
        if allowed:
            with psycopg.connect(administrator) as connection:
                connection.execute("CREATE EXTENSION pg_trgm")
        other = create_app(settings)
        runner = other.test_cli_runner()
        assert runner.invoke(args=["db", "upgrade"]).exit_code == 0
        done = runner.invoke(args=["restore", str(file), "--replace"])
        assert done.exit_code == 0, done.output
        with other.app_context(), db.engine.connect() as connection:
            assert connection.scalar(indexed) is allowed
        found = people.anonymous(other).get("/api/artworks?q=harb").get_json()
        assert [each["title"] for each in found["items"]] == ["Harbour"]
        release(other)


def test_one_sale_that_fits_nowhere_is_told_to_a_person_and_holds_up_no_other(
    shop: Market, flask_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = shop.win()
    first, second = (shop.make_artwork(shop.seller, 10_000) for _ in range(2))
    file = save(shop, flask_command, tmp_path / "backups")
    shop.pay(known)
    odd, sound = (shop.bid(shop.buyer, each, "123.45").get_json() for each in (first, second))
    shop.pay(odd)
    shop.pay(sound)
    bring_back(shop, flask_command, file)

    restore, adopt = bidding.restore_win, payments.adopt_sessions

    def stumble_over(broken: int, work: Callable[..., Any]) -> Callable[..., Any]:
        def step(found: Any) -> Any:
            if found.sale.payment_id == broken:
                raise IntegrityError("UPDATE bids", {}, Exception("it is there already"))
            return work(found)

        return step

    monkeypatch.setattr(bidding, "restore_win", stumble_over(odd["payment"]["id"], restore))
    monkeypatch.setattr(payments, "adopt_sessions", stumble_over(known["payment"]["id"], adopt))
    done = flask_command("reconcile")
    assert done.exit_code == 0, done.output
    assert "Bids are open again." in done.output

    assert shop.standing(sound) == ("SOLD", "WON", "SUCCEEDED")
    assert shop.artwork(first).status.value == "ARCHIVED"
    kinds = sorted(flag.kind for flag in shop.flags())
    assert kinds == ["lost_sale", "recovery_unfinished"]
    shop.sweep()
    assert shop.standing(known) == ("SOLD", "WON", "SUCCEEDED")
