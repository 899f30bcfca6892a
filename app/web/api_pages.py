"""The API's description: for programs as OpenAPI 3.1, for people as a page."""

import gzip
from dataclasses import dataclass, field
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    json,
    jsonify,
    make_response,
    render_template,
    request,
)

from app.core.access import Who, access
from app.web.api_refusals import Json

blueprint = Blueprint("api_docs", __name__, url_prefix="/api")

_SIGNED_IN = "a bearer token, or a signed-in browser's cookie"


@blueprint.get("/openapi.json")
@access(Who.ANYONE)
def openapi_json() -> Response:
    """The description for programs."""
    return jsonify(current_app.extensions["api_description"])


@blueprint.get("/docs")
@access(Who.ANYONE)
def page() -> Response:
    """The description for people.

    It is long, and compressed although pages are not: nothing that a stranger may have chosen
    stands on it, so its length tells nothing (breachattack.com).
    """
    spec = current_app.extensions["api_description"]
    words, schemas = Reader(spec), spec["components"]["schemas"]
    html = render_template(
        "web/api_docs.html",
        spec=spec,
        paragraphs=spec["info"]["description"].strip().split("\n\n"),
        groups=words.groups(),
        shapes=[words.shape(name, schema) for name, schema in sorted(schemas.items())],
    )
    answer = make_response(html)
    answer.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        answer.set_data(gzip.compress(html.encode()))
        answer.content_encoding = "gzip"
    return answer


@dataclass(frozen=True)
class Member:
    """A parameter, or a field of a body."""

    name: str
    kind: str
    needed: str
    said: str = ""
    where: str = ""


@dataclass(frozen=True)
class Shape:
    """A body: its fields and an example."""

    name: str
    said: str
    members: list[Member]
    example: str


@dataclass(frozen=True)
class Answer:
    """One status that an operation answers."""

    status: str
    said: str
    shape: str = ""
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Operation:
    """One thing that programs can do."""

    id: str
    method: str
    path: str
    summary: str
    said: str
    needs: str
    parameters: list[Member]
    body_kind: str
    body: Shape | None
    answers: list[Answer]


class Reader:
    """Turns an OpenAPI description into what the page shows."""

    def __init__(self, spec: Json) -> None:
        self._spec = spec

    def groups(self) -> dict[str, list[Operation]]:
        """The operations by their tag, in the tags' order."""
        found: dict[str, list[Operation]] = {tag["name"]: [] for tag in self._spec["tags"]}
        for path, methods in self._spec["paths"].items():
            for method, said in methods.items():
                found[said["tags"][0]].append(self._operation(method.upper(), path, said))
        return found

    def shape(self, name: str, schema: Json) -> Shape:
        """A schema as a table of its members."""
        needed = schema.get("required", [])
        members = [
            Member(
                key, self._kind(each), "yes" if key in needed else "no", each.get("description", "")
            )
            for key, each in schema.get("properties", {}).items()
        ]
        example = (schema.get("examples") or [None])[0]
        return Shape(name, schema.get("description", ""), members, _pretty(example))

    def _operation(self, method: str, path: str, said: Json) -> Operation:
        kind, body = "", None
        if "requestBody" in said:
            [(kind, media)] = said["requestBody"]["content"].items()
            schema = media["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            body = self.shape(name, self._resolve(schema))
            if "example" in media:
                body = Shape(name, body.said, body.members, _pretty(media["example"]))
        return Operation(
            id=said["operationId"],
            method=method,
            path=path,
            summary=said["summary"],
            said=said.get("description", ""),
            needs=_needs(said["security"], said["parameters"]),
            parameters=[
                Member(
                    each["name"],
                    self._kind(each["schema"]),
                    "yes" if each.get("required") else "no",
                    each.get("description", ""),
                    each["in"],
                )
                for each in said["parameters"]
            ],
            body_kind=kind,
            body=body,
            answers=[
                self._answer(status, each) for status, each in sorted(said["responses"].items())
            ],
        )

    def _answer(self, status: str, said: Json) -> Answer:
        for kind, media in said.get("content", {}).items():
            if kind == "application/json":
                name = media["schema"]["$ref"].rpartition("/")[2]
                example = self._resolve(media["schema"])["examples"][0]
                return Answer(status, said["description"], name, [_pretty(example)])
            examples = [_pretty(each["value"]) for each in media["examples"].values()]
            return Answer(status, said["description"], "Problem", examples)
        return Answer(status, said["description"])

    def _resolve(self, schema: Json) -> Json:
        name = schema.get("$ref", "").rpartition("/")[2]
        found: Json = self._spec["components"]["schemas"][name] if name else schema
        return found

    def _kind(self, schema: Json) -> str:
        """A type in words: `integer, 1 to 100`."""
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return " or ".join(dict.fromkeys(self._kind(each) for each in schema[several]))
        if "enum" in schema:
            return ", ".join(str(each) for each in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self._kind(schema['items'])}"
        types = schema.get("type", "anything")
        words = " or ".join(types) if isinstance(types, list) else str(types)
        if "format" in schema:
            words += f" ({schema['format']})"
        words += _limits(schema)
        return words + (f", usually {schema['default']}" if schema.get("default") else "")


def _limits(schema: Json) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None and most < 2**62:
        return f", {least:,} to {most:,}"
    if "maxLength" in schema:
        return f", at most {schema['maxLength']:,} characters"
    return ""


def _needs(security: list[Json], parameters: list[Json]) -> str:
    if any(each["name"] == "Stripe-Signature" for each in parameters):
        return "Stripe’s signature"
    if {} in security:
        return f"nothing; who signs in (with {_SIGNED_IN}) may be told more"
    return _SIGNED_IN


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
