"""The catcher's web side: pages to read mail, and JSON for tests.

A mail is hostile content: its HTML is only ever shown in a sandboxed frame, from an address
whose policy allows it neither scripts nor requests beyond this machine.
"""

import re
from datetime import datetime
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from dev.loopback import LOOPBACK
from dev.mail_catcher.faults import Fault, FaultRefused, FaultSwitch
from dev.mail_catcher.store import Message, MessageStore

PAGE_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data: http://127.0.0.1:* http://localhost:*; "
    "frame-ancestors 'self'"
)


def create_viewer(store: MessageStore, faults: FaultSwitch) -> Flask:
    """Make the web application over a store and a switch."""
    viewer = Flask(__name__)
    # A page elsewhere cannot read the mail by pointing its own name at this machine.
    viewer.config["TRUSTED_HOSTS"] = [LOOPBACK, "localhost"]
    viewer.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    viewer.add_template_filter(_moment, "moment")

    def found(number: int) -> Message:
        message = store.get(number)
        if message is None:
            abort(404, "There is no such message; it may have been cleared.")
        return message

    @viewer.get("/")
    def index() -> str:
        recipient = request.args.get("to", "")
        everything = store.all()
        known = sorted({address for message in everything for address in message.recipients})
        return render_template(
            "list.html",
            messages=store.all(recipient),
            total=len(everything),
            newest=everything[0].id if everything else 0,
            known=known,
            recipient=recipient,
            fault=faults.current,
        )

    @viewer.get("/messages/<int:number>")
    def show(number: int) -> str:
        return render_template("message.html", message=found(number))

    @viewer.get("/messages/<int:number>/html")
    def show_html(number: int) -> Response:
        response = Response(_opening_links_outside(found(number).html), mimetype="text/html")
        response.headers["Content-Security-Policy"] = MAIL_POLICY
        return response

    @viewer.get("/messages/<int:number>/raw")
    def show_raw(number: int) -> Response:
        return Response(found(number).raw, mimetype="text/plain")

    @viewer.post("/clear")
    def clear() -> AnyResponse:
        # A form needs no permission to be sent here from another site; its origin tells.
        origin = request.headers.get("Origin", "")
        if urlsplit(origin).netloc != request.host:
            abort(403, "Clearing is only possible from this page.")
        store.clear()
        return redirect(url_for("index"), 303)

    @viewer.get("/api/messages")
    def api_list() -> Response:
        return jsonify([message.summary() for message in store.all(request.args.get("to", ""))])

    @viewer.get("/api/messages/<int:number>")
    def api_show(number: int) -> Response:
        return jsonify(found(number).details())

    @viewer.delete("/api/messages")
    def api_clear() -> AnyResponse:
        store.clear()
        return Response(status=204)

    @viewer.get("/api/faults")
    def api_fault() -> Response:
        return jsonify(vars(faults.current))

    @viewer.put("/api/faults")
    def api_set_fault() -> Response:
        try:
            faults.set(Fault.from_json(request.get_json()))
        except FaultRefused as error:
            abort(422, str(error))
        return jsonify(vars(faults.current))

    @viewer.errorhandler(HTTPException)
    def failed(error: HTTPException) -> AnyResponse:
        if request.path.startswith("/api/"):
            problem = jsonify(title=error.name, status=error.code, detail=error.description)
            problem.status_code = error.code or 500
            problem.mimetype = "application/problem+json"
            return problem
        return Response(render_template("error.html", error=error), error.code)

    @viewer.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # With "no-referrer" browsers send our own form with the origin "null".
        response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return viewer


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def _opening_links_outside(html: str) -> str:
    """Have the mail's links open beside the viewer; inside the frame they would lead nowhere."""
    base = '<base target="_blank">'
    head = re.search(r"<head(\s[^>]*)?>", html, re.IGNORECASE)
    if head is None:
        return base + html
    return html[: head.end()] + base + html[head.end() :]
