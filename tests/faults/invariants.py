"""What must hold once everything has come to rest, read from the database and Stripe's ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from app.artworks.models import Artwork
from app.artworks.states import ArtworkStatus
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.audit import AuditLog
from app.notifications.models import Email
from app.notifications.states import EmailKind, EmailStatus
from app.payments.models import Attention, Payment, StripeEvent
from app.payments.states import CAPTURED, OPEN, RELEASED, EventOutcome
from tests.faults.shop import Shop
from tests.waiting import until

OWED = {
    "opened": {EmailKind.PAYMENT_REQUIRED, EmailKind.SALE_PENDING},
    "captured": {EmailKind.PAYMENT_RECEIPT, EmailKind.SALE_COMPLETED},
    "released": {EmailKind.PAYMENT_RELEASED, EmailKind.SALE_RELEASED},
}


@contextmanager
def keeping_promises(shop: Shop) -> Iterator[None]:
    """However a test breaks the shop: mended, it comes to rest with every promise kept."""
    lost_before = shop.lives_lost
    yield
    shop.heal()
    died = shop.lives_lost > lost_before
    if died:
        shop.lapse()
    come_to_rest(shop)
    if died:
        shop.forgiven |= repeated(shop)
    # What a lost webhook would have told is found by a sweep.
    with suppress(AssertionError):
        until(lambda: not broken(shop), 10)
    promises = broken(shop)
    # pytest spells out what differs in test modules only.
    assert promises == [], promises
    shop.end_what_is_open()


def come_to_rest(shop: Shop) -> None:
    """Wait until nothing is due any more, of payments, mails and events."""

    def nothing_due() -> bool:
        now, flagged = clock.now(), _flagged(shop)
        waiting: list[Any] = [
            payment
            for payment in shop.rows(Payment, Payment.status.in_(OPEN))
            if (payment.give_up_at or payment.deadline_at <= now) and payment.id not in flagged
        ]
        waiting += shop.rows(Email, Email.status == EmailStatus.PENDING)
        return not waiting

    until(nothing_due, 30)


def broken(shop: Shop) -> list[str]:
    """Every promise of the domain that does not hold, in words; none if all is well."""
    return [*_payments(shop), *_artworks(shop), *_mails(shop), *_events(shop)]


def _flagged(shop: Shop) -> set[int | None]:
    return {item.payment_id for item in shop.rows(Attention)}


def _payments(shop: Shop) -> Iterator[str]:
    ledger = shop.sandbox.ledger()
    sessions: dict[str, list[Any]] = defaultdict(list)
    for session in ledger["sessions"]:
        # Somebody else's session may bear the number of one of our payments.
        if "artwork_id" in session["metadata"]:
            sessions[session["metadata"]["payment_id"]].append(session)
    charged: Counter[str] = Counter()
    for charge in ledger["charges"]:
        if charge["status"] == "succeeded" and charge["captured"]:
            charged[charge["payment_intent"]] += charge["amount"]
    bids = {bid.id: bid for bid in shop.rows(Bid)}
    flagged = _flagged(shop)
    for payment in shop.rows(Payment):
        name = f"payment {payment.id} ({payment.status})"
        mine = sessions[str(payment.id)]
        paid = [each for each in mine if each["payment_status"] == "paid"]
        payable = [each for each in mine if each["status"] == "open"]
        if len(payable) > (payment.status in OPEN):
            yield f"I3: {name} has {len(payable)} sessions that can be paid"
        if payment.status in CAPTURED:
            if [each["id"] for each in paid] != [payment.stripe_session_id]:
                yield f"I2: {name} was paid through {len(paid)} sessions"
                continue
            [session] = paid
            right = (payment.amount_cents, payment.currency, payment.livemode, str(payment.id))
            said = (
                session["amount_total"],
                session["currency"],
                session["livemode"],
                session["client_reference_id"],
            )
            if said != right or session["status"] != "complete":
                yield f"I2: {name} is {right}, and Stripe says {said}"
            amounts = {payment.amount_cents, bids[payment.bid_id].amount_cents}
            if amounts != {charged[session["payment_intent"]]}:
                yield f"I11: {name} charged {charged[session['payment_intent']]}, not {amounts}"
        elif paid and payment.id not in flagged:
            yield f"I2: {name} was paid, and nobody was told"


def _artworks(shop: Shop) -> Iterator[str]:
    payments, bids = defaultdict(list), defaultdict(list)
    for payment in shop.rows(Payment):
        payments[payment.artwork_id].append(payment)
    for bid in shop.rows(Bid):
        bids[bid.artwork_id].append(bid)
    audits = Counter(
        (row.resource_id, row.action)
        for row in shop.rows(AuditLog, AuditLog.resource_type == "artwork")
    )
    flagged, now = _flagged(shop), clock.now()
    for artwork in shop.rows(Artwork):
        name = f"artwork {artwork.id} ({artwork.status})"
        mine = payments[artwork.id]
        captured = [each for each in mine if each.status in CAPTURED]
        unfinished = [each for each in mine if each.status in OPEN]
        released = [each for each in mine if each.status in RELEASED]
        sold = artwork.status == ArtworkStatus.SOLD
        reserved = artwork.status == ArtworkStatus.PENDING_PAYMENT
        if len(captured) != sold:
            yield f"I1: {name} has {len(captured)} captured payments"
        if sold and artwork.sold_cents != sum(each.amount_cents for each in captured):
            yield f"I11: {name} was sold for {artwork.sold_cents}"
        if len(unfinished) != reserved:
            yield f"I4: {name} has {len(unfinished)} unfinished payments"
        for each in unfinished:
            if each.deadline_at <= now and each.id not in flagged:
                yield f"I4: {name} is held past the deadline"
        statuses = Counter(bid.status for bid in bids[artwork.id])
        if statuses[BidStatus.WON] != (sold or reserved):
            yield f"I5: {name} has {statuses[BidStatus.WON]} winning bids"
        if statuses[BidStatus.RELEASED] != len(released):
            yield f"I5: {name} has {statuses[BidStatus.RELEASED]} released bids"
        written = {
            "artwork.reserved": len(mine),
            "artwork.sold": int(sold),
            "artwork.freed": len(released),
        }
        for action, count in written.items():
            if audits[artwork.id, action] != count:
                yield f"I6: {name} has {audits[artwork.id, action]} × {action}, not {count}"


def repeated(shop: Shop) -> set[str]:
    """The Message-IDs that arrived more than once."""
    arrived = Counter(message.message_id for message in shop.mail.messages())
    return {message_id for message_id, count in arrived.items() if count > 1}


def _mails(shop: Shop) -> Iterator[str]:
    arrived = Counter(message.message_id for message in shop.mail.messages())
    about: dict[int, set[EmailKind]] = defaultdict(set)
    for mail in shop.rows(Email):
        about[mail.facts.get("payment_id", 0)].add(mail.kind)
        if mail.status == EmailStatus.SENT and not arrived[mail.message_id]:
            yield f"I9: mail {mail.id} ({mail.kind}) counts as sent and never arrived"
    yield from (f"I9: {each} came twice" for each in repeated(shop) - shop.forgiven)
    for payment in shop.rows(Payment):
        owed = set(OWED["opened"])
        owed |= OWED["captured"] if payment.status in CAPTURED else set()
        owed |= OWED["released"] if payment.status in RELEASED else set()
        if owed - about[payment.id]:
            yield f"I9: payment {payment.id} owes {owed - about[payment.id]}"
    known = {mail.message_id for mail in shop.rows(Email)}
    yield from (f"I9: nobody owed {each}" for each in arrived.keys() - known)


def _events(shop: Shop) -> Iterator[str]:
    for event in shop.rows(StripeEvent, StripeEvent.outcome == EventOutcome.RECEIVED):
        yield f"I8: event {event.id} ({event.type}) was stored and not handled"
