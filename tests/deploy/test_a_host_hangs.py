"""A host that hangs, as one does that swaps: it holds what it has, and later goes on."""

from __future__ import annotations

from collections import Counter

import pytest

from app.notifications.models import Email
from app.notifications.states import EmailStatus
from tests.deploy.hosts import Hosts
from tests.deploy.load import people_bid_and_pay
from tests.deploy.test_a_host_dies import waiting
from tests.faults.shop import RELEASED
from tests.waiting import until

# nginx gives it up after 20 seconds; its mail is taken up by another after 45.
pytestmark = pytest.mark.timeout(300)


def test_what_a_hanging_host_held_is_taken_over_and_it_does_no_harm_when_it_goes_on(
    hosts: Hosts,
) -> None:
    # Only the second host's worker is there: it will be the one with everything in its hands.
    hosts.worker.stop()
    due = hosts.win()
    gate = {"name": "x", "operation": "expire", "when": "before"}
    hosts.sandbox.control("POST", "/barriers", gate, status=201)
    due.pass_deadline()
    until(lambda: waiting(hosts) and hosts.sweeper() == 1, 60)
    hosts.mail.break_down("slow", seconds=3)
    mailed = hosts.win()
    until(lambda: any(mail.claimed_until for mail in mailed.mails()), 30)
    for program in hosts.second:
        program.freeze()
    claimed = [mail.id for mail in mailed.mails() if mail.claimed_until]
    assert claimed
    frozen = hosts.lease()
    hosts.sandbox.control("POST", "/barriers/x/release")
    hosts.mail.break_down("ok")
    hosts.start()

    with people_bid_and_pay(hosts) as load:
        load.goes_on(5)
        until(lambda: hosts.lease().holder != frozen.holder, 40)
        due.becomes(*RELEASED)
        assert not hosts.serves(1)
        load.goes_on(5)
        until(lambda: {each.status for each in mails(hosts, claimed)} == {EmailStatus.SENT}, 90)
        assert not [each for each in hosts.second if not each.running]
        for program in hosts.second:
            program.thaw()
        until(lambda: hosts.serves(1), 40)
        load.goes_on()
    # A bid that hung with it may be placed when it goes on: its bidder was told to look.
    assert {offer.status for offer in load.offers} <= {201, 503}
    load.nobody_looked_in_vain()
    load.nothing_was_lost()

    assert due.standing() == RELEASED
    assert len(due.audits("artwork.freed")) == 1
    assert [session["status"] for session in due.sessions()] == ["expired"]
    until(lambda: all(mail.status == EmailStatus.SENT for mail in due.mails() + mailed.mails()), 60)
    arrived = Counter(message.message_id for message in hosts.mail.messages())
    sent = [mail.message_id for mail in due.mails() + mailed.mails()]
    assert {arrived[message_id] for message_id in sent} == {1}
    kinds = Counter(mail.kind for mail in due.mails())
    assert set(kinds.values()) == {1}


def mails(hosts: Hosts, ids: list[int]) -> list[Email]:
    return hosts.rows(Email, Email.id.in_(ids))
