"""The real sandbox process, Stripe's own library, and a receiver for its webhooks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import stripe

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_sandbox_tests"
KEY = "sk_test_sandbox"
SUCCESS_URL = "http://127.0.0.1:9/return?session={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://127.0.0.1:9/back"

Body = dict[str, Any]


@dataclass
class Received:
    """One request that reached the webhook."""

    body: bytes
    signature: str
    event: Body = field(default_factory=dict)


class Receiver:
    """A webhook endpoint that keeps what it gets and answers what it is told to."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, body: bytes, signature: str) -> int:
        """Keep a request; the status to answer."""
        with self._lock:
            self.received.append(Received(body, signature, json.loads(body)))
            return self.answers.pop(0) if self.answers else 200

    def of(self, session_id: str, kind: str | None = None) -> list[Received]:
        """What came about one session, in the order of arrival."""
        with self._lock:
            return [
                each
                for each in self.received
                if each.event["data"]["object"]["id"] == session_id
                and kind in (None, each.event["type"])
            ]

    def clear(self) -> None:
        """Forget what came, and answer 200 again."""
        with self._lock:
            self.received.clear()
            self.answers.clear()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Sandbox:
    """A running sandbox process and the ways to speak to it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.fullmatch(r"sandbox listening on (http://[\d.]+:\d+)\n", line)
        assert match, f"unexpected first line: {line!r}"
        self.url = match.group(1)
        self.http = requests.Session()
        self.http.trust_env = False

    def stop(self, *, kill: bool = False) -> int:
        """End the process; its exit status."""
        self.http.close()
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        status = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def stripe(self, retries: int = 0, key: str = KEY) -> stripe.StripeClient:
        """Stripe's own library, pointed here."""
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.url},
            http_client=stripe.RequestsClient(timeout=(3, 10)),
            max_network_retries=retries,
        )

    def raw(
        self, method: str, path: str, data: Body | None = None, **headers: str
    ) -> requests.Response:
        """A request to the API without the library; `Idempotency_Key=` and so on as headers."""
        sent = {"Authorization": f"Bearer {KEY}"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.http.request(
            method,
            self.url + path,
            params=data if method == "GET" else None,
            data=None if method == "GET" else data,
            headers=sent,
            timeout=15,
        )

    def control(self, method: str, path: str, body: Body | None = None, status: int = 200) -> Any:
        """A request to the control API, which has to answer with `status`."""
        answer = self.http.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def ledger(self) -> Body:
        """All that the sandbox knows."""
        return dict(self.control("GET", "/ledger"))

    def fault(self, operation: str, kind: str, **more: Any) -> str:
        """Switch a failure on."""
        body = {"operation": operation, "kind": kind, **more}
        return str(self.control("POST", "/faults", body, 201)["id"])

    def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Body:
        """Submit a card as if on the page."""
        return dict(self.control("POST", f"/sessions/{session_id}/pay", {"card": card, **more}))

    def event_types(self) -> list[str]:
        """The types of all events in the order of making."""
        return [event["type"] for event in self.control("GET", "/events")]


def session_params(**changes: Any) -> Body:
    """What the shop sends for one artwork of 150 dollars."""
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 15_000,
                    "product_data": {"name": "Harbour at dawn"},
                },
            }
        ],
        "client_reference_id": "7",
        "metadata": {"payment_id": "7"},
        "payment_intent_data": {"metadata": {"payment_id": "7"}},
        "success_url": SUCCESS_URL,
        "cancel_url": CANCEL_URL,
        **changes,
    }


def flat_params(**changes: str) -> dict[str, str]:
    """The least that Stripe takes, form-encoded by hand; an empty change removes its name."""
    item = "line_items[0]"
    params = {
        "mode": "payment",
        f"{item}[quantity]": "1",
        f"{item}[price_data][currency]": "usd",
        f"{item}[price_data][unit_amount]": "15000",
        f"{item}[price_data][product_data][name]": "Harbour at dawn",
        "success_url": "http://127.0.0.1:9/return",
    }
    params.update(changes)
    return params
