"""What the API refuses, as its description tells it: statuses, codes, examples."""

from http import HTTPStatus
from typing import Any

from app.core.access import AccountSuspended, Who
from app.core.errors import Forbidden, Invalid, NotFound, NotSignedIn, ProductError
from app.web.api_examples import EXAMPLES
from app.web.errors import status_of

Json = dict[str, Any]

_STATUS_WORDS = {
    400: "The CSRF token is missing or wrong (only with a cookie).",
    401: "Not signed in.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too many requests.",
    500: "Something broke on our side; nothing was half done.",
    503: "The service cannot answer right now; nothing was half done.",
}
_LATER = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}


def refusals(
    operation: Json, view: Any, who: Who, method: str
) -> dict[int, list[type[ProductError]]]:
    """By status, what is refused; statuses without a kind of ours have none."""
    kinds: list[type[ProductError]] = []
    if who in (Who.USER, Who.SELLER, Who.ADMIN):
        kinds += [NotSignedIn]
        if not view.__while_suspended__:
            kinds += [AccountSuspended]
        if who != Who.USER:
            kinds += [Forbidden]
    if any(each["in"] == "path" for each in operation["parameters"]):
        kinds += [NotFound]
    if "requestBody" in operation or any(each["in"] == "query" for each in operation["parameters"]):
        kinds += [Invalid] if who != Who.STRIPE else []
    kinds += getattr(view, "__refuses__", ())
    found: dict[int, list[type[ProductError]]] = {429: [], 500: [], 503: []}
    if method not in {"get", "head"}:
        found |= {400: []}
    if "requestBody" in operation:
        found |= {413: []} if who == Who.STRIPE else {413: [], 415: []}
    for kind in dict.fromkeys(kinds):
        found.setdefault(status_of(kind.__new__(kind)), []).append(kind)
    return dict(sorted(found.items()))


def refusal(status: int, kinds: list[type[ProductError]]) -> Json:
    """One refused status as OpenAPI describes it."""
    phrase = HTTPStatus(status).phrase
    examples: Json = {}
    for kind in kinds:
        body: Json = {"type": "about:blank", "title": phrase, "status": status}
        body["detail"] = _words_of(kind)
        if kind.code:
            body["code"] = kind.code
        if issubclass(kind, Invalid):
            body["errors"] = {"field": ["What is wrong with it."]}
        body |= {
            "artwork_not_active": {"artwork_status": "PENDING_PAYMENT"},
            "bid_too_low": {"current_highest_bid": "120.00"},
        }.get(kind.code or "", {})
        examples[kind.code or kind.__name__] = {"summary": _first_line(kind), "value": body}
    usual = _STATUS_WORDS.get(status, phrase)
    if not examples:
        body = {"type": "about:blank", "title": phrase, "status": status, "detail": usual}
        examples = {phrase.replace(" ", ""): {"value": body}}
    headers = dict(REQUEST_ID)
    if status in (429, 503):
        headers |= _LATER
    if status == 401:
        headers |= {"WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}}
    said = [
        f"`{kind.code}`: {_first_line(kind)}" if kind.code else _first_line(kind) for kind in kinds
    ]
    schema: Json = {"$ref": "#/components/schemas/Problem"}
    codes = sorted({kind.code for kind in kinds if kind.code})
    if codes:
        closed = {"required": ["code"], "properties": {"code": {"enum": codes}}}
        schema = {"allOf": [schema, closed]}
    if any(issubclass(kind, Invalid) for kind in kinds):
        schema = {"allOf": [schema, {"required": ["errors"]}]}
    return {
        "description": " ".join(said) or usual,
        "headers": headers,
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    }


def _first_line(kind: type[ProductError]) -> str:
    return (kind.__doc__ or "").splitlines()[0]


def _words_of(kind: type[ProductError]) -> str:
    words = kind.detail
    return words if isinstance(words, str) else _first_line(kind)


def problem() -> Json:
    """The schema of every error."""
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, for people."},
            "code": {"type": "string", "description": "What happened, for programs."},
            "errors": {
                "type": "object",
                "description": "What is wrong, by field.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "artwork_status": {"type": "string", "description": "With `artwork_not_active`."},
            "current_highest_bid": {"type": "string", "description": "With `bid_too_low`."},
        },
        "examples": [EXAMPLES["Problem"]],
    }
