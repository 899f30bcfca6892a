"""When a mail is tried again, and what becomes of one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.notifications import rules
from app.notifications.smtp import STEP_SECONDS
from app.notifications.states import (
    EMAIL_MOVES,
    EmailEvent,
    EmailStatus,
    ForbiddenMove,
    move_email,
)
from app.payments.states import decline_text

SWEEP_SECONDS = 15


def test_the_first_five_tries_lie_at_most_a_minute_apart() -> None:
    for attempts in range(1, 5):
        wait = rules.wait_after(attempts).total_seconds()
        assert 0 < wait + SWEEP_SECONDS + STEP_SECONDS <= 60


def test_later_waits_double_up_to_an_hour() -> None:
    waits = [rules.wait_after(attempts).total_seconds() for attempts in range(5, 14)]

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@given(st.integers(1, 10**6))
def test_no_wait_is_shorter_than_the_one_before_it_or_longer_than_an_hour(attempts: int) -> None:
    before, after = rules.wait_after(attempts), rules.wait_after(attempts + 1)

    assert before <= after
    assert after.total_seconds() <= rules.LONGEST_WAIT


@pytest.mark.parametrize(("status", "event"), list(itertools.product(EmailStatus, EmailEvent)))
def test_a_mail_moves_only_as_the_table_says(status: EmailStatus, event: EmailEvent) -> None:
    if (status, event) in EMAIL_MOVES:
        assert move_email(status, event) == EMAIL_MOVES[status, event]
    else:
        with pytest.raises(ForbiddenMove, match=f"{status} cannot be {event}"):
            move_email(status, event)


def test_what_was_sent_or_refused_is_never_sent_unless_asked_for() -> None:
    leaving = {event for status, event in EMAIL_MOVES if status != EmailStatus.PENDING}

    assert leaving == {EmailEvent.ASKED_AGAIN}


@given(st.text(max_size=400))
def test_a_subject_is_one_line_whatever_was_typed(text: str) -> None:
    line = rules.one_line(text, 100)

    assert len(line) <= 100
    assert line.splitlines() in ([], [line])
    assert "\x00" not in line
    line.encode()


@pytest.mark.parametrize("code", ["fraudulent", "lost_card", "stolen_card", "merchant_blacklist"])
def test_a_decline_that_speaks_of_theft_reads_like_any_other(code: str) -> None:
    assert decline_text(code) == decline_text("generic_decline")
