"""The OpenAPI description, made from the routes: who may ask, what they send, every answer.

flask-smorest tells paths, bodies and answers. The rest follows from what each route declares:
`@access` says who may ask, `@refuses` what may be refused, the address and body what can be wrong.
"""

from collections.abc import Iterator
from typing import Any

import flask_smorest
from flask import Flask

from app.core.access import Who
from app.web.api_examples import EXAMPLES
from app.web.api_refusals import REQUEST_ID, Json, problem, refusal, refusals

DESCRIPTION = """\
All that the pages do, for programs.

Take a token with `POST /api/auth/token` and send it as `Authorization: Bearer TOKEN`. A browser's
session cookie does too; requests that change something then need the header `X-CSRFToken`.

Amounts are US dollars as text, such as `"150.00"`. Moments are ISO 8601 in UTC. Lists come in pages
(`page`, `per_page`), newest first unless said. Unknown fields are refused.

Errors are `application/problem+json` (RFC 9457). 401: sign in. 403: your role or account may not.
404: there is no such thing, or it is not yours to see. 409: the state forbids it, and `code` says
how. 415: the body is of another type. 422: input is wrong, and `errors` names each field (`body`
when the body cannot be read at all). 429 and 503: come back after `Retry-After` seconds.
An address that does not exist answers 404, a method that it does not take 405 with `Allow`.

Answers carry `X-Request-ID`: yours if you sent one of 8 to 64 letters, digits, `.`, `_` or `-`.
Artworks and their bids carry an `ETag`; send it as `If-None-Match` to be answered 304 when nothing
has changed.
"""
TAGS = {
    "accounts_api": ("Accounts", "Register, take and give back a bearer token."),
    "artworks_api": ("Artworks", "Listings and their pictures."),
    "favourites_api": ("Favourites", "Artworks to watch."),
    "bidding_api": ("Bids", "The first bid at or above the hidden minimum wins."),
    "payments_api": ("Payments", "Paying a win on Stripe's own page."),
    "stats": ("Numbers", "A seller's own business."),
    "admin_api": ("Administration", "What administrators see and do."),
}
CONDITIONAL = frozenset(
    {
        "artworks_api.list_artworks",
        "artworks_api.show_artwork",
        "bidding_api.bids_of_artwork",
        "bidding_api.bids_by_artwork",
    }
)


def describe(app: Flask, api: flask_smorest.Api) -> Json:
    """The whole description; called once, when every route is registered."""
    spec: Json = api.spec.to_dict()
    spec["info"] |= {"description": DESCRIPTION, "license": {"name": "All rights reserved"}}
    spec["servers"] = [{"url": "/", "description": "This server."}]
    schemas = spec["components"]["schemas"]
    spec["components"] = {
        "schemas": schemas,
        "securitySchemes": _security_schemes(app),
        "headers": _headers(),
    }
    endpoints = _endpoints(app)
    told: list[tuple[str, str]] = []
    for path, operations in spec["paths"].items():
        in_path = operations.pop("parameters", [])
        for method, operation in operations.items():
            endpoint = endpoints[method.upper(), path]
            operation["parameters"] = [*in_path, *operation.get("parameters", [])]
            _complete(operation, app, endpoint, method)
            told.append(TAGS[operation["tags"][0]])
            operation["tags"] = [told[-1][0]]
    spec["tags"] = [{"name": name, "description": said} for name, said in dict(told).items()]
    for name, schema in schemas.items():
        _complete_schema(name, schema)
    # Of the library's own, and of the form that stands in the route as one body.
    for unused in ("Error", "PaginationMetadata", "ImageIn", "ImageWordsIn"):
        schemas.pop(unused, None)
    schemas["Problem"] = problem()
    return spec


def _endpoints(app: Flask) -> dict[tuple[str, str], str]:
    return {
        (method, path): rule.endpoint
        for rule in app.url_map.iter_rules()
        for path in [flask_smorest_path(rule.rule)]
        for method in rule.methods or ()
    }


def flask_smorest_path(rule: str) -> str:
    """`/api/bids/artwork/<int:artwork_id>` as OpenAPI writes it."""
    parts = (
        f"{{{part[1:-1].rpartition(':')[2]}}}" if part.startswith("<") else part
        for part in rule.split("/")
    )
    return "/".join(parts)


