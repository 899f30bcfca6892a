"""What is no bid is refused, with the field and its limit."""

from __future__ import annotations

from typing import Any

import pytest

from app.bidding.models import Bid
from tests import people
from tests.payments.market import Market

LIMITS = "0.50 to 999,999.99"
# Field, what is sent for it as JSON, what the answer says of it.
FIELDS = [
    ("amount", text, said)
    for said, texts in {
        LIMITS: [
            '"0"', '"0.49"', '"1000000"', '"999999.999"', '"-5"', '"+5"', '" 5"', '"5 "', '"1e3"',
            '"1,000.00"', '"$5"', '"٣"', '"NaN"', '"Infinity"', '""', '"5.\\u0000"', '"0x10"',
            "0", "0.49", "-1", "1000000", "1.005", "1e300", "1e-300", "1E400", "1e9999999",
            "1e-99999", "1e-999999999999999", "0.5" + "0" * 40 + "1", "9" * 300,
            '"' + "9" * 100_000 + '"',
        ],
        "Enter an amount as a string": [
            "true", "false", "[]", "{}", '["5.00"]', '{"amount": "5.00"}', "[[[[[[5]]]]]]",
        ],
        "not be null": ["null"],
    }.items()
    for text in texts
] + [
    ("artwork_id", text, said)
    for said, texts in {
        "whole number": ["0", "-1", str(2**63), "9" * 300],
        "Not a valid integer": [
            '"1"', "1.5", "1e400", "1e99999999", "-1e99999999", "1e-99999999", "true", "[]", "{}",
            '""', "[1]",
        ],
        "not be null": ["null"],
    }.items()
    for text in texts
]  # fmt: skip


@pytest.fixture
def artwork_id(market: Market) -> int:
    return market.make_artwork(market.seller)


def send(market: Market, body: str | bytes, content_type: str = "application/json") -> Any:
    return people.anonymous(market.app).post(
        "/api/bids", data=body, content_type=content_type, headers=market.buyer.bearer
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("field", "sent", "said"), FIELDS, ids=lambda value: str(value)[:24])
def test_a_wrong_field_is_named_with_its_limit(
    market: Market, artwork_id: int, field: str, sent: str, said: str
) -> None:
    fields = {"artwork_id": str(artwork_id), "amount": '"5.00"'} | {field: sent}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
    answer = send(market, body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert set(problem["errors"]) == {field}
    assert said in " ".join(problem["errors"][field])
    assert len(answer.data) < 2_000
    assert market.rows(Bid) == []


@pytest.mark.parametrize("field", ["artwork_id", "amount"])
def test_a_missing_field_is_named(market: Market, artwork_id: int, field: str) -> None:
    body = {"artwork_id": artwork_id, "amount": "5.00"}
    del body[field]
    answer = market.call(market.buyer, "POST", "/bids", body)
    assert answer.status_code == 422
    assert "Missing data" in answer.get_json()["errors"][field][0]


@pytest.mark.parametrize("name", ["status", "threshold", "bidder_id", "__proto__", "é" * 200])
def test_an_unknown_field_is_refused(market: Market, artwork_id: int, name: str) -> None:
    body = {"artwork_id": artwork_id, "amount": "5.00", name: "WON"}
    answer = market.call(market.buyer, "POST", "/bids", body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {name: ["Unknown field."]}
    assert market.rows(Bid) == []


@pytest.mark.parametrize(
    "body",
    ["", "{", "null and void", '{"amount": NaN}', '{"amount": Infinity}', '{"amount": -Infinity}',
     '{"amount": ' + "9" * 5_000 + "}", "[" * 100_000, '{"a":' * 50_000, b"\xff\xfe\x00",
     b'{"amount": "\xc3\x28"}', "{'amount': 5}", '{"amount": "5",}', "\x00",
     '{"amount": 1e999999999999999999999}'],
    ids=lambda body: repr(body[:16]),
)  # fmt: skip
def test_what_is_no_json_in_utf_8_is_refused(market: Market, body: str | bytes) -> None:
    answer = send(market, body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["errors"] == {"body": ["This is not valid JSON in UTF-8."]}
    assert market.rows(Bid) == []


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "null", "true", '[{"amount": "5.00"}]'])
def test_a_body_that_is_no_object_is_refused(market: Market, body: str) -> None:
    answer = send(market, body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "application/xml", "nonsense"],
)  # fmt: skip
def test_another_content_type_is_refused_and_the_right_one_named(
    market: Market, content_type: str
) -> None:
    answer = send(market, '{"artwork_id": 1, "amount": "5.00"}', content_type)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.get_json()["detail"]


def test_a_body_of_more_than_the_limit_is_refused_unread(market: Market) -> None:
    answer = send(market, '{"amount": "' + "5" * (12 * 1024 * 1024) + '"}')
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_wrong_input_is_not_looked_at_before_the_caller_is_known(market: Market) -> None:
    answer = people.anonymous(market.app).post("/api/bids", data="{", content_type="text/plain")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("sent", "amount"),
    [('"5"', "5.00"), ('"5.5"', "5.50"), ("5", "5.00"), ("5.5", "5.50"), ("5.25", "5.25"),
     ("0.50", "0.50"), ('"0.50"', "0.50"), ("70.10", "70.10"), ("19.99", "19.99")],
)  # fmt: skip
def test_strings_and_numbers_are_the_same_amount_to_the_cent(
    market: Market, artwork_id: int, sent: str, amount: str
) -> None:
    answer = send(market, f'{{"artwork_id": {artwork_id}, "amount": {sent}}}')
    assert answer.status_code == 201
    assert answer.get_json()["amount"] == amount


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=1.5", "per_page=101", "per_page=0", "pages=1",
              "page=99999999999999999999"],
)  # fmt: skip
def test_a_wrong_page_is_named(market: Market, artwork_id: int, query: str) -> None:
    for path in (f"/artworks/{artwork_id}/bids", f"/bids/artwork/{artwork_id}", "/bids/my-bids"):
        answer = market.call(market.buyer, "GET", f"{path}?{query}")
        assert answer.status_code == 422, path
        assert set(answer.get_json()["errors"]) == {query.split("=")[0]}
