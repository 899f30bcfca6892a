"""The control API under /_sandbox: JSON in and out, for tests and the sandbox's own page.

It has no log-in, so only this machine may use it, and no page of another site may.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, request
from pydantic import ValidationError

from sandbox import events, ledger, payments, webhooks
from sandbox.cards import find_card
from sandbox.control_bodies import (
    BarrierBody,
    ClockBody,
    DeliverBody,
    FaultBody,
    PayBody,
    RefundBody,
    ReleaseBody,
    SettleBody,
    TamperBody,
    WebhooksBody,
)
from sandbox.errors import StripeError
from sandbox.payments import Buyer, Impossible
from sandbox.world import World

Body = dict[str, Any]


def guard() -> None:
    """Refuse (403) everyone but this machine, and pages of other sites open on it."""
    host = urlsplit(f"//{request.host}").hostname or ""
    origin = request.headers.get("Origin")
    if not _is_this_machine(request.remote_addr or "") or not (
        host == "localhost" or _is_this_machine(host)
    ):
        abort(403)
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


def _is_this_machine(address: str) -> bool:
    """Whether it is a loopback address, or the very one that the sandbox listens on."""
    if address == request.environ.get("SERVER_NAME"):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def reset(world: World) -> None:
    """Forget everything, open every gate, set the clock right."""
    world.barriers.release_all()
    world.store.forget_everything()
    world.clock.offset = 0.0


def set_clock(world: World, offset_seconds: float) -> None:
    """Shift the sandbox's clock, and remember it."""
    world.clock.offset = offset_seconds
    world.store.set_setting("clock_offset", offset_seconds)


def set_webhooks(world: World, changed: WebhooksBody) -> None:
    """Change how, where to and with which secret events are delivered."""
    store = world.store
    with store.transaction():
        if changed.mode is not None:
            names = {"mode", "types", "copies", "seconds"}
            store.set_setting("webhooks", changed.model_dump(include=names))
        where = changed.model_dump(include={"url", "secret"}, exclude_none=True)
        store.set_setting("endpoint", {**store.setting("endpoint", {}), **where})


def pay(world: World, session_id: str, body: PayBody) -> Body:
    """Submit a card; how the session stands then. Raises Impossible for unknown numbers."""
    card = find_card(body.card)
    if card is None:
        raise Impossible("that is not a test card")
    result = payments.submit(world, session_id, card, Buyer(body.email, body.name))
    if result.kind == "challenge" and body.challenge is not None:
        result = payments.answer_challenge(world, session_id, passed=body.challenge == "complete")
    answer: Body = {
        "status": result.session["status"],
        "payment_status": result.session["payment_status"],
    }
    if result.refusal is not None:
        answer["error"] = {
            "code": result.refusal.code,
            "decline_code": result.refusal.decline_code,
            "message": result.refusal.message,
        }
    elif result.kind == "challenge":
        answer["error"] = {
            "code": "requires_action",
            "decline_code": None,
            "message": "This card asks for 3-D Secure.",
        }
    elif result.kind == "gone":
        answer["error"] = {
            "code": f"session_{result.session['status']}",
            "decline_code": None,
            "message": "This session can no longer be paid.",
        }
    return answer


