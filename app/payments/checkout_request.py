"""What is asked of Stripe for a winning bid: the parameters of its Checkout Session. Pure.

Facts: docs.stripe.com/api/checkout/sessions/create.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.money import CURRENCY


@dataclass(frozen=True)
class CheckoutRequest:
    """What a buyer is to pay, for what, and where Stripe sends them afterwards."""

    payment_id: int
    bid_id: int
    artwork_id: int
    buyer_id: int
    seller_id: int
    buyer_email: str
    artwork_title: str
    amount_cents: int
    expires_at: datetime
    public_url: str


def checkout_params(request: CheckoutRequest) -> dict[str, Any]:
    """The parameters of a hosted Checkout Session, at API version 2026-10-28."""
    metadata = {
        "payment_id": str(request.payment_id),
        "bid_id": str(request.bid_id),
        "artwork_id": str(request.artwork_id),
        "buyer_id": str(request.buyer_id),
        "seller_id": str(request.seller_id),
    }
    page = f"{request.public_url}/payments/{request.payment_id}"
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "submit_type": "pay",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": CURRENCY,
                    "unit_amount": request.amount_cents,
                    "product_data": {"name": request.artwork_title},
                },
            }
        ],
        "client_reference_id": str(request.payment_id),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "customer_email": request.buyer_email,
        "expires_at": int(request.expires_at.timestamp()),
        "success_url": f"{page}/return",
        "cancel_url": f"{page}/back",
    }
