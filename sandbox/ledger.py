"""All that the sandbox has seen and done, for tests to look at."""

from __future__ import annotations

from typing import Any

from sandbox.world import World

Body = dict[str, Any]
KIND_NAMES = {
    "sessions": "checkout.session",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
}


def events_with_deliveries(world: World) -> list[Body]:
    """Every event, oldest first, with what was planned and tried for it."""
    store = world.store
    planned: dict[str, list[Body]] = {}
    for event, state, tries in store.rows("SELECT event, state, tries FROM deliveries ORDER BY id"):
        planned.setdefault(event, []).append({"state": state, "tries": tries})
    tried: dict[str, list[Body]] = {}
    for event, status, error, ms, at in store.rows(
        "SELECT event, status, error, ms, at FROM attempts ORDER BY id"
    ):
        attempt = {"status": status, "error": error, "ms": ms, "at": at}
        tried.setdefault(event, []).append(attempt)
    return [
        {
            **event,
            "deliveries": planned.get(event["id"], []),
            "attempts": tried.get(event["id"], []),
        }
        for event in store.all_of("event")
    ]


def everything(world: World) -> Body:
    """All that the sandbox knows."""
    store = world.store
    with store.transaction():
        found: Body = {name: store.all_of(kind) for name, kind in KIND_NAMES.items()}
        found["idempotency_keys"] = [
            {"key": key, "path": path, "status": status, "made_at": made_at}
            for key, path, status, made_at in store.rows(
                "SELECT key, path, status, made_at FROM idempotency ORDER BY made_at, key"
            )
        ]
        found["requests"] = [
            {
                "operation": operation,
                "key": key,
                "status": status,
                "fault": fault,
                "replayed": bool(replayed),
                "at": at,
            }
            for operation, key, status, fault, replayed, at in store.rows(
                "SELECT operation, key, status, fault, replayed, at FROM requests ORDER BY seq"
            )
        ]
    return found
