"""What bodies of the API look like, by the names of their schemas."""

from typing import Any

_MADE, _LATER = "2026-11-20T09:30:00Z", "2026-11-20T09:40:00Z"
_ENDS = "2027-01-31T18:00:00Z"
_USER = {"id": 3, "email": "ada@example.com", "name": "Ada", "role": "BUYER"}
_PATCH = {
    "title": "Harbour at dawn",
    "artist_name": "Mira Holm",
    "description": "Oil on linen, 60 × 80 cm.",
    "category": "Painting",
    "secret_threshold": "150.00",
    "end_date": _ENDS,
}
_SELLER = {"id": 2, "name": "Mira Holm"}
_CHECKOUT = "https://checkout.stripe.com/c/pay/cs_test_a1"
_OWED = {
    "id": 5,
    "status": "PENDING",
    "amount": "150.00",
    "currency": "usd",
    "checkout_url": _CHECKOUT,
    "expires_at": _LATER,
}
_COUNTS = {"ACTIVE": 4, "PENDING_PAYMENT": 1, "SOLD": 2, "EXPIRED": 1, "ARCHIVED": 0}
_REVENUE_OF_DAY = {"day": "2026-11-20", "amount": "150.00"}
_BIDS_OF_DAY = {"day": "2026-11-20", "count": 6}
_SECONDS = {"mean": 94.5, "p50": 80.0, "p95": 310.0}
_ALERT = {
    "code": "mail_dead",
    "title": "A mail could not be sent",
    "detail": "The mail server refused it for good.",
    "action": "Look at it in the outbox, and send it again.",
    "since": _MADE,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "Problem": {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Some of what was sent is not valid.",
        "errors": {"amount": ["Enter an amount from 0.50 to 999,999.99 dollars."]},
    },
    "RegisterIn": {
        "email": "ada@example.com",
        "name": "Ada",
        "password": "a long enough password",
        "role": "BUYER",
    },
    "CredentialsIn": {"email": "ada@example.com", "password": "a long enough password"},
    "UserOut": _USER,
    "TokenOut": {"token": "zq3…", "user": _USER},
    "ArtworkIn": _PATCH,
    "ArtworkPatch": {"title": "Harbour at noon", "secret_threshold": 175},
    "RelistIn": {"end_date": _ENDS},
    "SellerOut": _SELLER,
    "ArtworkOut": {
        "id": 7,
        "title": "Harbour at dawn",
        "artist_name": "Mira Holm",
        "description": "Oil on linen, 60 × 80 cm.",
        "category": "Painting",
        "image_url": None,
        "image_alt": "",
        "seller": _SELLER,
        "status": "ACTIVE",
        "current_highest_bid": "120.00",
        "bid_count": 3,
        "end_date": _ENDS,
        "sold_price": None,
        "created_at": _MADE,
    },
    "BidIn": {"artwork_id": 7, "amount": "150.00"},
    "OwedOut": _OWED,
    "BidOut": {
        "id": 11,
        "artwork_id": 7,
        "amount": "150.00",
        "status": "WON",
        "is_winning": True,
        "created_at": _MADE,
        "payment": _OWED,
    },
    "PublicBidOut": {"amount": "120.00", "bidder": "Quiet Heron", "created_at": _MADE},
    "CheckoutIn": {"bid_id": 11},
    "CheckoutOut": {
        "payment_id": 5,
        "session_id": "cs_test_a1",
        "checkout_url": _CHECKOUT,
        "amount": "150.00",
        "currency": "usd",
        "expires_at": _LATER,
    },
    "PaymentOut": {
        "id": 5,
        "bid_id": 11,
        "artwork_id": 7,
        "status": "PENDING",
        "amount": "150.00",
        "currency": "usd",
        "failure_reason": None,
        "checkout_url": _CHECKOUT,
        "expires_at": _LATER,
        "stripe_session_id": "cs_test_a1",
        "created_at": _MADE,
        "updated_at": _MADE,
    },
    "ReceivedOut": {"received": True},
    "ArtworkCounts": _COUNTS,
    "BidsOfDay": _BIDS_OF_DAY,
    "RevenueOfDay": _REVENUE_OF_DAY,
    "SellerStats": {
        "artworks": _COUNTS,
        "revenue": "300.00",
        "unpaid_wins": 1,
        "bids_by_day": [_BIDS_OF_DAY],
        "revenue_by_day": [_REVENUE_OF_DAY],
    },
    "AdminUserOut": {**_USER, "active": True, "bidding_suspended_until": None},
    "UserChange": {"role": "SELLER", "active": True},
    "WebhookEventOut": {
        "id": 21,
        "stripe_event_id": "evt_1",
        "type": "checkout.session.completed",
        "outcome": "APPLIED",
        "attempts": 1,
        "received_at": _MADE,
    },
    "EmailOut": {
        "id": 31,
        "kind": "payment_receipt",
        "to": "ada@example.com",
        "subject": "Your receipt",
        "status": "SENT",
        "attempts": 1,
        "last_error": None,
        "created_at": _MADE,
        "sent_at": _MADE,
    },
    "AuditLogOut": {
        "id": 41,
        "action": "artwork.sold",
        "resource_type": "artwork",
        "resource_id": 7,
        "user_id": None,
        "details": {"payment_id": 5},
        "created_at": _MADE,
    },
    "SecondsToPay": _SECONDS,
    "PlatformRevenueOfDay": _REVENUE_OF_DAY,
    "PlatformBidsOfDay": _BIDS_OF_DAY,
    "AlertOut": _ALERT,
    "PlatformStats": {
        "payments": {"SUCCEEDED": 8, "CANCELED": 2},
        "success_rate": 0.8,
        "seconds_to_pay": _SECONDS,
        "failures_by_reason": {"card_declined": 2},
        "revenue_by_day": [_REVENUE_OF_DAY],
        "bids_by_day": [_BIDS_OF_DAY],
        "alerts": [_ALERT],
    },
}
