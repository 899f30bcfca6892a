"""Events: what happened, written down in the transaction in which it happened."""

from __future__ import annotations

import copy
import time
from typing import Any

from sandbox import API_VERSION
from sandbox.identifiers import new_id
from sandbox.world import NOBODY, Origin, World

Body = dict[str, Any]
WEBHOOK_MODES = ("deliver", "drop", "hold", "duplicate", "delay")
DEFAULT_WEBHOOKS: Body = {"mode": "deliver", "types": None, "copies": 2, "seconds": 0}


def record(
    world: World,
    kind: str,
    subject: Body,
    origin: Origin = NOBODY,
    previous: Body | None = None,
) -> Body:
    """Keep an event with a copy of its object, and plan its delivery. Runs in a transaction."""
    data: Body = {"object": copy.deepcopy(subject)}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Body = {
        "id": new_id("evt_1"),
        "object": "event",
        "api_version": API_VERSION,
        "created": world.clock.stamp(),
        "data": data,
        "livemode": bool(subject.get("livemode", False)),
        "pending_webhooks": 1 if endpoint(world)[0] else 0,
        "request": {"id": origin.request_id, "idempotency_key": origin.idempotency_key},
        "type": kind,
    }
    world.store.add("event", event)
    _plan(world, event)
    return event


def endpoint(world: World) -> tuple[str | None, str]:
    """Where webhooks go, and the secret that signs them."""
    changed = world.store.setting("endpoint", {})
    return changed.get("url", world.webhook_url), changed.get("secret", world.webhook_secret)


def webhook_switch(world: World) -> Body:
    """How webhooks are delivered at present."""
    return {**DEFAULT_WEBHOOKS, **world.store.setting("webhooks", {})}


def _plan(world: World, event: Body) -> None:
    if endpoint(world)[0] is None:
        return
    switch = webhook_switch(world)
    concerned = switch["types"] is None or event["type"] in switch["types"]
    mode = switch["mode"] if concerned else "deliver"
    state = {"drop": "dropped", "hold": "held"}.get(mode, "pending")
    due = time.time() + (switch["seconds"] if mode == "delay" else 0)
    for _ in range(switch["copies"] if mode == "duplicate" else 1):
        world.store.insert(
            "INSERT INTO deliveries (event, state, due, first_due) VALUES (?, ?, ?, ?)",
            (event["id"], state, due, due),
        )
    world.store.after_commit(world.planned.set)


def shown(world: World, event: Body) -> Body:
    """The event as the API shows it now: with the webhooks that are still owed."""
    owed = world.store.rows(
        "SELECT count(*) FROM deliveries WHERE event = ? "
        "AND state IN ('pending', 'sending', 'held')",
        (event["id"],),
    )[0][0]
    return {**event, "pending_webhooks": 1 if owed else 0}
