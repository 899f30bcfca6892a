"""After a restore: everything that Stripe saw since the backup, found again or told to a person."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from sqlalchemy.exc import IntegrityError

from app.artworks import service as artworks
from app.bidding import service as bidding
from app.core.lease import give_lease_back, keep_lease, new_holder, take_lease
from app.payments import service as payments

log = logging.getLogger(__name__)

_LEASE = "recovery"
# Renewed while the work goes on, which a thousand sales may make long.
_LEASE_SECONDS = 30
_LONGEST_SECONDS = 3600


class RecoveryUnderWay(Exception):
    """Another process is at it."""


@dataclass
class RecoveryReport:
    """What a recovery found."""

    sales: int = 0
    restored: int = 0
    closed: int = 0
    flagged: int = 0
    events: int = 0

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        return [
            f"sales that Stripe knows since the backup: {self.sales}",
            f"wins that were lost and are restored: {self.restored}",
            f"checkout sessions closed because their win cannot be restored: {self.closed}",
            f"paid checkouts that need a person: {self.flagged}",
            f"refunds and disputes that were lost and are found again: {self.events}",
        ]


def recover(say: Callable[[str], None] = log.info) -> RecoveryReport:
    """Bring every sale into line with Stripe, in the order in which they happened; then let bids
    in again. May be broken off and done again at any point.

    Raises RecoveryUnderWay, GatewayUnavailable or GatewayRefused; bids stay closed then.
    """
    holder = new_holder()
    if not take_lease(_LEASE, holder, _LEASE_SECONDS):
        raise RecoveryUnderWay
    report = RecoveryReport()
    try:
        with keep_lease(_LEASE, holder, _LEASE_SECONDS, _LONGEST_SECONDS) as lost:
            _recover_all(report, say, lost)
    finally:
        give_lease_back(_LEASE, holder, None)
    return report


def _recover_all(report: RecoveryReport, say: Callable[[str], None], lost: Event) -> None:
    silent = {
        payment_id
        for line in payments.open_payments()
        for payment_id in line
        if not payments.reconcile_payment(payment_id, patient=True).heard
    }
    say("asking Stripe for every checkout session since the backup")
    found = payments.list_sales()
    report.sales = len(found)
    for number, each in enumerate(found, 1):
        if lost.is_set():
            raise RecoveryUnderWay
        try:
            _recover_one(each, report, silent)
        except (IntegrityError, LookupError, ValueError) as failure:
            # One sale that fits nowhere must not keep bids closed and the other sales unfinished.
            log.exception("the sale of payment %s cannot be restored", each.sale.payment_id)
            _give_up_on(each, failure, report)
        if number % 20 == 0 or number == len(found):
            say(f"{number} of {len(found)} sales looked at")
    bidding.number_bids_beyond(
        max((each.sale.bid_id for each in found), default=0),
        max((each.sale.payment_id for each in found), default=0),
    )
    report.events = payments.hear_missed(patient=True, budget_seconds=math.inf)
    payments.finish_recovery(**vars(report))


def _recover_one(found: payments.LostSale, report: RecoveryReport, silent: set[int]) -> None:
    """`silent` are payments of which Stripe has not told how they stand; more may come to it."""
    if not payments.is_known(found.sale):
        why = bidding.restore_win(found)
        if why is None:
            report.restored += 1
            log.info("payment %s restored from Stripe's word", found.sale.payment_id)
        elif not payments.is_known(found.sale):
            # Those that nothing waits for are asked about by the sweep, their artworks reserved.
            holder = payments.stands_in_the_way(found)
            if holder in silent:
                raise payments.GatewayUnavailable(f"payment {holder} waits for an answer")
            _close(found, why, report)
            return
    # Here as well when another recovery restored it in between: its session is a good one.
    if not payments.adopt_sessions(found):
        silent.add(found.sale.payment_id)


def _give_up_on(found: payments.LostSale, failure: Exception, report: RecoveryReport) -> None:
    if not payments.is_known(found.sale):
        _close(found, f"it does not fit what was restored ({type(failure).__name__})", report)
        return
    payments.flag_unfinished(found.sale.payment_id, failure)
    report.flagged += 1


def _close(found: payments.LostSale, why: str, report: RecoveryReport) -> None:
    """A win that cannot be restored: nobody may pay it any more, and a person hears if they did."""
    for listed in found.sessions:
        before = listed.word.status
        word = payments.close_session(listed.word, None, why, listed.buyer_email)
        report.closed += before == "open"
        if word.status == "complete":
            report.flagged += 1
            # Its buyer has paid: nobody else may, until a person has decided.
            if why == bidding.BUYER_LOST:
                payments.clear_the_way(found)
            artworks.take_off_sale(found.sale.artwork_id, found.sale.seller_id, found.restored_at)
