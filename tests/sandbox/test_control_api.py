"""The control API and the sandbox's own page."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import stripe

from tests.sandbox.sandbox_process import Receiver, Sandbox
from tests.waiting import until


def test_a_session_can_be_tampered_with(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    path = f"/sessions/{session.id}/tamper"
    sandbox.control("POST", path, {"amount_total": 100, "livemode": True, "currency": "eur"})
    sandbox.pay(session.id)
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.amount_total, found.livemode, found.currency) == (100, True, "eur")
    assert sandbox.ledger()["charges"][0]["amount"] == 100
    event = client.v1.events.list({"type": "checkout.session.completed"}).data[0]
    assert event.data.object["amount_total"] == 100
    assert event.livemode is True
    sandbox.control("POST", path, {"payment_status": "unpaid"})
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    sandbox.control("POST", path, {"status": "open"}, 400)


def test_the_clock_can_be_set_wrong(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.control("POST", "/clock", {"offset_seconds": -3_600})
    answer = sandbox.raw("GET", "/v1/checkout/sessions")
    assert answer.raw.headers.getlist("Date") == [answer.headers["Date"]]
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time() + 3_600) < 5
    client.v1.checkout.sessions.expire(session.id)
    until(lambda: receiver.of(session.id))
    [told] = receiver.of(session.id)
    assert abs(told.event["created"] - time() + 3_600) < 5
    assert abs(int(told.signature.split(",")[0].removeprefix("t=")) - time() + 3_600) < 5
    sandbox.control("POST", "/clock", {"offset_seconds": "late"}, 400)


def test_the_ledger_tells_what_was_asked_and_made(sandbox: Sandbox, session: Any) -> None:
    sandbox.raw("POST", f"/v1/checkout/sessions/{session.id}/expire", Idempotency_Key="e")
    ledger = sandbox.ledger()
    assert {
        "sessions",
        "payment_intents",
        "charges",
        "refunds",
        "disputes",
        "events",
        "idempotency_keys",
        "requests",
    } == set(ledger)
    asked = [(each["operation"], each["key"], each["status"]) for each in ledger["requests"]]
    assert asked[-1] == ("expire", "e", 200)
    assert asked[0][0] == "create"


def test_reset_forgets_everything(sandbox: Sandbox, session: Any) -> None:
    sandbox.fault("*", "status", status=500, times=None)
    sandbox.control("PUT", "/webhooks", {"mode": "hold"})
    sandbox.control("POST", "/clock", {"offset_seconds": 99})
    sandbox.control("POST", "/reset", status=204)
    assert all(not entries for entries in sandbox.ledger().values())
    assert sandbox.control("GET", "/faults") == []
    assert sandbox.control("GET", "/webhooks")["mode"] == "deliver"
    assert abs(sandbox.control("POST", "/clock", {"offset_seconds": 0})["now"] - time()) < 5


def test_what_does_not_exist_is_a_404(sandbox: Sandbox) -> None:
    for path, body in (
        ("/sessions/cs_x/pay", {"card": "4242424242424242"}),
        ("/sessions/cs_x/settle", {"outcome": "succeed"}),
        ("/sessions/cs_x/tamper", {}),
        ("/charges/ch_x/refund", {}),
        ("/charges/ch_x/dispute", {}),
        ("/nowhere", {}),
    ):
        assert sandbox.control("POST", path, body, 404)["error"]


def test_broken_json_is_refused(sandbox: Sandbox, session: Any) -> None:
    answer = sandbox.http.post(f"{sandbox.url}/_sandbox/faults", data=b"{", timeout=5)
    assert answer.status_code == 400
    sandbox.control("POST", f"/sessions/{session.id}/pay", {}, 400)
    sandbox.control("POST", f"/sessions/{session.id}/settle", {"outcome": "maybe"}, 400)


def test_pages_of_other_sites_cannot_use_the_switches(sandbox: Sandbox) -> None:
    for path in ("/_sandbox/reset", "/switches/reset"):
        foreign = sandbox.http.post(
            sandbox.url + path, headers={"Origin": "http://evil.test"}, timeout=5
        )
        assert foreign.status_code == 403
        rebound = sandbox.http.post(sandbox.url + path, headers={"Host": "evil.test"}, timeout=5)
        assert rebound.status_code == 403


def press(sandbox: Sandbox, path: str, expected: int = 303, **form: str) -> str:
    answer = sandbox.http.post(
        f"{sandbox.url}/switches/{path}", data=form, allow_redirects=False, timeout=15
    )
    assert answer.status_code == expected, answer.text[:3000]
    return answer.text


def test_the_page_shows_sessions_events_and_switches(sandbox: Sandbox, session: Any) -> None:
    empty = sandbox.http.get(sandbox.url, timeout=5)
    assert "Stripe sandbox" in empty.text
    sandbox.pay(session.id)
    page = sandbox.http.get(sandbox.url, timeout=5)
    for text in ("Harbour at dawn", "$150.00", f"/c/pay/{session.id}", "charge.succeeded"):
        assert text in page.text


def test_the_forms_of_the_page_work_the_switches(
    sandbox: Sandbox, receiver: Receiver, client: stripe.StripeClient, session: Any
) -> None:
    press(sandbox, "webhooks", mode="hold")
    press(sandbox, f"sessions/{session.id}/expire")
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    press(sandbox, "release", order="reverse")
    assert len(receiver.of(session.id)) == 1
    [event] = sandbox.control("GET", "/events")
    press(sandbox, f"events/{event['id']}/deliver")
    assert len(receiver.of(session.id)) == 2
    press(sandbox, "faults", operation="list", kind="status", status="502", seconds="", times="")
    assert sandbox.raw("GET", "/v1/checkout/sessions").status_code == 502
    assert "until removed" in sandbox.http.get(sandbox.url, timeout=5).text
    press(sandbox, "faults/clear")
    assert sandbox.control("GET", "/faults") == []
    press(sandbox, "clock", offset_seconds="60")
    press(sandbox, "reset")
    assert sandbox.ledger()["sessions"] == []


def test_the_page_settles_refunds_and_disputes(
    sandbox: Sandbox, client: stripe.StripeClient, session: Any
) -> None:
    sandbox.pay(session.id, "4000000000003720")
    assert "Funds arrive" in sandbox.http.get(sandbox.url, timeout=5).text
    press(sandbox, f"sessions/{session.id}/succeed")
    [charge] = sandbox.ledger()["charges"]
    press(sandbox, f"charges/{charge['id']}/dispute")
    press(sandbox, f"charges/{charge['id']}/refund")
    found = client.v1.charges.retrieve(charge["id"])
    assert (found.refunded, found.disputed) == (True, True)


def test_a_form_that_makes_no_sense_is_told_on_the_page(sandbox: Sandbox, session: Any) -> None:
    assert "kind must be one of" in press(sandbox, "faults", 400, operation="list", kind="x")
    assert "not a number" in press(sandbox, "clock", 400, offset_seconds="late")
    assert press(sandbox, "webhooks", 400, mode="lose")
    assert press(sandbox, f"sessions/{session.id}/succeed", 409)
    sandbox.pay(session.id)
    assert "can be expired" in press(sandbox, f"sessions/{session.id}/expire", 409)
    assert press(sandbox, "charges/ch_x/refund", 404)
    assert press(sandbox, f"sessions/{session.id}/steal", 404)
