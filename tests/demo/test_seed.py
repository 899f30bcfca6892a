"""The demo in an instance: complete, plausible, and the same however often it is added."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.states import Role, TokenKind
from app.artworks import service as artworks
from app.artworks.models import Artwork
from app.artworks.service import NewArtwork
from app.artworks.states import ArtworkStatus
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.config import Settings
from app.core import clock
from app.core.extensions import db
from app.demo.catalogue import ADMIN, ARTWORKS, BUYERS, DEMO_PASSWORD, SELLERS
from app.payments.models import Payment
from app.payments.states import PaymentStatus
from tests.people import Browser, TestPerson


def seed(app: Flask) -> str:
    done = app.test_cli_runner().invoke(args=["seed-demo"])
    assert done.exit_code == 0, done.output
    return str(done.output)


def test_the_demo_is_complete_plausible_and_safe_to_add_again(app: Flask, client: Browser) -> None:
    # As if an earlier run had been interrupted.
    with app.app_context():
        first = accounts.create_user(SELLERS[0].email, SELLERS[0].name, DEMO_PASSWORD, Role.SELLER)
        artworks.create_artwork(first, NewArtwork(ARTWORKS[0].title, threshold_cents=185_000))
    said = seed(app)
    for person in (*SELLERS, *BUYERS, ADMIN):
        assert person.email in said
    assert DEMO_PASSWORD in said

    with app.app_context():
        moment = clock.now()
        rows = db.session.scalars(select(Artwork)).all()
        found = db.session.execute(select(Artwork.id, Artwork.threshold_cents))
        thresholds = {artwork_id: cents for artwork_id, cents in found}  # noqa: C416 (rows)
        assert Counter(art.title for art in rows) == Counter(art.title for art in ARTWORKS)
        users = {user.email: user for user in db.session.scalars(select(User))}
        assert len(users) == 8
        bids = db.session.scalars(select(Bid).order_by(Bid.id)).all()
        assert len(bids) > 100
        assert all(one.created_at <= other.created_at for one, other in pairwise(bids))
        assert (bids[-1].created_at - bids[0].created_at).days >= 5
        buyers = {users[person.email].id for person in BUYERS}
        assert {bid.bidder_id for bid in bids} == buyers
        made = db.session.scalars(select(Payment)).all()
        payments = {each.artwork_id: each for each in made if each.paid_at is not None}
        unpaid = {each.bid_id: each for each in made if each.paid_at is None}
        for art in rows:
            own = [bid for bid in bids if bid.artwork_id == art.id]
            losing = [bid for bid in own if bid.status == BidStatus.OUTBID]
            assert all(one.amount_cents < other.amount_cents for one, other in pairwise(own))
            assert all(one.bidder_id != other.bidder_id for one, other in pairwise(own))
            assert all(art.created_at < bid.created_at < moment for bid in own)
            assert all(bid.amount_cents < thresholds[art.id] for bid in losing)
            assert art.bid_count == len(losing)
            assert art.highest_bid_cents == max((bid.amount_cents for bid in losing), default=None)
            assert (art.status == ArtworkStatus.SOLD) == (art.id in payments)
            if art.status == ArtworkStatus.ACTIVE:
                assert art.end_at is None or art.end_at > moment
            if art.status == ArtworkStatus.EXPIRED:
                assert art.end_at is not None
                assert all(bid.created_at < art.end_at < moment for bid in own)
            if art.status == ArtworkStatus.SOLD:
                payment = payments[art.id]
                assert own[-1].status == BidStatus.WON
                assert own[-1].amount_cents == art.sold_cents == payment.amount_cents
                assert own[-1].amount_cents >= thresholds[art.id]
                assert payment.bid_id == own[-1].id
                assert payment.status == PaymentStatus.SUCCEEDED
                assert payment.paid_at is not None
                assert own[-1].created_at < payment.paid_at < payment.deadline_at
        signed_in, _ = accounts.sign_in(BUYERS[0].email, DEMO_PASSWORD, TokenKind.API, "a test")
        assert signed_in.name == BUYERS[0].name
        assert len(payments) == 3
        released = [bid for bid in bids if bid.status == BidStatus.RELEASED]
        assert len(released) == len(unpaid) == 2
        for bid in released:
            payment = unpaid[bid.id]
            assert bid.amount_cents >= thresholds[bid.artwork_id]
            assert (payment.status, payment.failure_reason) == (PaymentStatus.CANCELED, "deadline")
            assert payment.closed_at == payment.deadline_at < moment
            artwork = next(art for art in rows if art.id == bid.artwork_id)
            assert artwork.status == ArtworkStatus.EXPIRED
            assert artwork.end_at is not None
            assert payment.closed_at <= artwork.end_at

    listed = client.get("/api/artworks?per_page=100").json
    assert listed is not None
    assert listed["total"] == len(ARTWORKS) - 1
    with_pictures = [item for item in listed["items"] if item["image_url"]]
    # The one that somebody had listed before keeps what it had.
    assert len(with_pictures) == listed["total"] - 1
    for item in with_pictures:
        with client.get(item["image_url"]) as served:
            assert served.status_code == 200
    assert client.get("/").status_code == 200

    asked: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert "nothing was changed" in seed(app)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert [each.split()[0] for each in asked if not each.startswith("BEGIN")] == ["SELECT"]


def test_the_demo_does_not_take_over_somebody_elses_address(
    app: Flask, make_person: Callable[..., TestPerson]
) -> None:
    make_person("BUYER", email=ADMIN.email)
    refused = app.test_cli_runner().invoke(args=["seed-demo"])
    assert refused.exit_code == 1
    assert ADMIN.email in refused.output


class TestWhereRealMoneyMoves:
    @pytest.fixture
    def settings_given(self) -> dict[str, object]:
        return {
            "stripe_secret_key": "sk_live_0123456789abcdef",
            "allow_live_payments": True,
            "public_url": "https://bids.example.com",
        }

    def test_there_is_no_demo(self, app: Flask, settings: Settings) -> None:
        assert settings.live_payments
        refused = app.test_cli_runner().invoke(args=["seed-demo"])
        assert refused.exit_code == 1
        assert "live" in refused.output
        with app.app_context():
            assert db.session.scalars(select(User)).all() == []