def _complete(operation: Json, app: Flask, endpoint: str, method: str) -> None:
    view: Any = app.view_functions[endpoint]
    who: Who = view.__access__
    operation["operationId"] = endpoint.rpartition(".")[2]
    operation["security"] = _security(who, method)
    if endpoint == "artworks_api.set_image":
        _as_multipart(operation)
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["schema"] |= (
                {"examples": ["cs_test_a1"]}
                if (parameter["schema"].get("type") == "string")
                else {"minimum": 0, "examples": [7]}
            )
            parameter["description"] = f"The {parameter['name'].replace('_', ' ')}."
        _complete_property(parameter["schema"])
    if who == Who.STRIPE:
        _as_webhook(operation)
    answers = operation["responses"]
    for status in ("default", "422"):
        answers.pop(status, None)
    for answer in answers.values():
        answer["headers"] = dict(REQUEST_ID)
    if endpoint in CONDITIONAL:
        answers["200"]["headers"]["ETag"] = {"$ref": "#/components/headers/ETag"}
        answers["304"] = {
            "description": "Not changed since the `ETag` in `If-None-Match`.",
            "headers": {**REQUEST_ID, "ETag": {"$ref": "#/components/headers/ETag"}},
        }
    for refused, kinds in refusals(operation, view, who, method).items():
        answers[str(refused)] = refusal(refused, kinds)


def _security(who: Who, method: str) -> list[Json]:
    if who == Who.STRIPE:
        return []
    by_cookie: Json = {"cookie": []} if method == "get" else {"cookie": [], "csrf": []}
    signed_in: list[Json] = [{"bearer": []}, by_cookie]
    return [{}, *signed_in] if who == Who.ANYONE else signed_in


def _security_schemes(app: Flask) -> Json:
    return {
        "bearer": {
            "type": "http", "scheme": "bearer", "description": "From `POST /api/auth/token`.",
        },
        "cookie": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
        "csrf": {
            "type": "apiKey", "in": "header", "name": "X-CSRFToken",
            "description": "The token in a page's forms; with the cookie only.",
        },
    }  # fmt: skip


def _headers() -> Json:
    return {
        "X-Request-ID": {
            "description": "Names this request in the log.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
        },
        "Retry-After": {
            "description": "Seconds until the next try makes sense.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "WWW-Authenticate": {"schema": {"type": "string", "examples": ["Bearer"]}},
        "ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}},
    }


def _as_multipart(operation: Json) -> None:
    """OpenAPI 3 has no form parameters: the file and the words are one body."""
    operation["parameters"] = [each for each in operation["parameters"] if each["in"] == "path"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "additionalProperties": False,
                    "properties": {
                        "image": {
                            "type": "string", "contentMediaType": "application/octet-stream",
                            "description": "JPEG, PNG or WebP, at most 10 MB.",
                        },
                        "alt": {
                            "type": "string", "maxLength": 300, "default": "",
                            "description": "What the picture shows, in words.",
                        },
                    },
                },
                "encoding": {"image": {"contentType": "image/jpeg, image/png, image/webp"}},
                "example": {"image": "(the bytes of the picture)", "alt": "A harbour at dawn"},
            }
        },
    }  # fmt: skip


def _as_webhook(operation: Json) -> None:
    operation["parameters"].append(
        {
            "in": "header", "name": "Stripe-Signature", "required": True,
            "description": "Stripe's signature of the body, at most 300 seconds old.",
            "schema": {"type": "string", "examples": ["t=1796000000,v1=5257a869e7"]},
        }
    )  # fmt: skip
    operation["requestBody"] = {
        "required": True,
        "description": "An event, exactly as Stripe signed it.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"id": "evt_1", "object": "event", "type": "checkout.session.completed"},
            }
        },
    }


def _complete_schema(name: str, schema: Json) -> None:
    """Examples; and that an answer always has all its members, and no others."""
    properties: Json = schema.get("properties", {})
    for each in _below(schema):
        _complete_property(each)
    if not _is_input(name):
        schema["required"] = [key for key in properties if key != "secret_threshold"]
        schema["additionalProperties"] = False
    if name.endswith("Page"):
        schema["examples"] = [{"items": [EXAMPLES[_item(properties)]], "page": 1, "per_page": 20,
                               "total": 1}]  # fmt: skip
    elif name in EXAMPLES:
        schema["examples"] = [EXAMPLES[name]]


def _is_input(name: str) -> bool:
    return name.endswith(("In", "Patch", "Change"))


def _item(properties: Json) -> str:
    return str(properties["items"]["items"]["$ref"]).rpartition("/")[2]


def _below(schema: Json) -> Iterator[Json]:
    for each in schema.get("properties", {}).values():
        yield each
        if "items" in each:
            yield each["items"]


def _complete_property(schema: Json) -> None:
    if "enum" in schema and "type" not in schema:
        schema["type"] = "string"
