"""One of everything that an address can name, whose it is, and who comes asking."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy import insert, update
from werkzeug.test import TestResponse

from app.accounts import passwords, queries
from app.accounts.models import AccessToken, PasswordReset, User
from app.accounts.states import TokenKind
from app.artworks.models import Favourite
from app.artworks.pictures import store_picture
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.extensions import db
from app.core.transaction import transaction
from app.notifications.models import Email
from app.payments.checkout import open_payment
from app.payments.models import Attention, StripeEvent
from app.payments.states import EventOutcome
from tests import people
from tests.people import Browser, TestPerson

ACTORS = ("anonymous", "buyer", "other_buyer", "seller", "other_seller", "admin", "suspended")
THRESHOLD = 7_321_914
WON = 8_135_746
# What an amount looks like wherever it may be written.
THRESHOLD_SHOWN = re.compile(r"73,?219(?:\.14)?|7321914")
WON_SHOWN = re.compile(r"81,?357(?:\.46)?|8135746")


@dataclass
class World:
    """A seller's artworks, one of them won by `buyer` and not paid yet.

    `suspended` is that buyer too, suspended meanwhile.
    """

    app: Flask
    people: dict[str, TestPerson]
    numbers: dict[str, Any] = field(default_factory=dict)

    def browser(self, actor: str) -> Browser:
        """A browser as that one comes with it, whatever they did before."""
        browser = people.anonymous(self.app)
        if actor != "anonymous":
            cookie = self.people["buyer" if actor == "suspended" else actor].browser.get_cookie(
                "session"
            )
            assert cookie is not None
            browser.set_cookie("session", cookie.value)
        return browser

    def address(self, rule: str, variant: str = "") -> str:
        """The address of a route with our own things in it."""
        known = self.numbers | ({"artwork_id": self.numbers["withdrawn_id"]} if variant else {})
        if rule.startswith("/api/payments/artwork/"):
            known["artwork_id"] = known["reserved_id"]

        def number(found: re.Match[str]) -> str:
            name = found[1]
            assert name in known, f"tests/access/world.py does not know a <{name}>; give it one"
            return str(known[name])

        return re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", number, rule)

    def ask(self, actor: str, method: str, rule: str, variant: str = "") -> TestResponse:
        """Send what this route takes, as a browser on pages and as a program in the API."""
        path = self.address(rule, variant)
        sent = self.sent(method, rule)
        person = self.people.get("buyer" if actor == "suspended" else actor)
        if path.startswith("/api"):
            headers = person.bearer if person else {}
            return people.anonymous(self.app).open(path, method=method, headers=headers, **sent)
        browser = self.browser(actor)
        if method == "GET":
            return browser.get(path)
        token = browser.csrf_token()
        sent["data"] = {"csrf_token": token} | sent.get("data", {})
        return browser.open(path, method=method, **sent)

    def sent(self, method: str, rule: str) -> dict[str, Any]:
        """A body that gets as far as to the thing itself."""
        bid = {"artwork_id": self.numbers["artwork_id"], "amount": "2.00"}
        bodies: dict[str, dict[str, Any]] = {
            "POST /api/bids": {"json": bid},
            "POST /artworks/<int:artwork_id>/bids": {"data": {"amount": "2.00", "confirm": "1"}},
            "PATCH /api/artworks/<int:artwork_id>": {"json": {"title": "Another"}},
            "PUT /api/artworks/<int:artwork_id>/image": {"data": {"image": picture_sent()}},
            "POST /api/payments/checkout-session": {"json": {"bid_id": self.numbers["bid_id"]}},
            "PATCH /api/admin/users/<int:user_id>": {"json": {"active": True}},
        }
        given = bodies.get(f"{method} {rule}", {})
        if not given and rule.startswith("/api") and method in {"POST", "PUT", "PATCH"}:
            given = {"json": {}}
        return dict(given)


def picture_sent() -> tuple[BytesIO, str]:
    """A small picture, as a form sends it."""
    return BytesIO(small_picture()), "a.png"


def small_picture() -> bytes:
    """A picture of few pixels."""
    file = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "PNG")
    return file.getvalue()


def make_world(app: Flask, *, suspended: bool = False) -> World:
    """Fill an empty database."""
    made = {
        actor: people.make_person(app, actor.rpartition("_")[2].upper())
        for actor in ACTORS
        if actor not in {"anonymous", "suspended"}
    }
    world = World(app, made)
    seller, buyer = made["seller"], made["buyer"]
    with app.app_context():
        picture = store_picture(small_picture(), app.config["SETTINGS"].upload_dir)
    shown = {
        "picture_key": picture.key,
        "picture_width": picture.width,
        "picture_height": picture.height,
    }
    reserved = people.make_artwork(app, seller, WON, status="PENDING_PAYMENT", **shown)
    world.numbers = {
        "artwork_id": people.make_artwork(
            app, seller, THRESHOLD, highest_bid_cents=100, bid_count=1
        ),
        "withdrawn_id": people.make_artwork(app, seller, THRESHOLD, status="ARCHIVED"),
        "reserved_id": reserved,
        "user_id": made["other_buyer"].id,
        "key": picture.key,
        "name": "400.webp",
        "filename": "css/app.css",
    }
    with app.app_context():
        _fill(world, reserved)
        passwords.request_password_reset(buyer.email)
        _read_numbers(world, buyer)
        if suspended:
            with transaction() as session:
                session.execute(update(User).where(User.id == buyer.id).values(active=False))
    return world


def _fill(world: World, reserved: int) -> None:
    seller, buyer = world.people["seller"], world.people["buyer"]
    moment = clock.now()
    with transaction() as session:
        lost = {"artwork_id": world.numbers["artwork_id"], "amount_cents": 100}
        won = {"artwork_id": reserved, "amount_cents": WON}
        bids = (
            lost | {"bidder_id": world.people["other_buyer"].id, "status": BidStatus.OUTBID},
            won | {"bidder_id": buyer.id, "status": BidStatus.WON},
        )
        for bid in bids:
            bid_id = session.scalar(insert(Bid).values(**bid, created_at=moment).returning(Bid.id))
        payment = open_payment(
            session, bid_id=bid_id, artwork_id=reserved, artwork_title="Still life",
            buyer_id=buyer.id, buyer_email=buyer.email, seller_id=seller.id,
            amount_cents=WON, moment=moment,
        )  # fmt: skip
        payment.stripe_session_id = "cs_test_of_the_buyer"
        payment.checkout_url = "http://127.0.0.1:9/pay"
        payment.payable_at = moment
        world.numbers |= {"bid_id": bid_id, "payment_id": payment.id}
        session.add(
            Favourite(user_id=buyer.id, artwork_id=world.numbers["artwork_id"], created_at=moment)
        )
        session.add(
            StripeEvent(
                stripe_event_id="evt_1", type="charge.updated", received_at=moment,
                outcome=EventOutcome.NO_EFFECT,
                payload={"id": "evt_1", "type": "charge.updated", "data": {"object": {}}},
            )
        )  # fmt: skip
        session.add(
            Attention(kind="dispute", reference="dispute:1", payment_id=payment.id,
                      detail="Look at this.", created_at=moment)
        )  # fmt: skip
        session.execute(
            insert(AccessToken).values(
                user_id=buyer.id, kind=TokenKind.API, digest="0" * 64, label="another",
                created_at=moment, expires_at=moment + timedelta(days=1),
            )
        )  # fmt: skip


def _read_numbers(world: World, buyer: TestPerson) -> None:
    reset = db.session.query(PasswordReset).one()
    world.numbers |= {
        "session_id": "cs_test_of_the_buyer",
        "token": queries.derive_reset_token(reset.id, buyer.id, reset.created_at),
        "token_id": db.session.query(AccessToken.id).filter_by(label="another").scalar(),
        "event_id": db.session.query(StripeEvent.id).scalar(),
        "email_id": db.session.query(Email.id).first()[0],
        "attention_id": db.session.query(Attention.id).scalar(),
    }
    db.session.remove()


__all__ = ["ACTORS", "Browser", "World", "make_world"]
