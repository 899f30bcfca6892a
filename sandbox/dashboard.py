"""The sandbox's own page: what happened lately, and the switches as plain forms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from sandbox import control, events, ledger, payments, sessions, webhooks
from sandbox.control_bodies import ClockBody, FaultBody, WebhooksBody
from sandbox.errors import StripeError
from sandbox.faults import KINDS
from sandbox.hosted import money
from sandbox.operations import OPERATION_NAMES
from sandbox.payments import Impossible
from sandbox.world import World

Body = dict[str, Any]
RECENT = 25


def blueprint(world: World) -> Blueprint:
    """The page at / and the forms on it."""
    routes = Blueprint("dashboard", __name__)
    routes.before_request(control.guard)

    def page(problem: str | None = None, status: int = 200) -> tuple[str, int]:
        store = world.store
        recent = store.where("checkout.session", [], [], RECENT, newest=True)
        rows = []
        for session in recent:
            intent = store.find("payment_intent", session["payment_intent"] or "")
            charge = store.find("charge", (intent or {}).get("latest_charge") or "")
            rows.append(
                {
                    "session": session,
                    "item": store.private(session["id"])["line_items"][0]["description"],
                    "total": money(session["amount_total"], session["currency"]),
                    "charge": charge,
                    "awaits_funds": intent is not None and intent["status"] == "processing",
                }
            )
        shown = ledger.events_with_deliveries(world)[-2 * RECENT :]
        shown.reverse()
        return (
            render_template(
                "dashboard.html",
                rows=rows,
                events=shown,
                webhooks=events.webhook_switch(world),
                url=events.endpoint(world)[0],
                modes=events.WEBHOOK_MODES,
                faults=world.faults.all(),
                barriers=world.barriers.all(),
                operations=(*OPERATION_NAMES, "*"),
                kinds=KINDS,
                clock=world.clock.offset,
                moment=lambda stamp: datetime.fromtimestamp(stamp, UTC).strftime("%H:%M:%S"),
                problem=problem,
            ),
            status,
        )

    @routes.errorhandler(ValidationError)
    def refuse_form(problem: ValidationError) -> tuple[str, int]:
        return page("; ".join(error["msg"] for error in problem.errors()), 400)

    @routes.errorhandler(ValueError)
    def refuse_number(problem: ValueError) -> tuple[str, int]:
        return page(f"That is not a number: {problem}", 400)

    @routes.errorhandler(Impossible)
    def refuse_state(problem: Impossible) -> tuple[str, int]:
        return page(str(problem), 409)

    @routes.errorhandler(StripeError)
    def refuse_session(problem: StripeError) -> tuple[str, int]:
        return page(problem.message, 409)

    @routes.errorhandler(LookupError)
    def refuse_missing(problem: LookupError) -> tuple[str, int]:
        return page(f"There is no {problem}", 404)

    @routes.get("/")
    def show() -> tuple[str, int]:
        return page()

    @routes.post("/switches/webhooks")
    def switch_webhooks() -> Response:
        sent = {
            "mode": request.form.get("mode", ""),
            "seconds": float(request.form.get("seconds") or 0),
        }
        control.set_webhooks(world, WebhooksBody.model_validate(sent))
        return redirect("/", 303)

    @routes.post("/switches/release")
    def release() -> Response:
        webhooks.release_held(world, request.form.get("order", "as_made"))
        return redirect("/", 303)

    @routes.post("/switches/faults")
    def add_fault() -> Response:
        form = request.form
        body = FaultBody(
            operation=form.get("operation", ""),
            kind=form.get("kind", ""),
            status=int(form["status"]) if form.get("status") else None,
            seconds=float(form["seconds"]) if form.get("seconds") else None,
            times=int(form["times"]) if form.get("times") else None,
        )
        world.faults.add(body.model_dump())
        return redirect("/", 303)

    @routes.post("/switches/faults/clear")
    def clear_faults() -> Response:
        world.faults.remove(request.form.get("id") or None)
        return redirect("/", 303)

    @routes.post("/switches/barriers/release")
    def release_barrier() -> Response:
        world.barriers.release(request.form.get("name", ""))
        return redirect("/", 303)

    @routes.post("/switches/clock")
    def set_clock() -> Response:
        body = ClockBody(offset_seconds=float(request.form.get("offset_seconds") or 0))
        control.set_clock(world, body.offset_seconds)
        return redirect("/", 303)

    @routes.post("/switches/reset")
    def reset() -> Response:
        control.reset(world)
        return redirect("/", 303)

    @routes.post("/switches/sessions/<session_id>/<action>")
    def act_on_session(session_id: str, action: str) -> Response:
        if action == "expire":
            sessions.expire(world, session_id)
        elif action in ("succeed", "fail"):
            payments.settle(world, session_id, succeed=action == "succeed")
        else:
            raise LookupError(action)
        return redirect("/", 303)

    @routes.post("/switches/charges/<charge_id>/<action>")
    def act_on_charge(charge_id: str, action: str) -> Response:
        if action == "refund":
            payments.refund(world, charge_id, None)
        elif action == "dispute":
            payments.dispute(world, charge_id)
        else:
            raise LookupError(action)
        return redirect("/", 303)

    @routes.post("/switches/events/<event_id>/deliver")
    def deliver(event_id: str) -> Response:
        webhooks.send(world, world.store.get("event", event_id))
        return redirect("/", 303)

    return routes
