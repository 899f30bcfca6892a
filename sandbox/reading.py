"""Lists and expansions: how Stripe's GETs are answered."""

from __future__ import annotations

from typing import Any

from sandbox.errors import StripeError, ValidationError, no_such
from sandbox.world import World

Body = dict[str, Any]
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
DEEPEST = 4
# What can be expanded in each kind of object, and the kind that stands there; None: always null.
EXPANDABLE: dict[str, dict[str, str | None]] = {
    "checkout.session": {
        "customer": None,
        "invoice": None,
        "line_items": "line_items",
        "payment_intent": "payment_intent",
        "payment_link": None,
        "setup_intent": None,
        "subscription": None,
    },
    "payment_intent": {
        "application": None,
        "customer": None,
        "latest_charge": "charge",
        "on_behalf_of": None,
        "review": None,
    },
    "charge": {
        "application": None,
        "balance_transaction": "balance_transaction",
        "customer": None,
        "payment_intent": "payment_intent",
        "review": None,
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "payment_intent": "payment_intent",
    },
}


def retrieve(world: World, kind: str, object_id: str, param: str) -> Body:
    """One object, or Stripe's 404 naming `param`."""
    body = world.store.find(kind, object_id)
    if body is None:
        raise no_such(kind, object_id, param)
    return body


def page_of(world: World, kind: str, url: str, params: Body, filters: dict[str, Any]) -> Body:
    """A page, newest first; `filters` are fields that must equal a value."""
    if "starting_after" in params and "ending_before" in params:
        raise ValidationError(
            "You may only specify one of these parameters: starting_after, ending_before."
        )
    conditions: list[str] = []
    values: list[Any] = []
    for name, value in filters.items():
        conditions.append(f"json_extract(body, '$.{name}') = ?")
        values.append(value)
    if "created" in params:
        period = params["created"]
        bounds = period if isinstance(period, dict) else {"gte": period, "lte": period}
        for name, value in bounds.items():
            conditions.append(f"json_extract(body, '$.created') {COMPARISONS[name]} ?")
            values.append(value)
    _extra(params, conditions, values)
    backwards = "ending_before" in params
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            seq = world.store.seq(kind, params[name])
            if seq is None:
                raise _no_cursor(kind, params[name], name)
            conditions.append(f"seq {sign} ?")
            values.append(seq)
    limit = params.get("limit", 10)
    found = world.store.where(kind, conditions, values, limit + 1, newest=not backwards)
    data = found[:limit]
    if backwards:
        data.reverse()
    return {"object": "list", "data": data, "has_more": len(found) > limit, "url": url}


def _extra(params: Body, conditions: list[str], values: list[Any]) -> None:
    if "types" in params:
        if "type" in params:
            raise ValidationError("You may only specify one of these parameters: type, types.")
        conditions.append(
            "json_extract(body, '$.type') IN (" + ", ".join("?" * len(params["types"])) + ")"
        )
        values.extend(params["types"])
    if "type" in params:
        conditions.append("json_extract(body, '$.type') GLOB ?")
        # A star is Stripe's only wildcard; SQLite's other ones are taken literally.
        values.append(params["type"].replace("[", "[[]").replace("?", "[?]"))
    if "delivery_success" in params:
        owed = (
            "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event = objects.id "
            "AND deliveries.state != 'delivered')"
        )
        conditions.append(f"NOT {owed}" if params["delivery_success"] else owed)


def _no_cursor(kind: str, object_id: str, param: str) -> StripeError:
    return StripeError(400, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def line_items(world: World, session_id: str, params: Body) -> Body:
    """A page of a session's lines, in the order in which they were sent."""
    lines = world.store.private(session_id)["line_items"]
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    places = {line["id"]: place for place, line in enumerate(lines)}
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in places:
            raise _no_cursor("item", params[name], name)
    limit = params.get("limit", 10)
    if "ending_before" in params:
        before = lines[: places[params["ending_before"]]]
        return _lines(before[-limit:], len(before) > limit, url)
    rest = lines[places[params["starting_after"]] + 1 :] if "starting_after" in params else lines
    return _lines(rest[:limit], len(rest) > limit, url)


def _lines(data: list[Body], more: bool, url: str) -> Body:
    return {"object": "list", "data": data, "has_more": more, "url": url}


def expand(world: World, body: Body, paths: list[str]) -> Body:
    """Put whole objects where `paths` ask for them; in lists, paths begin with `data.`."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise ValidationError(
                f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}",
                param="expand",
            )
        if body["object"] == "list":
            if parts[0] != "data" or len(parts) == 1:
                raise _cannot(path)
            for member in body["data"]:
                _expand_one(world, member, parts[1:], path)
        else:
            _expand_one(world, body, parts, path)
    return body


def _expand_one(world: World, body: Body, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    allowed = EXPANDABLE.get(body["object"], {})
    if name not in allowed:
        raise _cannot(path)
    kind = allowed[name]
    if kind == "line_items":
        if rest:
            raise _cannot(path)
        body[name] = line_items(world, body["id"], {})
        return
    value = body.get(name)
    if isinstance(value, str) and kind is not None:
        value = body[name] = world.store.get(kind, value)
    if rest and isinstance(value, dict):
        _expand_one(world, value, rest, path)


def _cannot(path: str) -> ValidationError:
    return ValidationError(f"This property cannot be expanded ({path}).", param="expand")
