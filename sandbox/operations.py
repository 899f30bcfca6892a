"""The operations of Stripe's API that the sandbox plays: path, parameters, effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import accepted, events, reading, sessions
from sandbox.parameters import Group
from sandbox.world import Origin, World

Body = dict[str, Any]
Run = Callable[[World, dict[str, str], Body, Origin], Body]
Check = Callable[[World, Body], None]


@dataclass(frozen=True)
class Operation:
    """One method on one path; `check` refuses what no single parameter shows."""

    name: str
    method: str
    path: str
    accepts: Group
    run: Run
    check: Check = lambda world, params: None


def _retrieve(kind: str, param: str) -> Run:
    def run(world: World, ids: dict[str, str], params: Body, origin: Origin) -> Body:
        return reading.retrieve(world, kind, ids["id"], param)

    return run


def _list(kind: str, url: str, *equal: str) -> Run:
    def run(world: World, ids: dict[str, str], params: Body, origin: Origin) -> Body:
        filters = {name: params[name] for name in equal if name in params}
        if "customer_details" in params:
            filters["customer_details.email"] = params["customer_details"]["email"]
        return reading.page_of(world, kind, url, params, filters)

    return run


def _line_items(world: World, ids: dict[str, str], params: Body, origin: Origin) -> Body:
    sessions.find(world, ids["id"])
    return reading.line_items(world, ids["id"], params)


def _retrieve_event(world: World, ids: dict[str, str], params: Body, origin: Origin) -> Body:
    return events.shown(world, reading.retrieve(world, "event", ids["id"], "id"))


def _list_events(world: World, ids: dict[str, str], params: Body, origin: Origin) -> Body:
    page = reading.page_of(world, "event", "/v1/events", params, {})
    page["data"] = [events.shown(world, event) for event in page["data"]]
    return page


_SESSIONS = "/v1/checkout/sessions"
OPERATIONS = (
    Operation(
        "create",
        "POST",
        _SESSIONS,
        accepted.CREATE_SESSION,
        lambda world, ids, params, origin: sessions.create(world, params),
        sessions.check,
    ),
    Operation(
        "list",
        "GET",
        _SESSIONS,
        accepted.LIST_SESSIONS,
        _list("checkout.session", _SESSIONS, "status", "payment_intent"),
    ),
    Operation(
        "retrieve",
        "GET",
        f"{_SESSIONS}/<id>",
        accepted.RETRIEVE,
        _retrieve("checkout.session", "session"),
    ),
    Operation(
        "expire",
        "POST",
        f"{_SESSIONS}/<id>/expire",
        accepted.EXPIRE_SESSION,
        lambda world, ids, params, origin: sessions.expire(world, ids["id"], origin),
    ),
    Operation(
        "line_items", "GET", f"{_SESSIONS}/<id>/line_items", accepted.LINE_ITEMS, _line_items
    ),
    Operation(
        "list_payment_intents",
        "GET",
        "/v1/payment_intents",
        accepted.LIST_INTENTS,
        _list("payment_intent", "/v1/payment_intents"),
    ),
    Operation(
        "retrieve_payment_intent",
        "GET",
        "/v1/payment_intents/<id>",
        accepted.RETRIEVE_INTENT,
        _retrieve("payment_intent", "intent"),
    ),
    Operation(
        "list_charges",
        "GET",
        "/v1/charges",
        accepted.LIST_CHARGES,
        _list("charge", "/v1/charges", "payment_intent"),
    ),
    Operation(
        "retrieve_charge", "GET", "/v1/charges/<id>", accepted.RETRIEVE, _retrieve("charge", "id")
    ),
    Operation(
        "list_refunds",
        "GET",
        "/v1/refunds",
        accepted.LIST_REFUNDS,
        _list("refund", "/v1/refunds", "charge", "payment_intent"),
    ),
    Operation(
        "retrieve_refund", "GET", "/v1/refunds/<id>", accepted.RETRIEVE, _retrieve("refund", "id")
    ),
    Operation("list_events", "GET", "/v1/events", accepted.LIST_EVENTS, _list_events),
    Operation("retrieve_event", "GET", "/v1/events/<id>", accepted.RETRIEVE, _retrieve_event),
)
OPERATION_NAMES = tuple(operation.name for operation in OPERATIONS)
