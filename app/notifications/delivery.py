"""From the outbox to the mail server: claim, send, record."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, jobs
from app.core.audit import record_audit
from app.core.crash_points import reached
from app.core.crew import share_out
from app.core.errors import NotFound
from app.core.extensions import db
from app.core.traces import following
from app.core.transaction import leave_database, transaction
from app.notifications import render, rules, smtp
from app.notifications.models import Email
from app.notifications.outbox import DELIVER_JOB
from app.notifications.states import EmailEvent, EmailStatus, move_email

log = logging.getLogger(__name__)

_HANDS = 3
# Longer than a try can take, so that nobody else begins while one is under way; short enough that
# the mail of a process that died is not late.
_CLAIM = timedelta(seconds=smtp.TOTAL_SECONDS + 15)

_RECORD_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True)
class _Claim:
    letter: render.Letter
    attempt: int
    until: datetime
    trace: str | None

    def mine(self) -> ColumnElement[bool]:
        """The row, while no other has claimed it since."""
        return and_(
            Email.id == self.letter.id,
            Email.status == EmailStatus.PENDING,
            Email.claimed_until == self.until,
        )


def deliver_email(email_id: int) -> bool:
    """Try once to send a mail that is due; True when it was accepted by the mail server.

    Does nothing when it is not due, not PENDING, or in somebody else's hands. Never raises for what
    the mail server does: a failure is recorded, and a later try planned or given up.
    """
    claim = _claim(email_id)
    if claim is None:
        return False
    reached("mail.claimed")
    with following(claim.trace):
        return _deliver(claim)


def _deliver(claim: _Claim) -> bool:
    try:
        message = render.compose(claim.letter)
        leave_database()
        smtp.send(message)
        reached("mail.accepted")
    except smtp.MailRefused as refused:
        _give_up(claim, str(refused))
    except smtp.MailPutOff as away:
        _put_off(claim, str(away))
    except Exception as failure:
        # A mail that cannot be written now is owed all the same; the log says why.
        log.exception("mail %s could not be written", claim.letter.id)
        _put_off(claim, f"the mail could not be written: {type(failure).__name__}")
    else:
        _keep_accepted(claim)
        return True
    return False


def deliver_due(limit: int = 100, budget_seconds: float = 10.0) -> int:
    """Send what is due, the longest waiting first; returns how many the mail server accepted.

    A few at a time: a mail that the server hesitates over holds up no other. No new try begins
    after `budget_seconds`.
    """
    ends_at = time.monotonic() + budget_seconds
    due = db.session.scalars(
        select(Email.id)
        .where(_due(clock.now()))
        .order_by(Email.next_attempt_at, Email.id)
        .limit(limit)
    ).all()
    leave_database()
    accepted: list[int] = []

    def deliver(email_id: int) -> None:
        if deliver_email(email_id):
            accepted.append(email_id)

    share_out([due], deliver, hands=_HANDS, enough=lambda: time.monotonic() >= ends_at)
    return len(accepted)


def send_again(email_id: int, admin_id: int | None = None) -> None:
    """Owe a mail anew, at once: one that is dead or was sent, or one that waits for its next try.

    Raises NotFound.
    """
    with transaction() as session:
        email = session.scalar(select(Email).where(Email.id == email_id).with_for_update())
        if email is None:
            raise NotFound
        was = email.status
        values: dict[str, Any] = {
            "status": move_email(was, EmailEvent.ASKED_AGAIN),
            "next_attempt_at": clock.now(),
        }
        if was != EmailStatus.PENDING:
            values |= {"attempts": 0, "claimed_until": None, "sent_at": None}
        session.execute(update(Email).where(Email.id == email_id).values(values))
        record_audit(session, "email.asked_again", "email", email_id, admin_id, was=was.value)
    jobs.hint("mail", DELIVER_JOB, email_id)


def _due(moment: datetime) -> ColumnElement[bool]:
    return and_(
        Email.status == EmailStatus.PENDING,
        Email.next_attempt_at <= moment,
        or_(Email.claimed_until.is_(None), Email.claimed_until <= moment),
    )


def _claim(email_id: int) -> _Claim | None:
    moment = clock.now()
    with transaction() as session:
        row = session.execute(
            update(Email)
            .where(Email.id == email_id)
            .where(_due(moment))
            .values(claimed_until=moment + _CLAIM, attempts=Email.attempts + 1)
            .returning(
                Email.id,
                Email.kind,
                Email.recipient,
                Email.subject,
                Email.facts,
                Email.message_id,
                Email.created_at,
                Email.attempts,
                Email.claimed_until,
                Email.request_id,
            ),
            execution_options={"synchronize_session": False},
        ).one_or_none()
    if row is None:
        return None
    return _Claim(render.Letter(*row[:7]), row.attempts, row.claimed_until, row.request_id)


def _keep_accepted(claim: _Claim) -> None:
    """Record it, over a database that is away for a while: else the mail would be sent again."""
    while True:
        try:
            _accepted(claim)
        except SQLAlchemyError:
            if clock.now() + _RECORD_AGAIN > claim.until:
                raise
            log.warning("mail %s is sent, and that cannot be recorded yet", claim.letter.id)
            time.sleep(_RECORD_AGAIN.total_seconds())
        else:
            return


def _accepted(claim: _Claim) -> None:
    # Whoever holds the claim by now: it has been sent.
    row = and_(Email.id == claim.letter.id, Email.status == EmailStatus.PENDING)
    sent_at = clock.now()
    _record(row, EmailEvent.ACCEPTED, sent_at=sent_at, last_error=None)
    late = (sent_at - claim.letter.created_at).total_seconds()
    log.info("mail %s (%s) sent, %.1f s after", claim.letter.id, claim.letter.kind.value, late)


def _put_off(claim: _Claim, error: str) -> None:
    again_at = clock.now() + rules.wait_after(claim.attempt)
    _record(claim.mine(), EmailEvent.PUT_OFF, next_attempt_at=again_at, last_error=error)
    log.warning("mail %s put off, try %s: %s", claim.letter.id, claim.attempt, error)
    jobs.hint("mail", DELIVER_JOB, claim.letter.id, at=again_at)


def _give_up(claim: _Claim, error: str) -> None:
    if _record(claim.mine(), EmailEvent.REFUSED, last_error=error):
        log.error("mail %s refused for good: %s", claim.letter.id, error)


def _record(row: ColumnElement[bool], event: EmailEvent, **values: Any) -> bool:
    status = move_email(EmailStatus.PENDING, event)
    with transaction() as session:
        changed = session.execute(
            update(Email)
            .where(row)
            .values(status=status, claimed_until=None, **values)
            .returning(Email.id),
            execution_options={"synchronize_session": False},
        ).first()
    return changed is not None
