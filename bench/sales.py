"""Wins that await their payment, written into the stage's database; Stripe's words on each.

A win's artwork, bid and payment have one and the same number.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from app.accounts.models import User
from app.accounts.states import Role
from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.transaction import transaction
from app.payments.models import Payment
from app.payments.states import PaymentStatus
from bench.people import add_people
from bench.stage import WEBHOOK_SECRET
from sandbox import API_VERSION, objects

# No other number in a statement looks like these.
FIRST_NUMBER = 7_000_001
PRICE_CENTS = 12_345
_PARAMS: dict[str, Any] = {
    "mode": "payment",
    "allowed_payment_method_types": ["card"],
    "submit_type": "pay",
    "customer_email": "buyer@example.com",
}


class Wins:
    """The people of all wins, and the wins made so far."""

    def __init__(self) -> None:
        add_people(1, Role.SELLER)
        add_people(1)
        with transaction() as session:
            self.seller_id, self.buyer_id = (
                session.scalars(select(User.id).where(User.role == role)).first()
                for role in (Role.SELLER, Role.BUYER)
            )
        self._next = FIRST_NUMBER

    def add(self, count: int) -> list[int]:
        """So many more; their numbers."""
        numbers = list(range(self._next, self._next + count))
        self._next += count
        moment = clock.now()
        with transaction() as session:
            session.execute(
                insert(Artwork),
                [
                    {"id": number, "seller_id": self.seller_id, "title": f"Artwork {number}",
                     "artist_name": "Somebody", "description": "Oil on canvas.",
                     "threshold_cents": PRICE_CENTS, "status": ArtworkStatus.PENDING_PAYMENT,
                     "created_at": moment, "updated_at": moment}
                    for number in numbers
                ],
            )  # fmt: skip
            session.execute(
                insert(Bid),
                [
                    {"id": number, "artwork_id": number, "bidder_id": self.buyer_id,
                     "amount_cents": PRICE_CENTS, "status": BidStatus.WON, "created_at": moment}
                    for number in numbers
                ],
            )  # fmt: skip
            session.execute(
                insert(Payment),
                [
                    {"id": number, "bid_id": number, "artwork_id": number,
                     "buyer_id": self.buyer_id, "seller_id": self.seller_id,
                     "amount_cents": PRICE_CENTS, "currency": "usd", "livemode": False,
                     "status": PaymentStatus.PENDING, "deadline_at": moment + timedelta(hours=2),
                     "idempotency_key": f"bench-{number}", "checkout_params": {},
                     "stripe_session_id": f"cs_test_bench{number}",
                     "created_at": moment, "updated_at": moment}
                    for number in numbers
                ],
            )  # fmt: skip
        return numbers

    def event(self, number: int) -> bytes:
        """The body of the webhook that says that this win is paid."""
        moment = int(time.time())
        sale = {
            "payment_id": number,
            "bid_id": number,
            "artwork_id": number,
            "buyer_id": self.buyer_id,
            "seller_id": self.seller_id,
        }
        session = objects.session(
            _PARAMS
            | {
                "client_reference_id": str(number),
                "metadata": {name: str(value) for name, value in sale.items()},
                "success_url": f"http://localhost/payments/{number}/return",
                "cancel_url": f"http://localhost/payments/{number}/back",
            },
            amount=PRICE_CENTS,
            currency="usd",
            created=moment,
            base_url="http://localhost",
        ) | {
            "id": f"cs_test_bench{number}",
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": f"pi_bench{number}",
            "url": None,
        }
        event = {
            "id": f"evt_bench{number}",
            "object": "event",
            "api_version": API_VERSION,
            "created": moment,
            "data": {"object": session},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": "checkout.session.completed",
        }
        return json.dumps(event, indent=2).encode()


def signed(body: bytes) -> str:
    """Stripe's signature of a body, made now (docs.stripe.com/webhooks/signature)."""
    moment = int(time.time())
    digest = hmac.new(WEBHOOK_SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


def requests_of(bodies: Sequence[bytes]) -> list[str]:
    """Whole HTTP requests that deliver these bodies."""
    return [
        "POST /api/payments/webhook HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: {signed(body)}\r\nContent-Length: {len(body)}\r\n\r\n{body.decode()}"
        for body in bodies
    ]
