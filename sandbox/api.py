"""Stripe's HTTP API: every operation, and the way each request goes through it.

Authentication, version and types first; then the idempotency key is taken, the faults that
were switched on are met, and the effect and its answer are kept in one transaction, so that a
repeated request is answered from there (docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request

from sandbox import API_VERSION, reading
from sandbox.errors import StripeError, ValidationError
from sandbox.forms import decode
from sandbox.identifiers import letters
from sandbox.operations import OPERATIONS, Operation
from sandbox.world import Origin, World

Body = dict[str, Any]

TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]+\Z")
LONGEST_KEY = 255
LONGEST_BODY = 1_000_000


class _Lost(Exception):
    """The connection is to be dropped instead of answered."""


@dataclass
class _Answer:
    status: int
    text: str
    request_id: str
    replayed_from: str | None = None


class Api:
    """The operations over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._busy: set[str] = set()
        self._busy_lock = threading.Lock()

    def blueprint(self) -> Blueprint:
        """The routes under /v1."""
        blueprint = Blueprint("api", __name__)
        for operation in OPERATIONS:
            blueprint.add_url_rule(
                operation.path,
                endpoint=operation.name,
                view_func=self._view(operation),
                methods=[operation.method],
                provide_automatic_options=False,
            )
        return blueprint

    def _view(self, operation: Operation) -> Callable[..., Response]:
        def view(**ids: str) -> Response:
            return self._answer(operation, ids)

        return view

    def _answer(self, operation: Operation, ids: dict[str, str]) -> Response:
        request_id = "req_" + letters(14)
        key = request.headers.get("Idempotency-Key") if operation.method == "POST" else None
        met: list[str] = []
        answer: _Answer | None = None
        try:
            answer = self._go_through(operation, ids, request_id, key, met)
        except StripeError as error:
            answer = _Answer(error.status, json.dumps(error.body(), indent=2), request_id)
        except _Lost:
            pass
        self._log(operation, key, answer, met)
        if answer is None:
            return hang_up()
        return self._response(answer, request_id, key)

    def _go_through(
        self,
        operation: Operation,
        ids: dict[str, str],
        request_id: str,
        key: str | None,
        met: list[str],
    ) -> _Answer:
        authenticate()
        pairs = sent_pairs()
        params = operation.accepts.read(decode(pairs))
        if key is None:
            return self._run(operation, ids, params, Origin(request_id), "", met)
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValidationError(f"Idempotency keys can be at most {LONGEST_KEY} characters long.")
        fingerprint = hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()
        with self._busy_lock:
            if key in self._busy:
                raise in_use(key)
            self._busy.add(key)
        try:
            return self._run(operation, ids, params, Origin(request_id, key), fingerprint, met)
        finally:
            with self._busy_lock:
                self._busy.discard(key)

    def _run(
        self,
        operation: Operation,
        ids: dict[str, str],
        params: Body,
        origin: Origin,
        fingerprint: str,
        met: list[str],
    ) -> _Answer:
        world = self._world
        lose_after = False
        store_500 = False
        for fault in world.faults.take(operation.name):
            met.append(fault["kind"])
            match fault["kind"]:
                case "delay":
                    time.sleep(fault["seconds"])
                case "status":
                    raise switched_on(fault["status"], fault["code"])
                case "lost_before":
                    raise _Lost
                case "lost_after":
                    lose_after = True
                case "stored_500":
                    store_500 = True
        world.barriers.wait(operation.name, "before")
        with world.store.transaction():
            answer = self._stored(origin, fingerprint)
            if answer is None:
                answer = self._effect(operation, ids, params, origin, fails=store_500)
                if origin.idempotency_key is not None:
                    self._keep(origin.idempotency_key, fingerprint, answer)
        world.barriers.wait(operation.name, "after")
        if lose_after:
            raise _Lost
        return answer

    def _effect(
        self,
        operation: Operation,
        ids: dict[str, str],
        params: Body,
        origin: Origin,
        *,
        fails: bool,
    ) -> _Answer:
        request_id = origin.request_id or ""
        operation.check(self._world, params)
        paths = params.pop("expand", [])
        try:
            if fails:
                raise switched_on(500, None)
            body = operation.run(self._world, ids, params, origin)
        except ValidationError:
            raise
        except StripeError as error:
            return _Answer(error.status, json.dumps(error.body(), indent=2), request_id)
        shown = reading.expand(self._world, json.loads(json.dumps(body)), paths)
        return _Answer(200, json.dumps(shown, indent=2), request_id)

    def _stored(self, origin: Origin, fingerprint: str) -> _Answer | None:
        key = origin.idempotency_key
        found = self._world.store.rows(
            "SELECT path, fingerprint, status, body, request_id FROM idempotency WHERE key = ?",
            (key,),
        )
        if key is None or not found:
            return None
        path, first_fingerprint, status, text, first_request = found[0]
        if path != request.path:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{request.path}' vs '{path}'). Try using a key other than "
                f"'{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        if first_fingerprint != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request.",
                kind="idempotency_error",
            )
        return _Answer(status, text, origin.request_id or "", replayed_from=first_request)

    def _keep(self, key: str, fingerprint: str, answer: _Answer) -> None:
        self._world.store.rows(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                request.path,
                fingerprint,
                answer.status,
                answer.text,
                answer.request_id,
                self._world.clock.stamp(),
            ),
        )

    def _log(
        self, operation: Operation, key: str | None, answer: _Answer | None, met: list[str]
    ) -> None:
        self._world.store.rows(
            "INSERT INTO requests (operation, key, status, fault, replayed, at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                operation.name,
                key,
                answer.status if answer else None,
                "+".join(met) or None,
                bool(answer and answer.replayed_from),
                self._world.clock.now(),
            ),
        )

    def _response(self, answer: _Answer, request_id: str, key: str | None) -> Response:
        response = Response(answer.text, answer.status, mimetype="application/json")
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = API_VERSION
        if key is not None:
            # A header that could not be sent back unchanged must not break the answer.
            response.headers["Idempotency-Key"] = key.replace("\r", "").replace("\n", "")
            response.headers["Original-Request"] = answer.replayed_from or request_id
        if answer.replayed_from is not None:
            response.headers["Idempotent-Replayed"] = "true"
        if answer.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
        return response


