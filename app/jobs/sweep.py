"""The sweep: everything periodic, rebuilt from the database alone. It needs no Redis.

One works at a time, by a lease in the database; the others step aside. Payments and mail have a
lease each, so that a slow mail server never delays a sale.
"""

import logging
import threading
import time
from dataclasses import asdict, dataclass, field

from app.accounts import service as accounts
from app.artworks import service as artworks
from app.bidding import service as bidding
from app.core import figures
from app.core.counters import count_all
from app.core.crash_points import reached
from app.core.crew import share_out
from app.core.lease import (
    SWEEP_MAIL,
    SWEEP_PAYMENTS,
    give_lease_back,
    keep_lease,
    new_holder,
    take_lease,
)
from app.core.transaction import leave_database
from app.jobs.recovery import RecoveryUnderWay, recover
from app.notifications import service as notifications
from app.payments import service as payments
from app.payments.states import OPEN

log = logging.getLogger(__name__)

PAYMENTS = SWEEP_PAYMENTS
MAIL = SWEEP_MAIL
COUNTED = "sweep."
TIDY = "sweep:tidy"
FIGURES = "sweep:figures"

# Renewed while the work goes on; a dead holder is followed after this.
_LEASE_SECONDS = 15
# After so long a pass that hangs, and not only one that died, is followed by another.
_LONGEST_SECONDS = 150
_BUDGET_SECONDS = 25
_MAILS_PER_PASS = 200
# How many payments of each line are asked about at the same time.
_HANDS = 2
# So many times in a row without an answer, Stripe is away: the next pass asks again, and begins
# with those that were not asked now.
_SILENCES = 4


@dataclass
class SweepReport:
    """What one pass did."""

    stepped_aside: list[str] = field(default_factory=list)
    payments_asked: int = 0
    payments_closed: int = 0
    payments_unheard: int = 0
    payments_compared: int = 0
    events_missed: int = 0
    artworks_ended: int = 0
    mails_sent: int = 0
    old_things_deleted: int = 0
    failures: int = 0

    def counts(self) -> dict[str, int]:
        """What was done, by kind."""
        return {kind: n for kind, n in asdict(self).items() if kind != "stepped_aside"}

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        said = [f"{name}: another sweep is at work" for name in self.stepped_aside]
        return [
            *said,
            f"payments asked of Stripe: {self.payments_asked}",
            f"payments finished: {self.payments_closed}",
            f"payments without an answer from Stripe: {self.payments_unheard}",
            f"finished payments compared with Stripe: {self.payments_compared}",
            f"refunds and disputes that no webhook had told: {self.events_missed}",
            f"artworks ended: {self.artworks_ended}",
            f"mails sent: {self.mails_sent}",
            f"old sign-ins and unused pictures deleted: {self.old_things_deleted}",
            f"failures: {self.failures}",
        ]


def sweep(
    *, patience_seconds: float = 0, parts: tuple[str, ...] = (PAYMENTS, MAIL, FIGURES, TIDY)
) -> SweepReport:
    """One pass over what is due: payments, ended artworks, unsent mail, old things; safe always.

    Waits up to `patience_seconds` for another sweep to finish before it steps aside.
    """
    report = SweepReport()
    holder = new_holder()
    work = {PAYMENTS: _sweep_payments, MAIL: _sweep_mail, FIGURES: _count, TIDY: _tidy}
    for name in parts:
        if not _await_lease(name, holder, patience_seconds):
            report.stepped_aside.append(name)
            continue
        part, finished = SweepReport(), None
        reached("sweep.lease_taken")
        try:
            with keep_lease(name, holder, _LEASE_SECONDS, _LONGEST_SECONDS) as lost:
                work[name](part, lost)
            finished = {"lines": part.lines()}
        finally:
            give_lease_back(name, holder, finished)
        _note(name, part)
        for kind, done in part.counts().items():
            setattr(report, kind, getattr(report, kind) + done)
    return report


def _note(name: str, part: SweepReport) -> None:
    """Add to the counts that the metrics show."""
    done = {kind: n for kind, n in part.counts().items() if n}
    passes = {f"{name.removeprefix('sweep:')}_passes": 1}
    count_all({COUNTED + kind: n for kind, n in (passes | done).items()})


def _await_lease(name: str, holder: str, patience_seconds: float) -> bool:
    until = time.monotonic() + patience_seconds
    while not take_lease(name, holder, _LEASE_SECONDS):
        if time.monotonic() >= until:
            return False
        time.sleep(0.2)
    return True


def _sweep_payments(report: SweepReport, lost: threading.Event) -> None:
    if payments.recovering() and not _recover():
        report.failures += 1
    # What needs nobody else: the end of an auction waits for no answer from Stripe, unless a
    # backup was restored. Then what looks unsold may have been sold.
    if not payments.recovering():
        report.artworks_ended = artworks.expire_ended_artworks()
    until = time.monotonic() + _BUDGET_SECONDS
    counting = threading.Lock()
    silences = 0

    def enough() -> bool:
        return lost.is_set() or silences >= _SILENCES or time.monotonic() > until

    def ask(payment_id: int) -> None:
        nonlocal silences
        try:
            settled = payments.reconcile_payment(payment_id, patient=True)
        except Exception:
            # One payment that cannot be settled must not keep the others from it.
            log.exception("the sweep could not settle payment %s", payment_id)
            with counting:
                report.failures += 1
            return
        with counting:
            silences = 0 if settled.heard else silences + 1
            report.payments_asked += 1
            report.payments_unheard += not settled.heard
            report.payments_closed += settled.payment.status not in OPEN
        reached("sweep.payment_settled")

    share_out(payments.open_payments(), ask, hands=_HANDS, enough=enough)
    # What can wait, as far as there is time: an open payment is asked about again by the next pass.
    if not enough():
        payments.compare_clock_when_due()
    if not enough():
        report.events_missed = payments.hear_missed_when_due()
    if not enough():
        report.payments_compared = payments.compare_finished()


def _recover() -> bool:
    """Find again what a restored backup had lost; bids wait for it."""
    try:
        for line in recover().lines():
            log.info("%s", line)
    except RecoveryUnderWay:
        return True
    except (payments.GatewayUnavailable, payments.GatewayRefused) as away:
        log.warning("the recovery waits for Stripe, and bids for the recovery (%s)", away)
        return False
    return True


def _sweep_mail(report: SweepReport, _lost: threading.Event) -> None:
    leave_database()
    report.mails_sent = notifications.deliver_due(_MAILS_PER_PASS, _BUDGET_SECONDS)


def _count(_report: SweepReport, lost: threading.Event) -> None:
    figures.count_figures()
    # A recovery brings back older bids behind newer ones, and each is passed by only once.
    while not (lost.is_set() or payments.recovering()) and bidding.count_bids_by_day():
        pass


def _tidy(report: SweepReport, _lost: threading.Event) -> None:
    report.old_things_deleted = accounts.delete_old_sign_ins() + artworks.delete_orphan_pictures()
