"""The API refuses what Stripe refuses, in Stripe's words."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
import stripe

from sandbox import API_VERSION
from tests.sandbox.sandbox_process import Sandbox, flat_params, session_params

CREATE = "/v1/checkout/sessions"
ITEM = "line_items[0]"
NAME = f"{ITEM}[price_data][product_data][name]"
AMOUNT = f"{ITEM}[price_data][unit_amount]"


def refused(sandbox: Sandbox, data: dict[str, Any], method: str = "POST") -> dict[str, Any]:
    answer = sandbox.raw(method, CREATE, data)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return dict(error)


def test_the_pinned_library_speaks_the_version_that_the_sandbox_speaks() -> None:
    assert stripe.api_version == API_VERSION


def test_the_least_that_stripe_takes_is_taken(sandbox: Sandbox) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params())
    assert answer.status_code == 200
    assert answer.json()["amount_total"] == 15_000


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("payment_method_types[0]", "card", "parameter_unknown"),
        ("colour", "red", "parameter_unknown"),
        (f"{ITEM}[colour]", "red", "parameter_unknown"),
        ("payment_intent_data[secret]", "1", "parameter_unknown"),
        ("success_url", "", "parameter_invalid_empty"),
        ("success_url", "/relative", "url_invalid"),
        ("success_url", "javascript:alert(1)", "url_invalid"),
        ("success_url", "http://", "url_invalid"),
        ("success_url", "http://a b/", "url_invalid"),
        ("cancel_url", "nowhere", "url_invalid"),
        ("customer_email", "nobody", "email_invalid"),
        ("customer_email", "a@b", "email_invalid"),
        (AMOUNT, "12.50", "parameter_invalid_integer"),
        (AMOUNT, "١٢", "parameter_invalid_integer"),
        (AMOUNT, "-1", "parameter_invalid_integer"),
        (f"{ITEM}[quantity]", "0", "parameter_invalid_integer"),
        (f"{ITEM}[quantity]", "many", "parameter_invalid_integer"),
        ("expires_at", "soon", "parameter_invalid_integer"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_code(
    sandbox: Sandbox, name: str, value: str, code: str
) -> None:
    error = refused(sandbox, flat_params(**{name: value}))
    assert error["code"] == code
    assert error["param"] == name.removesuffix("[0]" if "types" in name else "")
    assert sandbox.ledger()["sessions"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "gift"),
        ("ui_mode", "hosted"),
        ("locale", "xx"),
        ("submit_type", "buy"),
        ("billing_address_collection", "sometimes"),
        ("allowed_payment_method_types[0]", "cash"),
        ("allowed_payment_method_types", "card"),
        ("adaptive_pricing[enabled]", "yes"),
        ("client_reference_id", "x" * 201),
        ("line_items", "one"),
        ("metadata", "text"),
        ("metadata[" + "k" * 41 + "]", "v"),
        ("metadata[k]", "v" * 501),
        ("expand[0]", "colour"),
        ("payment_intent_data[statement_descriptor]", "x" * 23),
    ],
)
def test_a_value_outside_its_limits_is_refused(sandbox: Sandbox, name: str, value: str) -> None:
    assert refused(sandbox, flat_params(**{name: value}))["param"]
    assert sandbox.ledger()["sessions"] == []


def test_more_than_fifty_metadata_keys_are_refused(sandbox: Sandbox) -> None:
    fifty = {f"metadata[k{number}]": "v" for number in range(50)}
    assert sandbox.raw("POST", CREATE, flat_params(**fifty)).status_code == 200
    assert refused(sandbox, flat_params(**fifty, **{"metadata[more]": "v"}))["param"] == "metadata"


@pytest.mark.parametrize(
    ("name", "param"),
    [
        ("mode", "mode"),
        ("success_url", "success_url"),
        (f"{ITEM}[quantity]", f"{ITEM}[quantity]"),
        (f"{ITEM}[price_data][currency]", f"{ITEM}[price_data][currency]"),
        (AMOUNT, AMOUNT),
        (NAME, f"{ITEM}[price_data][product_data]"),
    ],
)
def test_a_missing_parameter_is_named(sandbox: Sandbox, name: str, param: str) -> None:
    params = flat_params()
    del params[name]
    error = refused(sandbox, params)
    assert error["code"] == "parameter_missing"
    assert error["param"] == param


def test_line_items_are_required(sandbox: Sandbox) -> None:
    params = {"mode": "payment", "success_url": "http://127.0.0.1:9/"}
    assert refused(sandbox, params)["param"] == "line_items"


@pytest.mark.parametrize(
    ("cents", "status", "code"),
    [
        (49, 400, "amount_too_small"),
        (50, 200, None),
        (99_999_999, 200, None),
        (100_000_000, 400, "amount_too_large"),
    ],
)
def test_the_amount_has_stripes_limits(
    sandbox: Sandbox, cents: int, status: int, code: str | None
) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params(**{AMOUNT: str(cents)}))
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("code") == code


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(29 * 60, 400), (31 * 60, 200), (24 * 3600 - 60, 200), (24 * 3600 + 60, 400)],
)
def test_a_session_lives_half_an_hour_to_a_day(sandbox: Sandbox, ahead: int, status: int) -> None:
    at = int(time.time()) + ahead
    answer = sandbox.raw("POST", CREATE, flat_params(expires_at=str(at)))
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["param"] == "expires_at"
    else:
        assert answer.json()["expires_at"] == at


def test_what_is_known_and_not_simulated_is_refused_aloud(sandbox: Sandbox) -> None:
    for name, value in (("customer", "cus_1"), ("mode", "subscription"), ("ui_mode", "elements")):
        error = refused(sandbox, flat_params(**{name: value}))
        assert "does not simulate" in error["message"]


def test_a_list_filter_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    assert refused(sandbox, {"colour": "red"}, "GET")["code"] == "parameter_unknown"
    assert refused(sandbox, {"status": "lost"}, "GET")["param"] == "status"
    assert refused(sandbox, {"limit": "0"}, "GET")["param"] == "limit"
    assert refused(sandbox, {"limit": "101"}, "GET")["param"] == "limit"
    assert refused(sandbox, {"created[near]": "1"}, "GET")["param"] == "created[near]"


@pytest.mark.parametrize("key", ["sk_live_abc", "pk_test_abc", "nonsense", "sk_test_", ""])
def test_only_secret_test_keys_are_let_in(sandbox: Sandbox, key: str) -> None:
    answer = sandbox.raw("GET", CREATE, Authorization=f"Bearer {key}")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "abc" not in key or "sk_live_abc" not in answer.text


def test_no_key_at_all_is_401_and_the_library_says_so(sandbox: Sandbox) -> None:
    answer = sandbox.http.get(sandbox.url + CREATE, timeout=5)
    assert answer.status_code == 401
    with pytest.raises(stripe.AuthenticationError):
        sandbox.stripe(key="sk_live_abc").v1.checkout.sessions.list()


def test_restricted_test_keys_are_let_in(sandbox: Sandbox) -> None:
    assert sandbox.raw("GET", CREATE, Authorization="Bearer rk_test_abc").status_code == 200


def test_another_api_version_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.raw("GET", CREATE, Stripe_Version=API_VERSION).status_code == 200
    answer = sandbox.raw("GET", CREATE, Stripe_Version="2020-08-27")
    assert answer.status_code == 400
    assert "2020-08-27" in answer.json()["error"]["message"]


def test_an_unknown_path_is_a_404_in_stripes_shape(sandbox: Sandbox) -> None:
    for method, path in (("GET", "/v1/coupons"), ("DELETE", CREATE), ("POST", "/v1/refunds")):
        answer = sandbox.raw(method, path)
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]


def test_a_body_that_is_not_a_form_is_refused(sandbox: Sandbox) -> None:
    answer = requests.post(
        sandbox.url + CREATE,
        json=session_params(),
        headers={"Authorization": "Bearer sk_test_x"},
        timeout=5,
    )
    assert answer.status_code == 400


def test_hostile_parameter_names_are_refused_and_harm_nothing(sandbox: Sandbox) -> None:
    for name in ("[", "a]b", "a[[b]]", "mode[x]", "line_items[x]", "line_items[²][quantity]"):
        assert refused(sandbox, flat_params(**{name: "1"}))["message"]
    bad_bytes = sandbox.http.post(
        sandbox.url + CREATE,
        data=b"mode=%ff%fe",
        headers={
            "Authorization": "Bearer sk_test_x",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        timeout=5,
    )
    assert bad_bytes.status_code == 400


def test_a_huge_body_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params(**{NAME: "x" * 1_100_000}))
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_every_answer_carries_stripes_headers(sandbox: Sandbox) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k-1")
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Idempotency-Key"] == "k-1"
    assert answer.headers["Stripe-Version"] == API_VERSION
    assert "Idempotent-Replayed" not in answer.headers
    assert answer.headers["Date"].endswith("GMT")
