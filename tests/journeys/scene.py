"""One of every state that a page can show, in the words of tests/journeys/catalogue.py."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import insert, update

from app.accounts import passwords, queries
from app.accounts.models import AccessToken, PasswordReset, User
from app.accounts.states import TokenKind
from app.artworks.models import Artwork, Favourite
from app.artworks.pictures import store_picture
from app.bidding.models import Bid
from app.core import clock
from app.core.lease import SWEEP_PAYMENTS, Lease
from app.core.transaction import transaction
from app.notifications.models import Email
from app.notifications.states import EmailKind
from app.payments.models import Attention, Payment, StripeEvent
from tests import people
from tests.journeys.house import House
from tests.payments.market import Market

PAYS, DECLINED = "4242424242424242", "4000000000000002"
COMES_LATER = "4000000000003720"
# Nothing in it can be broken between words.
LONG_TITLE = "Donaudampfschifffahrtsgesellschaftskapitän" * 2 + " in the morning"
# As long as each may be, and nothing in them can be broken between words.
UNBROKEN_TITLE, UNBROKEN_NAME = "Kellertreppengeländer" * 6, "_by_marie_ann" * 6
UNBROKEN_ARTISTS = ("@photography_by_marie_ann", "@photography" * 10)
UNBROKEN_DOMAIN = f"{'b' * 60}.{'c' * 60}.example"
PEOPLE = {
    "admin": "ADMIN",
    "seller": "SELLER",
    "new_seller": "SELLER",
    "buyer": "BUYER",
    "rival": "BUYER",
    "new_buyer": "BUYER",
    "paused": "BUYER",
    "suspended": "BUYER",
}


def furnish(house: House) -> None:
    """Make all scenes."""
    for who, role in PEOPLE.items():
        name = {"paused": "Paula Paused", "suspended": "Sam Suspended"}.get(who, "")
        house.people[who] = people.make_person(house.app, role, name, email=f"{who}@pages.example")
    _sweep_was_just_here(house)
    house.keep("empty")
    scene = _Scene(house)
    scene.fill()
    house.keep("full")
    scene.strain()
    house.keep("strained")


def _sweep_was_just_here(house: House) -> None:
    # There is no worker here: as far as the pages know, one was there a moment ago for hours.
    moment = clock.now() + timedelta(hours=2)
    with house.app.app_context(), transaction() as session:
        session.execute(
            insert(Lease).values(
                name=SWEEP_PAYMENTS, holder="w", held_until=moment, finished_at=moment
            )
        )


class _Scene:
    def __init__(self, house: House) -> None:
        self.house = house
        self.market: Market = house.market()
        self.people = house.people
        self.numbers = house.numbers
        with house.app.app_context():
            folder = house.app.config["SETTINGS"].upload_dir
            kept = [store_picture(_painted(*size), folder) for size in ((1200, 900), (700, 1100))]
        self.pictures = [
            {
                "picture_key": one.key,
                "picture_width": one.width,
                "picture_height": one.height,
                "image_alt": "Two hills under a clear sky",
            }
            for one in kept
        ]

    def fill(self) -> None:
        self._artworks()
        self._payments()
        self._people()
        self._records()

    def strain(self) -> None:
        """Give everything the longest words that somebody can type."""
        market = self.market
        for art in market.rows(Artwork):
            artist = UNBROKEN_ARTISTS[art.id % len(UNBROKEN_ARTISTS)]
            title = f"{art.id}{UNBROKEN_TITLE}"[:120]
            market.change(Artwork, art.id, title=title, artist_name=artist)
        for who, person in self.people.items():
            name, email = f"{who}{UNBROKEN_NAME}"[:80], f"{who:a<64}@{UNBROKEN_DOMAIN}"
            market.change(User, person.id, name=name, email=email)
        recipient, subject = f"{'a' * 64}@{UNBROKEN_DOMAIN}", f"Sold: “{UNBROKEN_TITLE}”"
        for mail in market.rows(Email):
            market.change(Email, mail.id, recipient=recipient, subject=subject)
        for token in market.rows(AccessToken, AccessToken.kind == TokenKind.API):
            market.change(AccessToken, token.id, label=UNBROKEN_NAME)

    def _artworks(self) -> None:
        soon = clock.now() + timedelta(hours=30)
        described = {
            "artist_name": "Ada Maler",
            "category": "Painting",
            "description": "Oil.\n" * 6,
        }
        for number in range(12):
            people.make_artwork(
                self.house.app, self.people["seller"], title=f"Study no. {number + 1}",
                **self.pictures[number % 2],
            )  # fmt: skip
        self._artwork("open", title="Harbour at dawn", end_at=soon, **described, **self.pictures[0])
        self._artwork("bare", title=LONG_TITLE[:120])
        self._artwork("wanted", title="Slow weather", **described, **self.pictures[1])
        self._bids("wanted", 23)
        self._artwork("few", title="Few bids", **self.pictures[0])
        self._bids("few", 2)
        over = clock.now() - timedelta(days=2)
        self._artwork("ended", title="Yesterday", status="EXPIRED", end_at=over, **self.pictures[1])
        self._artwork("withdrawn", title="Never mind", status="ARCHIVED", **self.pictures[0])

    def _artwork(self, name: str, **columns: Any) -> None:
        made = self.market.make_artwork(self.people["seller"], 90_000, **columns)
        self.numbers[name] = made

    def _bids(self, name: str, count: int) -> None:
        """Losing bids, of the buyer and of somebody else in turn."""
        moment = clock.now()
        who = (self.people["buyer"], self.people["rival"])
        with self.house.app.app_context(), transaction() as session:
            for number in range(count):
                session.execute(
                    insert(Bid).values(
                        artwork_id=self.numbers[name], bidder_id=who[number % 2].id,
                        amount_cents=1_000 + 2_550 * number, status="OUTBID",
                        created_at=moment - timedelta(hours=3 * (count - number)),
                    )
                )  # fmt: skip
        self.market.change(
            Artwork, self.numbers[name], bid_count=count, highest_bid_cents=2_550 * count - 1_550
        )

    def _won(self, name: str, who: str = "buyer", amount: str = "1250.00") -> Any:
        """An artwork of this name that somebody has won; `pay:name` is the payment."""
        won = self.market.win(
            self.people[who], amount, title=f"Won, {name}", **self.pictures[len(self.numbers) % 2]
        )
        self.numbers[name] = won["artwork_id"]
        self.numbers[f"pay:{name}"] = won["payment"]["id"]
        return won

    def _payments(self) -> None:
        market = self.market
        self._won("owed")
        self._won("reserved", "rival")
        declined = self._won("declined")
        market.pay(declined, DECLINED)
        market.deliver(market.event("payment_intent.payment_failed"))
        for name in ("sold", "refunded", "disputed"):
            won = self._won(name)
            market.pay(won)
            market.deliver(market.event("checkout.session.completed"))
        charges = market.sandbox.ledger()["charges"]
        market.sandbox.control("POST", f"/charges/{charges[-2]['id']}/refund", {})
        market.deliver(market.event("charge.refunded"))
        market.sandbox.control("POST", f"/charges/{charges[-1]['id']}/dispute", {})
        market.deliver(market.event("charge.dispute.created"))
        late = self._won("processing")
        market.pay(late, COMES_LATER)
        market.settle(late["payment"]["id"])
        out_of_time = self._won("out of time")
        market.pass_deadline(out_of_time["payment"]["id"])
        market.settle(out_of_time["payment"]["id"])
        market.give_up(self._won("given up")["payment"]["id"])
        self._won("unwanted")
        self._away_payments()

    def _away_payments(self) -> None:
        """What comes about while Stripe does not answer, or says no."""
        market = self.market
        closing, checking = self._won("closing"), self._won("checking")
        flagged = self._won("flagged")
        market.pass_deadline(closing["payment"]["id"])
        market.fail_all()
        self._won("preparing")
        market.come_back()
        market.pay(checking)
        market.sandbox.fault("create", "status", status=400, times=1)
        self._won("refused")
        market.settle(self.numbers["pay:refused"])
        self._flag("payment_disagrees", flagged["payment"]["id"])

    def _flag(self, kind: str, payment_id: int | None, **columns: Any) -> int:
        with self.house.app.app_context(), transaction() as session:
            made = session.scalar(
                insert(Attention)
                .values(
                    kind=kind, reference=f"{kind}:{payment_id}", payment_id=payment_id,
                    detail="Stripe tells of $12.00, and $1,250.00 is owed. Look at both.",
                    created_at=clock.now(), **columns,
                )
                .returning(Attention.id)
            )  # fmt: skip
        return int(made or 0)

    def _people(self) -> None:
        moment, buyer = clock.now(), self.people["buyer"]
        market = self.market
        later = moment + timedelta(days=5)
        market.change(User, self.people["paused"].id, bidding_suspended_until=later)
        market.change(User, self.people["suspended"].id, active=False)
        for name, number in self.people.items():
            self.numbers[f"person:{name}"] = number.id
        with self.house.app.app_context(), transaction() as session:
            for name in ("wanted", "sold", "reserved", "ended", "bare"):
                session.execute(
                    insert(Favourite).values(
                        user_id=buyer.id, artwork_id=self.numbers[name], created_at=moment
                    )
                )
            for kind, label in ((TokenKind.BROWSER, "Firefox on Windows"), (TokenKind.API, "List")):
                session.execute(
                    insert(AccessToken).values(
                        user_id=buyer.id, kind=kind, digest=label.ljust(64, "0"), label=label,
                        created_at=moment, expires_at=later,
                    )
                )  # fmt: skip
        self.numbers["reset:open"] = self._reset_link("buyer")
        self.numbers["reset:old"] = self._reset_link("rival")
        with self.house.app.app_context(), transaction() as session:
            session.execute(
                update(PasswordReset)
                .where(PasswordReset.user_id == self.people["rival"].id)
                .values(expires_at=moment - timedelta(minutes=1))
            )

    def _reset_link(self, who: str) -> str:
        person = self.people[who]
        with self.house.app.app_context():
            passwords.request_password_reset(person.email)
        [row] = self.market.rows(PasswordReset, PasswordReset.user_id == person.id)
        with self.house.app.app_context():
            return queries.derive_reset_token(row.id, person.id, row.created_at)

    def _records(self) -> None:
        market, admin = self.market, self.people["admin"]
        done = self._flag(
            "state_impossible", self.numbers["pay:sold"], acknowledged_at=clock.now(),
            acknowledged_by=admin.id, note="Asked Stripe.\nAll is well.",
        )  # fmt: skip
        self.numbers["attention:done"] = done
        [dispute] = market.rows(Attention, Attention.kind == "dispute")
        self.numbers["attention"] = dispute.id
        mails = market.rows(Email)
        for number, mail in enumerate(mails):
            state = ("SENT", "PENDING", "DEAD")[number % 3]
            more = {
                "SENT": {"sent_at": clock.now(), "attempts": 1},
                "DEAD": {"attempts": 1, "last_error": "550 5.1.1 <somebody>: no such mailbox here"},
            }.get(state, {})
            market.change(Email, mail.id, status=state, **more)
        self.numbers["mail:dead"] = mails[2].id
        self.numbers["mail:reset"] = next(
            mail.id for mail in mails if mail.kind == EmailKind.PASSWORD_RESET
        )
        events = market.rows(StripeEvent)
        self.numbers["event"] = events[0].id
        self.numbers["event:failed"] = events[-1].id
        market.change(
            StripeEvent, events[-1].id, outcome="FAILED", handled_at=None,
            last_error="OperationalError: database is locked",
        )  # fmt: skip
        assert market.rows(Payment, Payment.status == "PENDING")


def _painted(width: int, height: int) -> bytes:
    """A picture that looks like one."""
    image = Image.new("RGB", (width, height), "#23395b")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.62, width, height), fill="#406e8e")
    for left, peak, colour in ((0.2, 0.28, "#f4e9cd"), (0.5, 0.38, "#e08e45")):
        foot = height * 0.68
        draw.polygon(
            [
                (width * left, foot),
                (width * (left + 0.3), foot),
                (width * (left + 0.15), height * peak),
            ],
            fill=colour,
        )
    file = BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
