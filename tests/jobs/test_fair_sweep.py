"""A sweep in which something is slow, silent or done by two: the rest goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.crew import share_out
from app.core.extensions import db
from app.core.lease import keep_lease, read_lease, take_lease
from app.jobs import sweep as sweeping
from app.jobs.sweep import MAIL, PAYMENTS, sweep
from app.notifications.models import Email
from dev.mail_catcher import MailCatcher
from tests import people
from tests.payments.market import Market, at_once
from tests.waiting import until

SOLD = ("SOLD", "WON", "SUCCEEDED")
RELEASED = ("ACTIVE", "RELEASED", "CANCELED")


@pytest.fixture
def more_settings(mail_catcher: MailCatcher) -> dict[str, Any]:
    """A mail server that takes everything."""
    return {"mail_port": mail_catcher.smtp_port}


@contextmanager
def hanging(market: Market, operation: str, do: Callable[[], Any]) -> Any:
    """Begin something, while Stripe does not answer one kind of question."""
    market.sandbox.control(
        "POST", "/barriers", {"name": "hang", "operation": operation, "when": "before"}, 201
    )
    thread = threading.Thread(target=do)
    thread.start()
    try:
        yield lambda: market.sandbox.control("GET", "/barriers")[0]["waiting"]
    finally:
        market.sandbox.control("POST", "/barriers/hang/release")
        thread.join(20)
        assert not thread.is_alive()


def test_payments_whose_end_hangs_do_not_delay_one_that_was_paid(market: Market) -> None:
    late = [market.win() for _ in range(4)]
    paid = market.win()
    for won in late:
        market.pass_deadline(won["payment"]["id"])
    market.pay(paid)
    ended = market.make_artwork(market.seller, end_at=clock.now())
    with hanging(market, "expire", market.sweep) as waiting:
        until(lambda: waiting() >= 2, 5)
        until(lambda: market.standing(paid) == SOLD, 5)
        assert market.artwork(ended).status.value == "EXPIRED"
        assert {market.standing(won) for won in late} == {("PENDING_PAYMENT", "WON", "PENDING")}
    assert {market.standing(won) for won in late} == {RELEASED}


def test_of_a_stripe_that_is_away_each_pass_asks_a_little_and_the_next_goes_on_with_the_rest(
    market: Market,
) -> None:
    won = [market.win()["payment"]["id"] for _ in range(14)]
    market.fail_all()
    with market.app.app_context():
        report = sweep(parts=(PAYMENTS,))
    assert 4 <= report.payments_unheard <= 8
    asked = [n for n in won if market.payment(n).asked_at is not None]
    assert len(asked) == report.payments_asked < len(won)
    for _ in range(3):
        market.sweep()
    assert all(market.payment(payment_id).asked_at for payment_id in won)
    market.come_back()
    assert market.sweep().payments_asked == len(won)


def test_one_of_many_sweeps_at_once_works_and_the_others_step_aside(market: Market) -> None:
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    with hanging(market, "expire", market.sweep) as waiting:
        until(lambda: waiting() == 1, 5)
        reports = at_once(5, lambda _: market.sweep())
        assert [report.stepped_aside for report in reports] == [[PAYMENTS]] * 5
    assert market.standing(won) == RELEASED
    assert len(market.requests("expire")) == 1


def test_a_lease_is_kept_for_as_long_as_the_work_takes(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_LEASE_SECONDS", 1)
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    with hanging(market, "expire", market.sweep) as waiting:
        until(lambda: waiting() == 1, 5)
        time.sleep(1.5)
        assert market.sweep().stepped_aside == [PAYMENTS]
    with market.app.app_context():
        lease = read_lease(PAYMENTS)
        db.session.close()
    assert lease is not None
    assert lease.finished_at is not None


def test_work_that_never_ends_keeps_its_lease_no_longer_than_it_may(market: Market) -> None:
    with market.app.app_context():
        assert take_lease("a name", "one", 0.4)
        with keep_lease("a name", "one", 0.4, longest=0.5):
            assert not take_lease("a name", "another", 1)
            until(lambda: take_lease("a name", "another", 1), 5)


def test_who_lost_the_lease_is_told(market: Market) -> None:
    with market.app.app_context():
        take_lease("a name", "another", 60)
        with keep_lease("a name", "one", 0.2, longest=10) as lost:
            assert lost.wait(5)


def test_a_lease_taken_by_a_clock_that_was_an_hour_ahead_holds_nobody_up(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = clock.now
    with market.app.app_context(), monkeypatch.context() as wrong:
        wrong.setattr(clock, "now", lambda: right() + timedelta(hours=1))
        assert take_lease(PAYMENTS, "died since", 15)
    assert market.sweep().stepped_aside == []


def test_a_mail_that_the_server_hesitates_over_holds_up_no_other(
    market: Market, mail_catcher: MailCatcher
) -> None:
    market.win()
    market.win()
    mail_catcher.break_down("slow", seconds=2, times=1)
    with market.app.app_context():
        assert sweep(parts=(MAIL,)).mails_sent == 4
    sent = sorted(mail.sent_at for mail in market.rows(Email))
    assert sent[3] - sent[2] > timedelta(seconds=0.5)
    assert sent[2] - sent[0] < timedelta(seconds=1.5)


def test_the_metrics_tell_what_the_sweeps_did(market: Market) -> None:
    won = market.win()
    market.pass_deadline(won["payment"]["id"])
    market.make_artwork(market.seller, end_at=clock.now())
    for _ in range(2):
        with market.app.app_context():
            sweep()
    told = people.anonymous(market.app).get("/metrics").text
    for kind, count in {
        "payments_passes": 2,
        "mail_passes": 2,
        "payments_asked": 1,
        "payments_closed": 1,
        "artworks_ended": 1,
        "mails_sent": 5,
    }.items():
        assert f'gtw_sweep_done_total{{kind="{kind}"}} {count}.0' in told
    assert "gtw_mail_sweep_lag_seconds" in told


def test_hands_help_with_the_other_line_and_stop_at_the_first_failure(market: Market) -> None:
    done: list[int] = []
    with market.app.app_context():
        share_out([[], [1, 2, 3, 4]], done.append, hands=1)
        assert sorted(done) == [1, 2, 3, 4]

        def fail(item: int) -> None:
            raise ValueError(str(item))

        with pytest.raises(ValueError, match="1"):
            share_out([[1], []], fail, hands=2)
        share_out([[1, 2]], done.append, hands=1, enough=lambda: True)
    assert len(done) == 4
