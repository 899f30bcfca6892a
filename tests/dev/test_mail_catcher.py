"""The mail catcher: real SMTP in, pages and JSON out, and each way of misbehaving."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.mail_catcher import MailCatcher

ROOT = Path(__file__).parents[2]


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher() as running:
        yield running


def a_mail(to: str = "buyer@example.com", subject: str = "You won") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Guess The Worth <no-reply@example.com>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = "<payment-7@example.com>"
    mail["X-Mail-Kind"] = "payment_required"
    mail.set_content("Pay 150.00 USD: http://127.0.0.1:5000/payments/7")
    mail.add_alternative("<h1>Pay 150.00 USD</h1>", subtype="html")
    return mail


def deliver(catcher: MailCatcher, mail: EmailMessage, timeout: float = 5) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=timeout) as client:
        client.send_message(mail)


def get_json(catcher: MailCatcher, path: str) -> Any:
    answer = requests.get(catcher.url + path, timeout=5)
    answer.raise_for_status()
    return answer.json()


def set_fault(catcher: MailCatcher, **fault: object) -> requests.Response:
    return requests.put(f"{catcher.url}/api/faults", json=fault, timeout=5)


def test_a_mail_sent_over_smtp_is_listed_with_what_tests_ask_for(catcher: MailCatcher) -> None:
    deliver(catcher, a_mail())

    [message] = get_json(catcher, "/api/messages")

    received_at = message.pop("received_at")
    assert message == {
        "id": 1,
        "from": "no-reply@example.com",
        "to": ["buyer@example.com"],
        "subject": "You won",
        "kind": "payment_required",
        "message_id": "<payment-7@example.com>",
    }
    assert received_at.endswith("Z")


def test_a_message_shows_its_text_html_and_headers(catcher: MailCatcher) -> None:
    deliver(catcher, a_mail())

    message = get_json(catcher, "/api/messages/1")

    assert message["text"].strip() == "Pay 150.00 USD: http://127.0.0.1:5000/payments/7"
    assert message["html"].strip() == "<h1>Pay 150.00 USD</h1>"
    assert ["X-Mail-Kind", "payment_required"] in message["headers"]
    page = requests.get(f"{catcher.url}/messages/1", timeout=5).text
    assert 'href="http://127.0.0.1:5000/payments/7"' in page
    assert "payment_required" in page


def test_the_newest_message_comes_first_and_a_recipient_can_be_picked(
    catcher: MailCatcher,
) -> None:
    deliver(catcher, a_mail("one@example.com", "first"))
    deliver(catcher, a_mail("two@example.com", "second"))

    assert [m["subject"] for m in get_json(catcher, "/api/messages")] == ["second", "first"]
    assert [m["subject"] for m in get_json(catcher, "/api/messages?to=ONE@example.com")] == [
        "first"
    ]
    page = requests.get(f"{catcher.url}/?to=one@example.com", timeout=5).text
    assert "first" in page
    assert "second" not in page


def test_clearing_forgets_every_message(catcher: MailCatcher) -> None:
    deliver(catcher, a_mail())

    assert requests.delete(f"{catcher.url}/api/messages", timeout=5).status_code == 204

    assert get_json(catcher, "/api/messages") == []
    assert requests.get(f"{catcher.url}/api/messages/1", timeout=5).status_code == 404


def test_the_clear_button_works_from_the_page_and_from_nowhere_else(catcher: MailCatcher) -> None:
    deliver(catcher, a_mail())

    foreign = requests.post(
        f"{catcher.url}/clear", headers={"Origin": "http://evil.example"}, timeout=5
    )
    assert foreign.status_code == 403
    assert requests.post(f"{catcher.url}/clear", timeout=5).status_code == 403
    assert len(catcher.messages()) == 1

    # Browsers name the origin of a form only where the page's policy lets them.
    page = requests.get(catcher.url, timeout=5)
    assert page.headers["Referrer-Policy"] == "same-origin"
    own = requests.post(f"{catcher.url}/clear", headers={"Origin": catcher.url}, timeout=5)
    assert own.status_code == 200
    assert catcher.messages() == []


def test_a_name_of_somebody_elses_that_points_here_is_refused(catcher: MailCatcher) -> None:
    answer = requests.get(
        f"{catcher.url}/api/messages", headers={"Host": "evil.example"}, timeout=5
    )
    assert answer.status_code == 400


def test_hostile_content_is_escaped_and_its_html_is_caged(catcher: MailCatcher) -> None:
    mail = a_mail(subject="<script>alert(1)</script>")
    mail.replace_header("X-Mail-Kind", "<b>kind</b>")
    deliver(catcher, mail)

    for path in ("/", "/messages/1"):
        answer = requests.get(catcher.url + path, timeout=5)
        assert "<script>alert" not in answer.text
        assert "<b>kind" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    caged = requests.get(f"{catcher.url}/messages/1/html", timeout=5)
    assert caged.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-scripts" not in caged.headers["Content-Security-Policy"]
    raw = requests.get(f"{catcher.url}/messages/1/raw", timeout=5)
    assert raw.headers["Content-Type"].startswith("text/plain")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: =?utf-8?b?////?=\r\n\r\nbody",
        b"Content-Type: text/plain; charset=no-such-set\r\n\r\nbody \xff",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"To: \xff\xfe<@@>\r\nFrom: =?x?y?z?=\r\nMessage-ID: <<\x00>>\r\n\r\nx",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    ],
)
def test_a_broken_mail_is_kept_and_can_be_looked_at(catcher: MailCatcher, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5) as client:
        client.sendmail("a@example.com", ["b@example.com"], raw)

    for path in ("/", "/messages/1", "/messages/1/html", "/messages/1/raw", "/api/messages/1"):
        assert requests.get(catcher.url + path, timeout=5).status_code == 200


def test_attachments_are_listed_and_do_not_replace_the_text(catcher: MailCatcher) -> None:
    mail = a_mail()
    mail.add_attachment("a,b", subtype="csv", filename="sales.csv")
    deliver(catcher, mail)

    message = get_json(catcher, "/api/messages/1")

    assert message["text"].startswith("Pay 150.00")
    assert message["attachments"] == [{"name": "sales.csv", "content_type": "text/csv", "size": 5}]


def test_messages_in_a_folder_survive_a_restart_until_cleared(tmp_path: Path) -> None:
    with MailCatcher(keep=tmp_path) as first:
        deliver(first, a_mail(subject="kept"))
    (tmp_path / "000009.json").write_text("{half")

    with MailCatcher(keep=tmp_path) as second:
        [message] = second.messages(to="buyer@example.com", kind="payment_required")
        assert message.subject == "kept"
        deliver(second, a_mail(subject="next"))
        assert [m.id for m in second.messages()] == [2, 1]
        second.store.clear()

    with MailCatcher(keep=tmp_path) as third:
        assert third.messages() == []


@pytest.mark.parametrize(("mode", "family"), [("refuse_4xx", 4), ("refuse_5xx", 5)])
def test_a_refusal_reaches_the_sender_and_keeps_nothing(
    catcher: MailCatcher, mode: str, family: int
) -> None:
    assert set_fault(catcher, mode=mode).status_code == 200

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        deliver(catcher, a_mail())

    [(code, _text)] = refused.value.recipients.values()
    assert code // 100 == family
    assert catcher.messages() == []


def test_a_slow_server_serves_who_waits_and_keeps_nothing_of_who_gives_up(
    catcher: MailCatcher,
) -> None:
    set_fault(catcher, mode="slow", seconds=0.4)
    began = time.monotonic()
    deliver(catcher, a_mail(subject="patient"))
    assert time.monotonic() - began >= 0.4

    set_fault(catcher, mode="slow", seconds=0.6)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(catcher, a_mail(subject="impatient"), timeout=0.2)
    time.sleep(0.8)
    assert [m.subject for m in catcher.messages()] == ["patient"]


def test_a_cut_after_the_250_leaves_the_message_kept_and_accepted(catcher: MailCatcher) -> None:
    set_fault(catcher, mode="drop_after_250")
    client = smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5)
    mail = a_mail()

    assert client.send_message(mail) == {}

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
    assert [m.subject for m in catcher.messages()] == ["You won"]


def test_a_cut_before_the_250_leaves_nothing(catcher: MailCatcher) -> None:
    set_fault(catcher, mode="drop_before_250")
    client = smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=5)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(a_mail())

    client.close()
    assert catcher.messages() == []


def test_a_fault_for_some_mails_is_over_after_them(catcher: MailCatcher) -> None:
    set_fault(catcher, mode="refuse_4xx", times=2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            deliver(catcher, a_mail())

    deliver(catcher, a_mail())

    assert len(catcher.messages()) == 1
    assert get_json(catcher, "/api/faults")["mode"] == "ok"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"mode": "explode"}, "mode"),
        ({}, "mode"),
        ([], "object"),
        ({"mode": "slow", "seconds": -1}, "seconds"),
        ({"mode": "slow", "seconds": 1e9}, "seconds"),
        ({"mode": "slow", "seconds": "2"}, "seconds"),
        ({"mode": "slow", "seconds": True}, "seconds"),
        ({"mode": "slow", "times": 0}, "times"),
        ({"mode": "slow", "times": 1.5}, "times"),
        ({"mode": "ok", "colour": "red"}, "object"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(
    catcher: MailCatcher, body: object, named: str
) -> None:
    answer = requests.put(f"{catcher.url}/api/faults", json=body, timeout=5)

    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert catcher.faults.current.mode == "ok"


def test_the_program_says_where_it_listens_and_ends_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dev.mail_catcher", "--smtp-port=0", "--http-port=0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        ready = program.stdout.readline().split()
        assert ready[:4] == ["mail", "catcher", "listening", "on"]
        assert requests.get(ready[4], timeout=5).status_code == 200
        program.terminate()
        assert program.wait(10) == 0


def test_a_taken_port_is_said_and_ends_the_program(catcher: MailCatcher) -> None:
    for taken in (
        ["--smtp-port", str(catcher.smtp_port), "--http-port", "0"],
        ["--smtp-port", "0", "--http-port", catcher.url.rpartition(":")[2]],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "dev.mail_catcher", *taken],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 1
        assert "mail catcher:" in done.stderr
