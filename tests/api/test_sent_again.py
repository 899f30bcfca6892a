"""PUT and DELETE may be sent twice: nginx does so when a host dies before it has answered."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.core.audit import AuditLog
from app.core.extensions import db
from tests.people import Browser, TestPerson, anonymous

IMAGE, FAVOURITE = "/api/artworks/<int:artwork_id>/image", "/api/favourites/<int:artwork_id>"
TOKEN = "/api/auth/token"
# What is answered the second time. Whoever gave a token back is told that it is not valid, which
# is what they wanted.
AGAIN = {
    ("PUT", IMAGE): 200,
    ("PUT", FAVOURITE): 200,
    ("DELETE", FAVOURITE): 204,
    ("DELETE", TOKEN): 401,
}


# Each upload of a picture has an address of its own.
DIFFER = {"updated_at", "picture_key"}


def everything() -> dict[str, list[Any]]:
    """Every row but those that tell what was asked for."""
    found = {}
    for table in db.metadata.sorted_tables:
        if table.name != AuditLog.__tablename__:
            columns = [column for column in table.columns if column.name not in DIFFER]
            found[table.name] = sorted(map(repr, db.session.execute(select(*columns))))
    db.session.remove()
    return found


def test_each_route_for_put_and_delete_is_looked_at_here(app: Flask) -> None:
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in {"PUT", "DELETE"} & set(rule.methods or ())
    }
    assert routes == set(AGAIN)


@pytest.mark.parametrize(("method", "rule"), AGAIN)
def test_sent_twice_leaves_what_once_would_have(
    app: Flask,
    seller: TestPerson,
    make_artwork: Callable[..., int],
    method: str,
    rule: str,
) -> None:
    path = rule.replace("<int:artwork_id>", str(make_artwork(seller)))
    if (method, rule) == ("DELETE", FAVOURITE):
        assert ask(app, seller, "PUT", FAVOURITE, path) == 200
    assert ask(app, seller, method, rule, path) in (200, 204)
    with app.app_context():
        once = everything()
    assert ask(app, seller, method, rule, path) == AGAIN[method, rule]
    with app.app_context():
        assert everything() == once


def ask(app: Flask, person: TestPerson, method: str, rule: str, path: str) -> int:
    browser: Browser = anonymous(app)
    data = {"image": (picture(), "a.png"), "alt": "Teal"} if rule == IMAGE else None
    return browser.open(path, method=method, data=data, headers=person.bearer).status_code


def picture() -> BytesIO:
    file = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(file, "PNG")
    file.seek(0)
    return file
