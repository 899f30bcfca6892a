"""Idempotency keys, as docs.stripe.com/api/idempotent_requests promises them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.sandbox_process import Sandbox, flat_params, session_params
from tests.waiting import until

CREATE = "/v1/checkout/sessions"


def test_the_same_key_and_parameters_give_the_same_session(sandbox: Sandbox) -> None:
    first = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
    second = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert second.headers["Request-Id"] != first.headers["Request-Id"]
    ledger = sandbox.ledger()
    assert len(ledger["sessions"]) == 1
    assert [entry["key"] for entry in ledger["idempotency_keys"]] == ["k"]
    assert [request["replayed"] for request in ledger["requests"]] == [False, True]


def test_the_order_of_parameters_does_not_matter(sandbox: Sandbox) -> None:
    first = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
    turned = dict(reversed(flat_params().items()))
    assert sandbox.raw("POST", CREATE, turned, Idempotency_Key="k").json() == first.json()


def test_the_same_key_with_other_parameters_is_an_idempotency_error(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    params: Any = session_params()
    client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    params["client_reference_id"] = "8"
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    assert caught.value.http_status == 400
    assert len(sandbox.ledger()["sessions"]) == 1


def test_the_same_key_on_another_path_is_an_idempotency_error(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    params: Any = session_params()
    session = client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": "k"})
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_key_in_flight_answers_409(sandbox: Sandbox) -> None:
    gate = {"name": "gate", "operation": "create", "when": "before"}
    sandbox.control("POST", "/barriers", gate, 201)
    answers: list[int] = []

    def create() -> None:
        answer = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
        answers.append(answer.status_code)

    first = threading.Thread(target=create)
    first.start()
    until(lambda: sandbox.control("GET", "/barriers")[0]["waiting"] == 1)
    second = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k")
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert sandbox.control("POST", "/barriers/gate/release") == {"released": 1}
    first.join()
    assert answers == [200]
    assert len(sandbox.ledger()["sessions"]) == 1


def test_a_refused_parameter_is_not_kept_for_the_key(sandbox: Sandbox) -> None:
    wrong = flat_params(expires_at="1")
    assert sandbox.raw("POST", CREATE, wrong, Idempotency_Key="k").status_code == 400
    assert sandbox.ledger()["idempotency_keys"] == []
    assert sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k").status_code == 200


def test_a_replay_outlives_the_limits_that_the_first_request_met(sandbox: Sandbox) -> None:
    params = flat_params(expires_at=str(int(time.time()) + 1_860))
    first = sandbox.raw("POST", CREATE, params, Idempotency_Key="k")
    sandbox.control("POST", "/clock", {"offset_seconds": 600})
    second = sandbox.raw("POST", CREATE, params, Idempotency_Key="k")
    assert second.status_code == 200
    assert second.json()["id"] == first.json()["id"]


def test_an_answer_that_refuses_the_effect_is_kept(sandbox: Sandbox, session: Any) -> None:
    path = f"{CREATE}/{session.id}/expire"
    assert sandbox.raw("POST", path, Idempotency_Key="one").status_code == 200
    refused = sandbox.raw("POST", path, Idempotency_Key="two")
    assert refused.status_code == 400
    again = sandbox.raw("POST", path, Idempotency_Key="two")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == refused.content


def test_a_key_longer_than_255_characters_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.raw("POST", CREATE, flat_params(), Idempotency_Key="k" * 256)
    assert answer.status_code == 400


def test_thirty_two_requests_at_once_with_one_key_make_one_session(sandbox: Sandbox) -> None:
    start = threading.Barrier(32)
    statuses: list[int] = []
    ids: set[str] = set()

    def create() -> None:
        start.wait()
        answer = requests.post(
            sandbox.url + CREATE,
            data=flat_params(),
            headers={"Authorization": "Bearer sk_test_x", "Idempotency-Key": "k"},
            timeout=20,
        )
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            ids.add(answer.json()["id"])

    threads = [threading.Thread(target=create) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 409}
    assert len(ids) == 1
    assert len(sandbox.ledger()["sessions"]) == 1
