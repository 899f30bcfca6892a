"""Checkout Sessions: checked, made, expired."""

from __future__ import annotations

from typing import Any

from sandbox import objects
from sandbox.errors import StripeError, ValidationError, no_such
from sandbox.events import record
from sandbox.parameters import missing
from sandbox.world import NOBODY, Origin, World

Body = dict[str, Any]
# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in cents
LEAST_CENTS, MOST_CENTS = 50, 99_999_999
SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 60 * 60


def check(world: World, params: Body) -> None:
    """What Stripe refuses beyond the types of single parameters. Raises ValidationError."""
    if "mode" not in params:
        raise missing("mode")
    if "success_url" not in params:
        raise missing("success_url")
    if not params.get("line_items"):
        raise missing("line_items")
    if params.get("allowed_payment_method_types") == []:
        raise missing("allowed_payment_method_types")
    for number, item in enumerate(params["line_items"]):
        _check_item(item, f"line_items[{number}]", params.get("currency", "usd"))
    total = _total(params)
    if total < LEAST_CENTS:
        raise ValidationError(
            "The Checkout Session's total amount must convert to at least 50 cents.",
            code="amount_too_small",
        )
    if total > MOST_CENTS:
        raise ValidationError(
            "The Checkout Session's total amount due must be no more than $999,999.99.",
            code="amount_too_large",
        )
    if "expires_at" in params:
        ahead = params["expires_at"] - world.clock.stamp()
        if ahead < SHORTEST_SECONDS:
            raise ValidationError(
                "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
                "creation.",
                param="expires_at",
            )
        if ahead > LONGEST_SECONDS:
            raise ValidationError(
                "The `expires_at` timestamp must be less than 24 hours from Checkout Session "
                "creation.",
                param="expires_at",
            )


def _check_item(item: Body, path: str, currency: str) -> None:
    if "price_data" not in item:
        raise missing(f"{path}[price_data]")
    price = item["price_data"]
    for name in ("unit_amount", "product_data"):
        if name not in price:
            raise missing(f"{path}[price_data][{name}]")
    if "quantity" not in item:
        raise missing(f"{path}[quantity]")
    if price["currency"].lower() != "usd" or currency.lower() != "usd":
        raise ValidationError(
            f"Invalid currency: {price['currency']}. This sandbox only simulates usd.",
            param=f"{path}[price_data][currency]",
        )


def _total(params: Body) -> int:
    return sum(
        item["price_data"]["unit_amount"] * item["quantity"] for item in params["line_items"]
    )


def create(world: World, params: Body) -> Body:
    """Make an open session from checked parameters."""
    now = world.clock.stamp()
    for item in params["line_items"]:
        item["price_data"]["currency"] = "usd"
    body = objects.session(
        params, amount=_total(params), currency="usd", created=now, base_url=world.base_url
    )
    if not body["branding_settings"]["display_name"]:
        body["branding_settings"]["display_name"] = world.merchant
    world.store.add(
        "checkout.session",
        body,
        {
            "line_items": [objects.line_item(item, now) for item in params["line_items"]],
            "payment_intent_data": params.get("payment_intent_data", {}),
            "challenge": None,
        },
    )
    return body


def find(world: World, session_id: str) -> Body:
    """The session, or Stripe's 404."""
    body = world.store.find("checkout.session", session_id)
    if body is None:
        raise no_such("checkout.session", session_id, "session")
    return body


def expire(world: World, session_id: str, origin: Origin = NOBODY) -> Body:
    """End an open session; raises StripeError (400) when it is no longer open."""
    with world.store.transaction():
        body = find(world, session_id)
        if body["status"] != "open":
            raise StripeError(
                400,
                'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
                f"Session has a status of `{body['status']}`.",
            )
        body["status"] = "expired"
        body["url"] = None
        world.store.save(body)
        if body["payment_intent"] is not None:
            intent = world.store.get("payment_intent", body["payment_intent"])
            intent.update(
                status="canceled",
                canceled_at=world.clock.stamp(),
                cancellation_reason="expired",
                next_action=None,
            )
            world.store.save(intent)
            record(world, "payment_intent.canceled", intent, origin)
        record(world, "checkout.session.expired", body, origin)
    return body


def expire_due(world: World) -> int:
    """End every open session whose time has come; how many there were."""
    with world.store.transaction():
        due = world.store.rows(
            "SELECT id FROM objects WHERE kind = 'checkout.session' "
            "AND json_extract(body, '$.status') = 'open' "
            "AND json_extract(body, '$.expires_at') <= ?",
            (world.clock.stamp(),),
        )
        for (session_id,) in due:
            expire(world, session_id)
    return len(due)
