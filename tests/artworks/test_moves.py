"""Who may change a listing, in which state, and what that leaves behind."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select, update
from sqlalchemy.exc import InvalidRequestError

from app.artworks import service
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus, ForbiddenMove
from app.core import clock, events
from app.core.audit import AuditLog
from app.core.errors import Conflict, NotFound
from app.core.extensions import db
from app.core.transaction import transaction
from tests.people import TestPerson

STATUSES = [status.value for status in ArtworkStatus]
PICTURE = BytesIO()
Image.new("RGB", (60, 40), "teal").save(PICTURE, "PNG")

HOUR = timedelta(hours=1)


def in_state(
    make_artwork: Callable[..., int], seller: TestPerson, status: str, **columns: Any
) -> int:
    """An artwork in a state, with what that state needs."""
    needed: dict[str, Any] = {"sold_cents": 12_000} if status == "SOLD" else {}
    return make_artwork(seller, status=status, **needed | columns)


def act(action: str, seller: TestPerson, artwork_id: int) -> None:
    """One of the things that can happen to a listing."""
    if action == "edit":
        service.edit_artwork(seller, artwork_id, {"title": "Changed"})
    elif action == "threshold":
        service.edit_artwork(seller, artwork_id, {"threshold_cents": 9_900})
    elif action == "picture":
        service.set_picture(seller, artwork_id, PICTURE.getvalue(), "teal")
    elif action == "withdraw":
        service.withdraw_artwork(seller, artwork_id)
    elif action == "relist":
        service.relist_artwork(seller, artwork_id, {})
    elif action == "sell":
        with transaction() as session:
            service.sell_artwork(session, artwork_id, 12_500)
    elif action == "free":
        with transaction() as session:
            service.free_artwork(session, artwork_id)
    else:
        service.expire_ended_artworks()


def status_of(artwork_id: int) -> str:
    found = db.session.scalar(select(Artwork.status).where(Artwork.id == artwork_id))
    db.session.rollback()
    assert found is not None
    return found.value


def deeds(artwork_id: int) -> list[str]:
    rows = db.session.scalars(
        select(AuditLog.action)
        .where(AuditLog.resource_type == "artwork", AuditLog.resource_id == artwork_id)
        .order_by(AuditLog.id)
    ).all()
    db.session.rollback()
    return list(rows)


AFTER = {
    "edit": {"ACTIVE": "ACTIVE", "EXPIRED": "EXPIRED", "ARCHIVED": "ARCHIVED"},
    "threshold": {"ACTIVE": "ACTIVE", "EXPIRED": "EXPIRED", "ARCHIVED": "ARCHIVED"},
    "picture": {"ACTIVE": "ACTIVE", "EXPIRED": "EXPIRED", "ARCHIVED": "ARCHIVED"},
    "withdraw": {"ACTIVE": "ARCHIVED", "EXPIRED": "ARCHIVED"},
    "relist": {"EXPIRED": "ACTIVE", "ARCHIVED": "ACTIVE"},
    "sell": {"PENDING_PAYMENT": "SOLD"},
    "free": {"PENDING_PAYMENT": "ACTIVE"},
}
DEEDS = {
    "edit": "artwork.edited", "threshold": "artwork.edited", "picture": "artwork.edited",
    "withdraw": "artwork.withdrawn", "relist": "artwork.relisted", "sell": "artwork.sold",
    "free": "artwork.freed",
}  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", list(AFTER))
def test_only_the_listed_moves_happen_and_each_is_audited(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int], status: str, action: str
) -> None:
    artwork_id = in_state(make_artwork, seller, status)
    target = AFTER[action].get(status)
    with app.app_context():
        if target is None:
            with pytest.raises((Conflict, ForbiddenMove)) as refused:
                act(action, seller, artwork_id)
            if isinstance(refused.value, Conflict):
                assert refused.value.code == "state_forbids"
            assert status_of(artwork_id) == status
            expected = ["artwork.move_refused"] if action in {"withdraw", "relist"} else []
            assert deeds(artwork_id) == expected
        else:
            act(action, seller, artwork_id)
            assert status_of(artwork_id) == target
            assert deeds(artwork_id) == [DEEDS[action]]


@pytest.mark.parametrize("action", ["edit", "threshold", "picture", "withdraw", "relist"])
def test_another_sellers_artwork_is_not_there(
    app: Flask,
    seller: TestPerson,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
    action: str,
) -> None:
    artwork_id = make_artwork(seller, end_at=clock.now() - HOUR)
    with app.app_context():
        for stranger in (make_person("SELLER"), make_person("ADMIN")):
            with pytest.raises(NotFound):
                act(action, stranger, artwork_id)
        for missing in (artwork_id + 1, 0, -1, 2**63, 10**30):
            with pytest.raises(NotFound):
                act(action, seller, missing)
        assert status_of(artwork_id) == "ACTIVE"
        assert deeds(artwork_id) == []


@pytest.mark.parametrize("status", ["ACTIVE", "EXPIRED", "ARCHIVED"])
def test_the_threshold_stays_above_every_losing_bid(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int], status: str
) -> None:
    artwork_id = make_artwork(seller, 20_000, status=status, highest_bid_cents=15_000, bid_count=2)
    with app.app_context():
        for cents in (50, 14_999, 15_000):
            with pytest.raises(service.ThresholdTooLow) as refused:
                service.edit_artwork(
                    seller, artwork_id, {"threshold_cents": cents, "title": "Changed"}
                )
            assert refused.value.code == "threshold_too_low"
            assert "$150.00" in refused.value.detail
        service.edit_artwork(seller, artwork_id, {"threshold_cents": 15_001})
        kept = db.session.execute(
            select(Artwork.threshold_cents, Artwork.title).where(Artwork.id == artwork_id)
        ).one()
        assert kept.threshold_cents == 15_001
        assert kept.title != "Changed"


def test_a_bid_that_comes_first_beats_the_threshold_that_comes_second(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    """However the two fall, no losing bid ends up at or above the threshold."""
    for _ in range(5):
        artwork_id = make_artwork(seller, 20_000)
        together = threading.Barrier(2)

        def bid(artwork_id: int = artwork_id, together: threading.Barrier = together) -> None:
            with app.app_context():
                together.wait()
                with transaction() as session:
                    session.execute(
                        update(Artwork)
                        .where(Artwork.id == artwork_id, Artwork.threshold_cents > 15_000)
                        .values(highest_bid_cents=15_000, bid_count=1)
                    )
                db.session.remove()

        def lower(artwork_id: int = artwork_id, together: threading.Barrier = together) -> None:
            with app.app_context():
                together.wait()
                with contextlib.suppress(service.ThresholdTooLow):
                    service.edit_artwork(seller, artwork_id, {"threshold_cents": 10_000})
                db.session.remove()

        threads = [threading.Thread(target=bid), threading.Thread(target=lower)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        with app.app_context():
            threshold, highest = db.session.execute(
                select(Artwork.threshold_cents, Artwork.highest_bid_cents).where(
                    Artwork.id == artwork_id
                )
            ).one()
            assert (threshold, highest) in {(20_000, 15_000), (10_000, None)}


@pytest.fixture
def told() -> Iterator[list[events.Event]]:
    """The public changes that were announced."""
    heard: list[events.Event] = []
    for kind in (events.ArtworkStatusChanged, events.ArtworkExpired):
        events.after_commit(kind, heard.append)
    yield heard
    for kind in (events.ArtworkStatusChanged, events.ArtworkExpired):
        events._after_commit[kind].remove(heard.append)


def test_the_sweep_ends_what_is_over_and_nothing_else(
    app: Flask,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    told: list[events.Event],
) -> None:
    over = [make_artwork(seller, title=f"Over {n}", end_at=clock.now() - HOUR) for n in range(3)]
    others = [
        make_artwork(seller),
        make_artwork(seller, end_at=clock.now() + HOUR),
        *(
            in_state(make_artwork, seller, status, end_at=clock.now() - HOUR)
            for status in ("PENDING_PAYMENT", "SOLD", "ARCHIVED")
        ),
    ]
    with app.app_context():
        before = [status_of(artwork_id) for artwork_id in others]
        assert service.expire_ended_artworks(limit=2) == 2
        assert service.expire_ended_artworks() == 1
        assert service.expire_ended_artworks() == 0
        assert [status_of(artwork_id) for artwork_id in over] == ["EXPIRED"] * 3
        assert [status_of(artwork_id) for artwork_id in others] == before
        assert [deeds(artwork_id) for artwork_id in over] == [["artwork.expired"]] * 3
    assert events.ArtworkExpired(over[0], "Over 0", seller.id) in told
    assert events.ArtworkStatusChanged(over[0], "EXPIRED") in told
    assert len(told) == 6


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_paid_for_and_cannot_be_recorded_goes_off_sale_and_everybody_hears(
    app: Flask,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    told: list[events.Event],
    status: str,
) -> None:
    artwork_id = in_state(make_artwork, seller, status)
    changes = status == "ACTIVE"
    with app.app_context():
        service.take_off_sale(artwork_id, seller.id, clock.now() - HOUR)
        assert status_of(artwork_id) == status, "it was listed later"
        service.take_off_sale(artwork_id, seller.id, clock.now() + HOUR)
        assert status_of(artwork_id) == ("ARCHIVED" if changes else status)
        assert deeds(artwork_id) == ["artwork.withdrawn"] * changes
    assert told == [events.ArtworkStatusChanged(artwork_id, "ARCHIVED")] * changes


@pytest.mark.parametrize(
    ("ends", "target", "expired"),
    [(None, "ACTIVE", 0), (HOUR, "ACTIVE", 0), (-HOUR, "EXPIRED", 1)],
)
def test_a_released_artwork_is_open_again_unless_its_end_has_passed(
    app: Flask,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    told: list[events.Event],
    ends: timedelta | None,
    target: str,
    expired: int,
) -> None:
    end_at = None if ends is None else clock.now() + ends
    artwork_id = make_artwork(seller, status="PENDING_PAYMENT", end_at=end_at)
    with app.app_context():
        with transaction() as session:
            assert service.free_artwork(session, artwork_id) == target
        assert status_of(artwork_id) == target
    assert [type(event) for event in told] == [events.ArtworkExpired] * expired


def test_an_artwork_sold_meanwhile_keeps_its_price(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, status="PENDING_PAYMENT", end_at=clock.now() - HOUR)
    with app.app_context():
        act("sell", seller, artwork_id)
        assert (
            db.session.scalar(select(Artwork.sold_cents).where(Artwork.id == artwork_id)) == 12_500
        )
        with pytest.raises(ForbiddenMove):
            act("sell", seller, artwork_id)


def test_an_ended_artwork_is_treated_as_ended_before_the_sweep_comes_by(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, end_at=clock.now() - HOUR)
    with app.app_context():
        act("relist", seller, artwork_id)
        assert status_of(artwork_id) == "ACTIVE"
        assert deeds(artwork_id) == ["artwork.expired", "artwork.relisted"]
        assert db.session.scalar(select(Artwork.end_at).where(Artwork.id == artwork_id)) is None


@pytest.mark.parametrize("chosen", [{}, {"end_at": None}, {"end_at": "later"}])
def test_relisting_sets_the_end_date_that_was_asked_for(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int], chosen: dict[str, Any]
) -> None:
    soon, later = clock.now() + HOUR, clock.now() + 2 * HOUR
    artwork_id = make_artwork(seller, status="ARCHIVED", end_at=soon)
    if chosen.get("end_at"):
        chosen = {"end_at": later}
    with app.app_context():
        service.relist_artwork(seller, artwork_id, chosen)
        kept = db.session.scalar(select(Artwork.end_at).where(Artwork.id == artwork_id))
    assert kept == chosen.get("end_at", soon)


def test_two_who_withdraw_at_once_do_it_once(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller)
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def withdraw() -> None:
        with app.app_context():
            together.wait()
            try:
                service.withdraw_artwork(seller, artwork_id)
                outcomes.append("done")
            except Conflict:
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=withdraw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["done", "refused", "refused", "refused"]
    with app.app_context():
        assert deeds(artwork_id).count("artwork.withdrawn") == 1


def test_the_audit_never_holds_a_threshold(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, 77_777)
    with app.app_context():
        service.edit_artwork(seller, artwork_id, {"threshold_cents": 88_888, "title": "New"})
        details = db.session.scalars(select(AuditLog.details)).all()
        assert {"fields": ["threshold_cents", "title"]} in details
        assert not any("8888" in str(each) or "7777" in str(each) for each in details)


def test_the_threshold_cannot_be_read_by_accident(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller, 77_777)
    with app.app_context():
        row = db.session.get(Artwork, artwork_id)
        assert row is not None
        with pytest.raises(InvalidRequestError, match="threshold_cents"):
            _ = row.threshold_cents
        assert db.session.scalar(select(func.count()).select_from(Artwork)) == 1
    assert "77777" not in repr(service.NewArtwork("A", threshold_cents=77_777))
