"""The API's description: for programs as OpenAPI 3.1, for people as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Browser as Chromium

from app.core import paging
from tests.payments.market import listening
from tests.people import Browser

ABOUT_ITSELF = {"api_docs.openapi_json", "api_docs.page"}


@pytest.fixture
def spec(client: Browser) -> Any:
    """The description, as a program gets it."""
    answer = client.get("/api/openapi.json")
    assert answer.mimetype == "application/json"
    return answer.get_json()


def operations(spec: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path and description of each operation."""
    for path, methods in spec["paths"].items():
        for method, said in methods.items():
            yield method.upper(), path, said


def routes(app: Flask) -> set[tuple[str, str]]:
    """What the application answers under /api, but for its own description."""
    return {
        (method, re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint not in ABOUT_ITSELF
    }


def test_it_is_openapi_3_1(spec: Any) -> None:
    assert spec["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []


def test_every_list_says_how_far_its_total_can_be_believed(spec: Any) -> None:
    pages = [schema for name, schema in spec["components"]["schemas"].items()
             if name.endswith("Page")]  # fmt: skip
    assert pages
    for page in pages:
        said = page["properties"]["total"]["description"]
        assert f"exactly up to {paging.COUNTED_AT_ONCE:,}" in said
        assert "in the last 60 seconds" in said


def test_every_route_is_described_and_every_description_is_a_route(app: Flask, spec: Any) -> None:
    assert {(method, path) for method, path, _ in operations(spec)} == routes(app)


def test_every_operation_says_what_a_program_needs(spec: Any) -> None:
    names = [said["operationId"] for *_, said in operations(spec)]
    assert len(names) == len(set(names))
    for method, path, said in operations(spec):
        where = f"{method} {path}"
        assert said["summary"], where
        assert "security" in said, where
        assert {"429", "500", "503"} <= set(said["responses"]), where
        if said["security"][:1] == [{"bearer": []}]:
            assert "401" in said["responses"], where
        for status, answer in said["responses"].items():
            assert "X-Request-ID" in answer["headers"], (where, status)
            if status in {"204", "304"}:
                continue
            [(kind, media)] = answer["content"].items()
            assert (kind == "application/problem+json") == (status >= "400"), (where, status)
            if status >= "400":
                assert media["examples"], (where, status)


def test_every_shape_has_an_example_that_fits_it(spec: Any) -> None:
    for name, schema in spec["components"]["schemas"].items():
        validator = Draft202012Validator({**spec, "$ref": f"#/components/schemas/{name}"})
        assert schema.get("examples"), name
        for example in schema["examples"]:
            assert [error.message for error in validator.iter_errors(example)] == [], name


def test_every_code_of_a_conflict_is_told(spec: Any) -> None:
    told = {
        (said["operationId"], code)
        for *_, said in operations(spec)
        for code in said["responses"].get("409", {}).get("content", {})
        .get("application/problem+json", {}).get("examples", {})
    }  # fmt: skip
    assert told == {
        ("register", "email_taken"), ("place_bid", "artwork_not_active"),
        ("place_bid", "bid_too_low"), ("place_bid", "already_defaulted"),
        ("edit_artwork", "state_forbids"), ("edit_artwork", "threshold_too_low"),
        ("set_image", "state_forbids"), ("withdraw_artwork", "state_forbids"),
        ("relist_artwork", "state_forbids"), ("checkout_session", "payment_over"),
        ("cancel", "payment_over"), ("change_user", "state_forbids"),
    }  # fmt: skip


def test_people_can_read_it_without_scripts(client: Browser, spec: Any) -> None:
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    for method, path, said in operations(spec):
        assert f"{method} {path}" in page.text
        assert f'id="{said["operationId"]}"' in page.text
    for code in ("bid_too_low", "already_defaulted", "payment_over", "email_taken"):
        assert code in page.text


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_page_is_accessible_and_narrow_enough(app: Flask, browser: Chromium) -> None:
    # Both schemes' colours are looked at on the page of all components.
    with listening(app) as address:
        page = browser.new_page(viewport={"width": 320, "height": 700})
        page.goto(f"{address}/api/docs")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        found = Axe().run(page)
        page.close()
    assert found.violations_count == 0, found.generate_report()
