"""Schemathesis reads the description and asks the running product, as each kind of caller.

All checks are on. Usually each caller asks in every way what they may do, and a few times what
they may not. The long look, everything by everybody in every way, 100 times each by chance, on
both databases, takes some minutes: `API_EXAMPLES=100 make test ARGS="tests/api"`.
"""

from __future__ import annotations

import os

import pytest
from flask import Flask

from app.core.access import Who
from tests.api.asking import Asked, ask
from tests.payments.market import Market, listening

LONG = "API_EXAMPLES" in os.environ
MOST = int(os.environ.get("API_EXAMPLES", "8"))
FEW = 2
# Gives back the token that the others go on using: asked when they are done.
LAST = "delete_token"
ROLES = {
    "anonymous": {Who.ANYONE, Who.STRIPE},
    "BUYER": {Who.ANYONE, Who.USER},
    "SELLER": {Who.ANYONE, Who.USER, Who.SELLER},
    "ADMIN": {Who.ANYONE, Who.USER, Who.ADMIN},
}
# What must have been let do at least once: where all is refused, nothing is found wrong.
DONE = {
    "anonymous": {
        "POST /api/auth/register", "GET /api/artworks", "GET /api/artworks/{artwork_id}",
        "GET /api/artworks/{artwork_id}/bids", "GET /api/bids/artwork/{artwork_id}",
    },
    "BUYER": {
        "GET /api/auth/me", "GET /api/bids/my-bids", "GET /api/payments/my-payments",
        "GET /api/favourites", "PUT /api/favourites/{artwork_id}",
        "DELETE /api/favourites/{artwork_id}",
    },
    "SELLER": {
        "POST /api/artworks", "PATCH /api/artworks/{artwork_id}", "GET /api/stats/seller",
        "POST /api/artworks/{artwork_id}/withdraw",
    },
    "ADMIN": {
        "GET /api/stats/platform", "GET /api/admin/users", "PATCH /api/admin/users/{user_id}",
        "GET /api/admin/webhook-events", "GET /api/admin/emails", "GET /api/admin/audit-logs",
        "POST /api/admin/emails/{email_id}/send",
    },
}  # fmt: skip


def operations(app: Flask) -> dict[str, Who]:
    """Who may ask what, by the ids of the operations."""
    return {
        rule.endpoint.rpartition(".")[2]: app.view_functions[rule.endpoint].__access__  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api_docs.")
    }


@pytest.mark.timeout(1800 if LONG else 240)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"] if LONG else ["sqlite"])
@pytest.mark.parametrize("role", list(ROLES))
def test_every_answer_is_as_described(stocked: Market, role: str) -> None:
    people = {"BUYER": stocked.buyer, "SELLER": stocked.seller}
    person = people.get(role) or (None if role == "anonymous" else stocked.make_person(role))
    who = operations(stocked.app)
    may = [name for name in who if (LONG or who[name] in ROLES[role]) and name != LAST]
    may_not = [name for name in who if name not in (*may, LAST)]
    found: list[Asked] = []
    with listening(stocked.app) as address:
        if may_not:
            found.append(ask(address, person, FEW, only=may_not, phases=("fuzzing",)))
        found.append(ask(address, person, MOST, only=may))
        found.append(ask(address, person, FEW, only=[LAST]))
    assert [wrong for each in found for wrong in each.wrong] == []
    assert all(each.finished for each in found)
    answers = {operation: said for each in found for operation, said in each.answers.items()}
    assert len(answers) == len(who)
    succeeded = {
        operation for operation, said in answers.items() if any(status < 300 for status in said)
    }
    assert sorted(DONE[role] - succeeded) == []
