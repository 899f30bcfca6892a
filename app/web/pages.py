"""Pages that explain: the rules to people, the JSON API to programmers."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template

from app.core.access import Who, access
from app.core.money import MAXIMUM_CENTS, MINIMUM_CENTS

blueprint = Blueprint("web", __name__)


@blueprint.get("/help")
@access(Who.ANYONE)
def help_page() -> str:
    """How a sale goes, in plain words."""
    settings = current_app.config["SETTINGS"]
    return render_template(
        "web/help.html",
        settings=settings,
        window=in_words(settings.payment_window_seconds),
        minimum=MINIMUM_CENTS,
        maximum=MAXIMUM_CENTS,
    )


@dataclass(frozen=True)
class Operation:
    """One line of the API's description."""

    method: str
    path: str
    summary: str
    answers: str


@blueprint.get("/api/docs")
@access(Who.ANYONE)
def api_docs() -> str:
    """The description in `/api/openapi.json`, to be read by people."""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return render_template("web/api_docs.html", groups=operations(spec))


def operations(spec: dict[str, Any]) -> dict[str, list[Operation]]:
    """The operations of an OpenAPI description, by their first tag."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in spec["paths"].items():
        for method, said in methods.items():
            if method == "parameters":
                continue
            known = sorted(str(each) for each in said["responses"] if each != "default")
            tag = said.get("tags", ["other"])[0].removesuffix("_api")
            groups.setdefault(tag, []).append(
                Operation(method.upper(), path, said.get("summary", ""), ", ".join(known))
            )
    return groups


def in_words(seconds: int) -> str:
    """A length of time as people say it: `10 minutes`, `90 seconds`."""
    if seconds % 60 == 0:
        minutes = seconds // 60
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
