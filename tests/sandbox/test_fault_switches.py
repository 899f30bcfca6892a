"""Every way in which Stripe can fail, switched on."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import stripe

from tests.sandbox.sandbox_process import Sandbox, flat_params, session_params
from tests.waiting import until

CREATE = "/v1/checkout/sessions"


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (429, "invalid_request_error", stripe.RateLimitError),
        (500, "api_error", stripe.APIError),
        (502, "api_error", stripe.APIError),
        (401, "invalid_request_error", stripe.AuthenticationError),
        (403, "invalid_request_error", stripe.PermissionError),
        (400, "invalid_request_error", stripe.InvalidRequestError),
    ],
)
def test_a_status_is_answered_without_effect(
    sandbox: Sandbox,
    client: stripe.StripeClient,
    status: int,
    kind: str,
    error: type[stripe.StripeError],
) -> None:
    sandbox.fault("create", "status", status=status, code="made_up")
    params: Any = session_params()
    with pytest.raises(error) as caught:
        client.v1.checkout.sessions.create(params)
    assert caught.value.http_status == status
    body: Any = caught.value.json_body
    assert (body["error"]["type"], body["error"]["code"]) == (kind, "made_up")
    assert sandbox.ledger()["sessions"] == []
    assert client.v1.checkout.sessions.create(params).status == "open"


def test_a_fault_meets_only_its_operation_and_as_often_as_said(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.fault("retrieve", "status", status=500, times=2)
    client.v1.checkout.sessions.list()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.checkout.sessions.retrieve(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id


def test_a_fault_without_end_lasts_until_it_is_removed(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    fault = sandbox.fault("*", "status", status=503, times=None)
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            client.v1.checkout.sessions.list()
    with pytest.raises(stripe.APIError):
        client.v1.events.list()
    assert [entry["id"] for entry in sandbox.control("GET", "/faults")] == [fault]
    sandbox.control("DELETE", f"/faults/{fault}", status=204)
    sandbox.control("DELETE", f"/faults/{fault}", status=404)
    assert client.v1.checkout.sessions.list().data == []


def test_a_stored_500_is_replayed_for_its_key_and_makes_no_session(sandbox: Sandbox) -> None:
    sandbox.fault("create", "stored_500")
    for replayed in (None, "true", "true"):
        answer = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
        assert answer.status_code == 500
        assert answer.headers.get("Idempotent-Replayed") == replayed
    assert sandbox.ledger()["sessions"] == []
    assert sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k2").status_code == 200


def test_a_500_that_is_not_stored_is_retried_by_the_library(sandbox: Sandbox) -> None:
    sandbox.fault("create", "status", status=500, times=2)
    params: Any = session_params()
    session = sandbox.stripe(retries=2).v1.checkout.sessions.create(params)
    assert session.status == "open"
    statuses = [request["status"] for request in sandbox.ledger()["requests"]]
    assert statuses == [500, 500, 200]


def test_a_request_lost_before_its_effect_has_none(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    sandbox.fault("create", "lost_before")
    params: Any = session_params()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    assert sandbox.ledger()["sessions"] == []
    assert sandbox.ledger()["requests"][-1]["fault"] == "lost_before"
    assert client.v1.checkout.sessions.create(params, {"idempotency_key": "k"}).status == "open"


def test_a_lost_answer_is_found_again_by_its_key(
    sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    sandbox.fault("create", "lost_after")
    params: Any = session_params()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    [made] = sandbox.ledger()["sessions"]
    again = client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    assert again.id == made["id"]
    assert len(sandbox.ledger()["sessions"]) == 1


def test_a_lost_answer_to_expire_leaves_the_session_expired(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.fault("expire", "lost_after")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.expire(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_a_delay_goes_on_afterwards(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.fault("list", "delay", seconds=0.4)
    started = time.monotonic()
    client.v1.checkout.sessions.list()
    assert time.monotonic() - started >= 0.4


def test_a_delay_and_another_fault_meet_the_same_request(sandbox: Sandbox) -> None:
    sandbox.fault("list", "delay", seconds=0.2)
    sandbox.fault("list", "status", status=502)
    assert sandbox.raw("GET", CREATE).status_code == 502
    assert sandbox.control("GET", "/faults") == []


def test_a_barrier_holds_requests_before_or_after_their_effect(sandbox: Sandbox) -> None:
    for when, made in (("before", 0), ("after", 1)):
        gate = {"name": when, "operation": "create", "when": when}
        sandbox.control("POST", "/barriers", gate, 201)
        thread = threading.Thread(target=sandbox.raw, args=("POST", CREATE, flat_params()))
        thread.start()
        until(lambda: sandbox.control("GET", "/barriers")[0]["waiting"] == 1)
        assert len(sandbox.ledger()["sessions"]) == made
        sandbox.control("POST", f"/barriers/{when}/release")
        thread.join()
        assert len(sandbox.ledger()["sessions"]) == 1
        sandbox.control("POST", "/reset", status=204)


def test_a_barrier_lets_other_operations_through(sandbox: Sandbox) -> None:
    gate = {"name": "g", "operation": "create", "when": "before"}
    sandbox.control("POST", "/barriers", gate, 201)
    assert sandbox.raw("GET", CREATE).status_code == 200
    sandbox.control("POST", "/barriers", gate, 409)
    assert sandbox.control("POST", "/barriers/g/release") == {"released": 0}
    sandbox.control("POST", "/barriers/g/release", status=404)


def test_forty_requests_wait_at_one_barrier_together(sandbox: Sandbox) -> None:
    gate = {"name": "g", "operation": "create", "when": "before"}
    sandbox.control("POST", "/barriers", gate, 201)
    threads = [
        threading.Thread(target=sandbox.raw, args=("POST", CREATE, flat_params()))
        for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    until(lambda: sandbox.control("GET", "/barriers")[0]["waiting"] == 40)
    sandbox.control("POST", "/barriers/g/release")
    for thread in threads:
        thread.join()
    assert len(sandbox.ledger()["sessions"]) == 40


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "create"},
        {"operation": "steal", "kind": "status", "status": 500},
        {"operation": "create", "kind": "explode"},
        {"operation": "create", "kind": "status"},
        {"operation": "create", "kind": "status", "status": 200},
        {"operation": "create", "kind": "delay"},
        {"operation": "create", "kind": "delay", "seconds": -1},
        {"operation": "create", "kind": "stored_500", "times": 0},
        {"operation": "create", "kind": "stored_500", "colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: Sandbox, body: dict[str, Any]) -> None:
    assert sandbox.control("POST", "/faults", body, 400)["error"]
    assert sandbox.control("GET", "/faults") == []
