"""The API's description: for programs as OpenAPI 3.1, for people as a page."""

from __future__ import annotations

import re

from flask import Flask

from tests.people import Browser


def test_the_description_names_every_route_of_the_api(app: Flask, client: Browser) -> None:
    spec = client.get("/api/openapi.json").get_json()
    assert spec["openapi"].startswith("3.1")
    described = {
        (method.upper(), path)
        for path, methods in spec["paths"].items()
        for method in methods
        if method != "parameters"
    }
    routes = {
        (method, re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint not in {
            "api-docs.openapi_json", "web.api_docs",
        }
    }  # fmt: skip
    assert routes - described == set()


def test_people_can_read_it(client: Browser) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    for words in ("/api/bids", "/api/auth/token", "POST"):
        assert words in page.text
