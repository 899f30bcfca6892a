"""From the outbox to a real mail server, and what comes of each way in which that goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from app.config import Settings
from app.core import clock
from app.core.audit import AuditLog
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.transaction import transaction
from app.notifications import queries, service, smtp
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus
from dev.mail_catcher import MailCatcher
from tests.databases import ROOT, environment
from tests.notifications.conftest import Outbox
from tests.waiting import until


def owe_one(outbox: Outbox) -> int:
    outbox.happen(outbox.expired())
    return outbox.row().id


def deliver(outbox: Outbox, email_id: int) -> bool:
    with outbox.app.app_context():
        return service.deliver_email(email_id)


def deliver_due(outbox: Outbox, limit: int = 100, budget_seconds: float = 30) -> int:
    with outbox.app.app_context():
        return service.deliver_due(limit, budget_seconds)


def test_every_kind_arrives_in_html_and_text_with_its_headers(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    outbox.happen(*outbox.everything())

    assert deliver_due(outbox) == len(EmailKind)

    arrived = {message.kind: message for message in mail_catcher.messages()}
    assert set(arrived) == {kind.value for kind in EmailKind}
    for row in outbox.rows():
        message = arrived[row.kind.value]
        assert message.recipients == (row.recipient,)
        assert message.sender == "no-reply@example.com"
        assert message.subject == row.subject
        assert message.message_id == row.message_id
        assert "Guess The Worth" in message.html
        assert message.text.strip()
        assert row.status == EmailStatus.SENT
        assert row.attempts == 1
        assert row.last_error is None
        assert row.sent_at is not None


def test_the_headers_are_each_there_once(outbox: Outbox, mail_catcher: MailCatcher) -> None:
    deliver(outbox, owe_one(outbox))

    [message] = mail_catcher.messages()
    mail = message_from_bytes(message.raw)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "X-Mail-Kind"):
        assert len(mail.get_all(name, [])) == 1, name
    owed_at = outbox.row().created_at.replace(microsecond=0)
    assert parsedate_to_datetime(str(mail["Date"])) == owed_at


def test_a_mail_that_was_sent_is_not_sent_again(outbox: Outbox, mail_catcher: MailCatcher) -> None:
    email_id = owe_one(outbox)

    assert deliver(outbox, email_id)
    assert not deliver(outbox, email_id)
    assert deliver_due(outbox) == 0

    assert len(mail_catcher.messages()) == 1


def test_two_deliverers_at_once_send_it_once(outbox: Outbox, mail_catcher: MailCatcher) -> None:
    mail_catcher.break_down("slow", seconds=0.4)
    email_id = owe_one(outbox)

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(lambda _: deliver(outbox, email_id), range(6)))

    assert sorted(sent) == [False] * 5 + [True]
    assert len(mail_catcher.messages()) == 1


def test_a_server_that_says_later_is_asked_again(outbox: Outbox, mail_catcher: MailCatcher) -> None:
    mail_catcher.break_down("refuse_4xx", times=1)
    email_id = owe_one(outbox)
    before = clock.now()

    assert not deliver(outbox, email_id)

    row = outbox.row()
    assert row.status == EmailStatus.PENDING
    assert row.attempts == 1
    assert row.claimed_until is None
    assert row.last_error == "451 4.3.0 Refused for now, as told"
    wait = row.next_attempt_at - before
    assert timedelta(seconds=5) <= wait <= timedelta(seconds=10)
    assert not deliver(outbox, email_id), "its time has not come"
    outbox.make_due()
    assert deliver(outbox, email_id)
    assert outbox.row().last_error is None
    assert len(mail_catcher.messages()) == 1


def test_a_server_that_says_never_makes_a_dead_letter(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("refuse_5xx")
    email_id = owe_one(outbox)

    assert not deliver(outbox, email_id)

    row = outbox.row()
    assert row.status == EmailStatus.DEAD
    assert row.last_error == "550 5.1.1 Refused for good, as told"
    mail_catcher.break_down("ok")
    outbox.make_due()
    assert deliver_due(outbox) == 0


def test_a_connection_that_breaks_after_the_250_is_a_success(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("drop_after_250")

    assert deliver(outbox, owe_one(outbox))

    assert outbox.row().status == EmailStatus.SENT
    assert len(mail_catcher.messages()) == 1


def test_a_connection_that_breaks_before_the_250_is_tried_again(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("drop_before_250", times=1)
    email_id = owe_one(outbox)

    assert not deliver(outbox, email_id)
    outbox.make_due()
    assert deliver(outbox, email_id)

    assert outbox.row().attempts == 2
    assert len(mail_catcher.messages()) == 1


def test_a_slow_server_is_given_up_on_and_tried_again(
    outbox: Outbox, mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.3)
    mail_catcher.break_down("slow", seconds=3, times=1)
    email_id = owe_one(outbox)
    began = time.monotonic()

    assert not deliver(outbox, email_id)

    assert time.monotonic() - began < 2
    assert outbox.row().status == EmailStatus.PENDING
    assert "timed out" in str(outbox.row().last_error)
    outbox.make_due()
    assert deliver(outbox, email_id)


def test_a_server_that_drips_is_given_up_on_in_the_end(
    outbox: Outbox, mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.5)
    mail_catcher.break_down("slow", seconds=0.6, times=1)
    email_id = owe_one(outbox)

    assert not deliver(outbox, email_id)

    assert outbox.row().status == EmailStatus.PENDING
    assert mail_catcher.messages() == []


class TestWithoutMailServer:
    """Nobody listens on the mail server's port."""

    @pytest.fixture
    def settings_given(self) -> Iterator[dict[str, Any]]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield {"mail_port": taken.getsockname()[1], "public_url": "https://bids.example.com"}

    def test_it_is_tried_five_times_in_the_first_minutes_and_then_less_often(
        self, outbox: Outbox
    ) -> None:
        email_id = owe_one(outbox)
        gaps = []
        with time_machine.travel(clock.now(), tick=False) as clock_hand:
            for _ in range(12):
                tried_at = clock.now()
                assert not deliver(outbox, email_id)
                row = outbox.row()
                assert row.status == EmailStatus.PENDING
                gaps.append((row.next_attempt_at - tried_at).total_seconds())
                clock_hand.move_to(row.next_attempt_at)

        assert gaps == [5, 10, 20, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        assert "refused" in str(outbox.row().last_error).lower()

    def test_the_sweep_keeps_to_its_budget(self, outbox: Outbox) -> None:
        outbox.happen(*outbox.everything())

        assert deliver_due(outbox, budget_seconds=0) == 0

        assert {row.attempts for row in outbox.rows()} == {0}


def test_the_longest_waiting_goes_first_and_the_limit_holds(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    outbox.happen(outbox.reserved())
    outbox.happen(outbox.sold())
    first, second, third, fourth = (row.id for row in outbox.rows())
    with outbox.app.app_context(), transaction() as session:
        for email_id, minutes in ((first, 1), (second, 4), (third, 2), (fourth, 3)):
            session.execute(
                update(Email)
                .where(Email.id == email_id)
                .values(next_attempt_at=clock.now() - timedelta(minutes=minutes))
            )

    assert deliver_due(outbox, limit=3) == 3

    sent = {message.kind for message in mail_catcher.messages()}
    assert sent == {"sale_pending", "sale_completed", "payment_receipt"}


def test_a_mail_in_the_hands_of_a_dead_process_is_free_again_within_a_minute(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    email_id = owe_one(outbox)
    with outbox.app.app_context(), transaction() as session:
        claimed = clock.now() + timedelta(seconds=smtp.TOTAL_SECONDS + 15)
        session.execute(update(Email).values(claimed_until=claimed, attempts=1))

    assert not deliver(outbox, email_id)
    with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
        assert deliver(outbox, email_id)

    assert outbox.row().attempts == 2


DELIVER = """
import sys
from app import create_app
from app.notifications import service
app = create_app()
print("ready", flush=True)
with app.app_context():
    print(service.deliver_email(int(sys.argv[1])), flush=True)
"""


def a_deliverer(settings: Settings, email_id: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DELIVER, str(email_id)],
        cwd=ROOT,
        env=environment(
            DATABASE_URL=settings.database_url.replace("+psycopg", ""),
            PUBLIC_URL=settings.public_url,
            MAIL_PORT=str(settings.mail_port),
            MAIL_DEFAULT_SENDER=settings.mail_default_sender,
            UPLOAD_DIR=str(settings.upload_dir),
        ),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_send_it_once(
    outbox: Outbox, settings: Settings, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("slow", seconds=1)
    email_id = owe_one(outbox)

    both = [a_deliverer(settings, email_id) for _ in range(2)]
    said = sorted(process.communicate(timeout=30)[0].split()[-1] for process in both)

    assert said == ["False", "True"]
    assert len(mail_catcher.messages()) == 1


def test_a_repeat_after_a_kill_carries_the_same_message_id(
    outbox: Outbox, settings: Settings, mail_catcher: MailCatcher
) -> None:
    email_id = owe_one(outbox)
    # The kill comes between the server's 250 and the commit: nothing else can hold that moment
    # still but a lock on the row's database.
    process = None
    with outbox.app.app_context():
        mail_catcher.break_down("slow", seconds=1.5, times=1)
        process = a_deliverer(settings, email_id)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        until(lambda: outbox.row().attempts == 1)
        with transaction() as session:
            session.execute(
                update(Email).where(Email.id == email_id).values(last_error="held still")
            )
            until(lambda: len(mail_catcher.messages()) == 1)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            process.stdout.close()
    assert outbox.row().status == EmailStatus.PENDING

    with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
        assert deliver_due(outbox) == 1

    first, again = mail_catcher.messages()
    assert first.message_id == again.message_id
    assert message_from_bytes(first.raw)["Date"] == message_from_bytes(again.raw)["Date"]
    assert outbox.row().status == EmailStatus.SENT


def test_a_mail_that_cannot_be_written_is_still_owed(
    outbox: Outbox, mail_catcher: MailCatcher, caplog: pytest.LogCaptureFixture
) -> None:
    email_id = owe_one(outbox)
    with outbox.app.app_context(), transaction() as session:
        session.execute(update(Email).values(facts={}))

    assert not deliver(outbox, email_id)

    assert outbox.row().status == EmailStatus.PENDING
    assert outbox.row().last_error == "the mail could not be written: UndefinedError"
    assert "could not be written" in caplog.text


@pytest.mark.parametrize("was", [EmailStatus.SENT, EmailStatus.DEAD])
def test_an_administrator_can_send_again_what_is_over(
    outbox: Outbox, mail_catcher: MailCatcher, was: EmailStatus
) -> None:
    mail_catcher.break_down("refuse_5xx" if was == EmailStatus.DEAD else "ok", times=1)
    email_id = owe_one(outbox)
    deliver(outbox, email_id)
    assert outbox.row().status == was
    already = len(mail_catcher.messages())

    with outbox.app.app_context():
        service.send_again(email_id, outbox.admin.id)
        audited = db.session.scalars(select(AuditLog)).all()
    assert deliver_due(outbox) == 1

    assert len(mail_catcher.messages()) == already + 1
    assert [(row.action, row.resource_id, row.user_id) for row in audited] == [
        ("email.asked_again", email_id, outbox.admin.id)
    ]
    assert audited[0].details == {"was": was.value}


def test_sending_again_does_not_wait_for_the_next_try(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("refuse_4xx", times=1)
    email_id = owe_one(outbox)
    deliver(outbox, email_id)

    with outbox.app.app_context():
        service.send_again(email_id, outbox.admin.id)

    assert deliver(outbox, email_id)


def test_sending_again_while_it_is_being_sent_sends_it_once(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    mail_catcher.break_down("slow", seconds=1, times=1)
    email_id = owe_one(outbox)
    sending = threading.Thread(target=deliver, args=(outbox, email_id))
    sending.start()
    until(lambda: outbox.row().attempts == 1)

    with outbox.app.app_context():
        service.send_again(email_id, outbox.admin.id)
    assert not deliver(outbox, email_id)
    sending.join()

    assert outbox.row().status == EmailStatus.SENT
    assert len(mail_catcher.messages()) == 1


def test_a_mail_that_does_not_exist_cannot_be_sent_again(outbox: Outbox) -> None:
    with outbox.app.app_context(), pytest.raises(NotFound):
        service.send_again(404)


def test_a_name_beyond_ascii_arrives_as_it_was_written(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    outbox.happen(outbox.reserved(title="Übergang – 夜の港 🌊"))
    deliver_due(outbox)

    [message] = mail_catcher.messages(kind="payment_required")
    assert "Übergang – 夜の港 🌊" in message.subject
    assert "Übergang – 夜の港 🌊" in message.text
    assert "Übergang – 夜の港 🌊" in message.html


def test_the_outbox_can_be_read_newest_first_and_by_status(
    outbox: Outbox, mail_catcher: MailCatcher
) -> None:
    outbox.happen(outbox.reserved())
    outbox.happen(outbox.expired())
    first, second, third = outbox.rows()
    deliver(outbox, first.id)

    with outbox.app.app_context():
        everything = queries.emails(1, 2)
        sent = queries.emails(1, 20, status=EmailStatus.SENT)
        pending = queries.emails(1, 20, kind=EmailKind.SALE_PENDING)
        counts = queries.counts()
        oldest = queries.oldest_unsent_at()
        one = queries.email(third.id)
        with pytest.raises(NotFound):
            queries.email(404)

    assert [item.id for item in everything.items] == [third.id, second.id]
    assert everything.total == 3
    assert [item.id for item in sent.items] == [first.id]
    assert [item.id for item in pending.items] == [second.id]
    assert counts == {EmailStatus.PENDING: 2, EmailStatus.SENT: 1, EmailStatus.DEAD: 0}
    assert oldest == second.created_at
    assert (one.to, one.kind) == (outbox.seller.email, EmailKind.ARTWORK_EXPIRED)