def blueprint(world: World) -> Blueprint:
    """The routes under /_sandbox."""
    routes = Blueprint("control", __name__, url_prefix="/_sandbox")
    routes.before_request(guard)

    @routes.errorhandler(ValidationError)
    def refuse_body(problem: ValidationError) -> tuple[Response, int]:
        told = [
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}".lstrip(": ")
            for error in problem.errors()
        ]
        return jsonify(error="; ".join(told)), 400

    @routes.errorhandler(Impossible)
    def refuse_state(problem: Impossible) -> tuple[Response, int]:
        return jsonify(error=str(problem)), 409

    @routes.errorhandler(StripeError)
    def refuse_unknown(problem: StripeError) -> tuple[Response, int]:
        return jsonify(error=problem.message), problem.status

    @routes.errorhandler(LookupError)
    def refuse_missing(problem: LookupError) -> tuple[Response, int]:
        return jsonify(error=f"there is no {problem}"), 404

    @routes.post("/faults")
    def add_fault() -> tuple[Response, int]:
        body = FaultBody.model_validate_json(_sent())
        return jsonify(id=world.faults.add(body.model_dump())), 201

    @routes.get("/faults")
    def list_faults() -> Response:
        return jsonify(world.faults.all())

    @routes.delete("/faults")
    def remove_faults() -> tuple[str, int]:
        world.faults.remove(None)
        return "", 204

    @routes.delete("/faults/<fault_id>")
    def remove_fault(fault_id: str) -> tuple[str, int]:
        if not world.faults.remove(fault_id):
            raise LookupError(f"fault {fault_id}")
        return "", 204

    @routes.post("/barriers")
    def add_barrier() -> tuple[Response, int]:
        body = BarrierBody.model_validate_json(_sent())
        if not world.barriers.add(body.name, body.operation, body.when):
            raise Impossible(f"barrier {body.name} is there already")
        return jsonify(name=body.name), 201

    @routes.get("/barriers")
    def list_barriers() -> Response:
        return jsonify(world.barriers.all())

    @routes.post("/barriers/<name>/release")
    def release_barrier(name: str) -> Response:
        released = world.barriers.release(name)
        if released is None:
            raise LookupError(f"barrier {name}")
        return jsonify(released=released)

    @routes.put("/webhooks")
    def change_webhooks() -> Response:
        set_webhooks(world, WebhooksBody.model_validate_json(_sent()))
        return show_webhooks()

    @routes.get("/webhooks")
    def show_webhooks() -> Response:
        held = world.store.rows("SELECT event FROM deliveries WHERE state = 'held' ORDER BY id")
        return jsonify(
            **events.webhook_switch(world),
            url=events.endpoint(world)[0],
            held=[event for (event,) in held],
        )

    @routes.post("/webhooks/release")
    def release_webhooks() -> Response:
        body = ReleaseBody.model_validate_json(_sent())
        return jsonify(webhooks.release_held(world, body.order))

    @routes.get("/events")
    def list_events() -> Response:
        return jsonify(ledger.events_with_deliveries(world))

    @routes.post("/events/<event_id>/deliver")
    def deliver_event(event_id: str) -> Response:
        body = DeliverBody.model_validate_json(_sent())
        answers = webhooks.deliver_copies(
            world,
            world.store.get("event", event_id),
            body.copies,
            at_once=body.concurrent,
            age_seconds=body.age_seconds,
            secret=body.secret,
            url=body.url,
        )
        return jsonify(answers)

    @routes.post("/sessions/<session_id>/pay")
    def pay_session(session_id: str) -> Response:
        return jsonify(pay(world, session_id, PayBody.model_validate_json(_sent())))

    @routes.post("/sessions/<session_id>/settle")
    def settle_session(session_id: str) -> Response:
        body = SettleBody.model_validate_json(_sent())
        return jsonify(payments.settle(world, session_id, succeed=body.outcome == "succeed"))

    @routes.post("/sessions/<session_id>/tamper")
    def tamper_session(session_id: str) -> Response:
        body = TamperBody.model_validate_json(_sent())
        with world.store.transaction():
            session = world.store.get("checkout.session", session_id)
            session.update(body.model_dump(exclude_none=True))
            world.store.save(session)
        return jsonify(session)

    @routes.post("/charges/<charge_id>/refund")
    def refund_charge(charge_id: str) -> Response:
        body = RefundBody.model_validate_json(_sent())
        return jsonify(payments.refund(world, charge_id, body.amount))

    @routes.post("/charges/<charge_id>/dispute")
    def dispute_charge(charge_id: str) -> Response:
        return jsonify(payments.dispute(world, charge_id))

    @routes.post("/clock")
    def shift_clock() -> Response:
        set_clock(world, ClockBody.model_validate_json(_sent()).offset_seconds)
        return jsonify(offset_seconds=world.clock.offset, now=world.clock.now())

    @routes.get("/ledger")
    def show_ledger() -> Response:
        return jsonify(ledger.everything(world))

    @routes.post("/reset")
    def forget() -> tuple[str, int]:
        reset(world)
        return "", 204

    return routes


def _sent() -> bytes:
    return request.get_data() or b"{}"
