"""Delivering signed events, and trying again until they are taken.

The signature is the one of docs.stripe.com/webhooks/signature: HMAC-SHA256 with the endpoint's
secret over `timestamp.payload`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from typing import Any

import requests

from sandbox.events import endpoint
from sandbox.world import World

TIMEOUT_SECONDS = 10
# Stripe waits longer between tries; a developer does not want to.
BACK_OFF_SECONDS = (1, 2, 5, 10, 20, 40)
LATER_SECONDS = 60
GIVE_UP_SECONDS = 86_400
AT_ONCE = 8

Body = dict[str, Any]


def payload(event: Body) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(event, indent=2).encode()


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header for these bytes at that moment."""
    signed = str(timestamp).encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def send(
    world: World,
    event: Body,
    *,
    age_seconds: int = 0,
    secret: str | None = None,
    url: str | None = None,
) -> Body:
    """Deliver once and write the attempt down: `{status, ms, error?}`, status None when lost."""
    usual_url, usual_secret = endpoint(world)
    target = url or usual_url
    started = time.monotonic()
    status: int | None = None
    error: str | None = None
    if target is None:
        error = "no webhook address is set"
    else:
        body = payload(event)
        stamp = world.clock.stamp() - age_seconds
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (sandbox; no money moves)",
            "Stripe-Signature": signature(body, secret or usual_secret, stamp),
        }
        try:
            with requests.Session() as http:
                http.trust_env = False
                status = http.post(
                    target,
                    data=body,
                    headers=headers,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                ).status_code
        except requests.RequestException as problem:
            error = type(problem).__name__
    ms = round((time.monotonic() - started) * 1000)
    world.store.insert(
        "INSERT INTO attempts (event, status, error, ms, at) VALUES (?, ?, ?, ?, ?)",
        (event["id"], status, error, ms, world.clock.now()),
    )
    answer: Body = {"status": status, "ms": ms}
    return answer if error is None else {**answer, "error": error}


def taken(answer: Body) -> bool:
    """Whether the receiver said 2xx."""
    return answer["status"] is not None and 200 <= answer["status"] < 300


def settle(world: World, delivery: int, answer: Body) -> None:
    """Close a delivery that was taken, or plan its next try."""
    store = world.store
    with store.transaction():
        found = store.rows("SELECT tries, first_due FROM deliveries WHERE id = ?", (delivery,))
        if not found:
            return
        tries, first_due = found[0]
        now = time.time()
        wait = BACK_OFF_SECONDS[tries] if tries < len(BACK_OFF_SECONDS) else LATER_SECONDS
        state = "pending"
        if taken(answer):
            state = "delivered"
        elif now + wait - first_due > GIVE_UP_SECONDS:
            state = "given_up"
        store.rows(
            "UPDATE deliveries SET state = ?, tries = ?, due = ? WHERE id = ?",
            (state, tries + 1, now + wait, delivery),
        )


def release_held(world: World, order: list[str] | str) -> list[Body]:
    """Deliver what was held, one after another: by event ids, `reverse` or `as_made`.

    What is not taken is tried again later like any other. Event ids left out stay held.
    """
    store = world.store
    with store.transaction():
        held = store.rows("SELECT id, event FROM deliveries WHERE state = 'held' ORDER BY id")
        if order == "reverse":
            held.reverse()
        elif isinstance(order, list):
            held = [row for wanted in order for row in held if row[1] == wanted]
        for delivery, _ in held:
            store.rows("UPDATE deliveries SET state = 'sending' WHERE id = ?", (delivery,))
    answers = []
    for delivery, event_id in held:
        answer = send(world, store.get("event", event_id))
        settle(world, delivery, answer)
        answers.append({"event": event_id, **answer})
    return answers


def deliver_copies(
    world: World, event: Body, copies: int, *, at_once: bool, **how: Any
) -> list[Body]:
    """Deliver the same event several times now, in turn or all together."""
    if not at_once:
        return [send(world, event, **how) for _ in range(copies)]
    start = threading.Barrier(copies)
    answers: list[Body] = []

    def deliver() -> None:
        start.wait()
        answers.append(send(world, event, **how))

    threads = [threading.Thread(target=deliver, daemon=True) for _ in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class Deliverer:
    """The background thread that hands due deliveries to threads of their own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._room = threading.Semaphore(AT_ONCE)
        # What was on its way when the process ended may or may not have arrived: send it again.
        world.store.rows("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no more deliveries."""
        self._stop.set()
        self._world.planned.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._world.planned.clear()
            for delivery, event_id in self._due():
                self._room.acquire()
                threading.Thread(target=self._one, args=(delivery, event_id), daemon=True).start()
            self._world.planned.wait(0.25)

    def _due(self) -> list[tuple[int, str]]:
        store = self._world.store
        with store.transaction():
            due = store.rows(
                "SELECT id, event FROM deliveries WHERE state = 'pending' AND due <= ? "
                "ORDER BY due, id LIMIT ?",
                (time.time(), AT_ONCE),
            )
            for delivery, _ in due:
                store.rows("UPDATE deliveries SET state = 'sending' WHERE id = ?", (delivery,))
        return [(delivery, event_id) for delivery, event_id in due]

    def _one(self, delivery: int, event_id: str) -> None:
        try:
            event = self._world.store.find("event", event_id)
            if event is not None:
                settle(self._world, delivery, send(self._world, event))
        finally:
            self._room.release()
            self._world.planned.set()
