"""The sweep: everything periodic, rebuilt from the database alone. It needs no Redis.

One works at a time, by a lease in the database; the others step aside. Payments and mail have a
lease each, so that a slow mail server never delays a sale.
"""

import logging
import os
import socket
import time
from dataclasses import dataclass, field
from uuid import uuid4

from app.artworks import service as artworks
from app.core.lease import give_lease_back, take_lease
from app.core.transaction import leave_database
from app.notifications import service as notifications
from app.payments import service as payments
from app.payments.states import OPEN

log = logging.getLogger(__name__)

PAYMENTS = "sweep:payments"
MAIL = "sweep:mail"

# Longer than the slowest single step would be usual; a dead holder is followed after this.
_LEASE_SECONDS = 20
_BUDGET_SECONDS = 25
_MAILS_PER_PASS = 200


@dataclass
class SweepReport:
    """What one pass did."""

    stepped_aside: list[str] = field(default_factory=list)
    payments_asked: int = 0
    payments_closed: int = 0
    artworks_ended: int = 0
    mails_sent: int = 0
    failures: int = 0

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        said = [f"{name}: another sweep is at work" for name in self.stepped_aside]
        return [
            *said,
            f"payments asked of Stripe: {self.payments_asked}",
            f"payments finished: {self.payments_closed}",
            f"artworks ended: {self.artworks_ended}",
            f"mails sent: {self.mails_sent}",
            f"failures: {self.failures}",
        ]


def sweep(*, patience_seconds: float = 0, parts: tuple[str, ...] = (PAYMENTS, MAIL)) -> SweepReport:
    """One pass over what is due: payments, ended artworks, unsent mail; safe at any time.

    Waits up to `patience_seconds` for another sweep to finish before it steps aside.
    """
    report = SweepReport()
    holder = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid4().hex[:8]}"
    work = {PAYMENTS: _sweep_payments, MAIL: _sweep_mail}
    for name in parts:
        if not _await_lease(name, holder, patience_seconds):
            report.stepped_aside.append(name)
            continue
        finished = None
        try:
            work[name](report, holder)
            finished = {"lines": report.lines()}
        finally:
            give_lease_back(name, holder, finished)
    return report


def _await_lease(name: str, holder: str, patience_seconds: float) -> bool:
    until = time.monotonic() + patience_seconds
    while not take_lease(name, holder, _LEASE_SECONDS):
        if time.monotonic() >= until:
            return False
        time.sleep(0.2)
    return True


def _sweep_payments(report: SweepReport, holder: str) -> None:
    until = time.monotonic() + _BUDGET_SECONDS
    for payment_id in payments.open_payments():
        if time.monotonic() > until or not take_lease(PAYMENTS, holder, _LEASE_SECONDS):
            break
        try:
            settled = payments.settle_payment(payment_id, patient=True)
        except Exception:
            # One payment that cannot be settled must not keep the others from it.
            log.exception("the sweep could not settle payment %s", payment_id)
            report.failures += 1
            continue
        report.payments_asked += 1
        report.payments_closed += settled.status not in OPEN
    report.artworks_ended += artworks.expire_ended_artworks()


def _sweep_mail(report: SweepReport, holder: str) -> None:
    leave_database()
    report.mails_sent += notifications.deliver_due(_MAILS_PER_PASS, _BUDGET_SECONDS)