def authenticate() -> None:
    """Let test keys in, and the pinned API version. Raises StripeError."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
        )
    if not TEST_KEY.match(given):
        kind = re.match(r"(sk|rk|pk)_(live|test)_", given)
        shown = f"{kind.group() if kind else ''}****{given[-4:]}"
        raise StripeError(401, f"Invalid API Key provided: {shown}")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise ValidationError(
            f"Invalid Stripe API version: {version[:60]}. This sandbox speaks {API_VERSION}."
        )


def sent_pairs() -> list[tuple[str, str]]:
    """The parameters in the order of sending: the query's for GET, the form's for POST."""
    body = request.get_data(cache=True)
    if request.method == "GET":
        raw = request.query_string
    else:
        if body and request.mimetype != "application/x-www-form-urlencoded":
            raise ValidationError(
                "Invalid request: the body has to be sent as application/x-www-form-urlencoded."
            )
        raw = body
    try:
        text = raw.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=5000)
    except ValueError as problem:
        raise ValidationError("Invalid request: the parameters cannot be read.") from problem


def in_use(key: str) -> StripeError:
    """The refusal for a key whose first request has not been answered yet."""
    return StripeError(
        409,
        "There is currently another in-progress request using this Stripe Idempotency Key (that "
        "probably means you submitted twice, and the other request is still going through): "
        f"{key}. Please try again later.",
        kind="idempotency_error",
        code="idempotency_key_in_use",
    )


def switched_on(status: int, code: str | None) -> StripeError:
    """The error that a switched-on fault answers."""
    if status == 429:
        code = code or "rate_limit"
    kind = (
        "api_error" if status >= 500 else "card_error" if status == 402 else "invalid_request_error"
    )
    return StripeError(status, "Sandbox: this failure was switched on.", kind=kind, code=code)


def hang_up() -> Response:
    """Drop the connection without a byte of answer."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    # The server meets the closed socket when it writes this, and ends the connection.
    response = Response(b"", 500)
    response.headers["Connection"] = "close"
    return response
