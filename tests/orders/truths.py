"""What must be true of money, written down again from the product's description alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.orders.stage import UNPAID_WINS, Body, Scene

OPEN = {"PENDING", "PROCESSING"}
CAPTURED = {"SUCCEEDED", "REFUNDED"}
RELEASED = {"CANCELED", "FAILED"}

# From where to where each deed may lead.
ARTWORK_MOVES = {
    "artwork.reserved": {("ACTIVE", "PENDING_PAYMENT")},
    "artwork.sold": {("PENDING_PAYMENT", "SOLD")},
    "artwork.freed": {("PENDING_PAYMENT", "ACTIVE"), ("PENDING_PAYMENT", "EXPIRED")},
    "artwork.expired": {("ACTIVE", "EXPIRED")},
    "artwork.withdrawn": {("ACTIVE", "ARCHIVED"), ("EXPIRED", "ARCHIVED")},
    "artwork.relisted": {("EXPIRED", "ACTIVE"), ("ARCHIVED", "ACTIVE")},
}
PAYMENT_MOVES = {
    ("PENDING", "PROCESSING"),
    ("PENDING", "SUCCEEDED"),
    ("PENDING", "CANCELED"),
    ("PENDING", "FAILED"),
    ("PROCESSING", "SUCCEEDED"),
    ("PROCESSING", "FAILED"),
    ("SUCCEEDED", "REFUNDED"),
}


def of(rows: Iterable[Any], **wanted: Any) -> list[Any]:
    """The rows with these values."""
    return [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]


def sessions_of(scene: Scene, payment: Any) -> list[Body]:
    """Stripe's sessions for a payment."""
    return [
        session
        for session in scene.sessions
        if session["metadata"]["payment_id"] == str(payment.id)
    ]


def funds_failed(scene: Scene, session: Body) -> bool:
    """Whether a complete session will never be paid."""
    if session["status"] != "complete" or session["payment_status"] == "paid":
        return False
    return bool(scene.intents[session["payment_intent"]]["status"] == "requires_payment_method")


def expected_of_bid(
    scene: Scene, moment: datetime, artwork: Any, bidder_id: int, cents: int
) -> set[str]:
    """What may come of a bid: every reason that there is to refuse it, else its outcome."""
    [person] = of(scene.users, id=bidder_id)
    reasons = set()
    if artwork.seller_id == bidder_id:
        reasons.add("own_artwork")
    until = person.bidding_suspended_until
    if until is not None and until > moment:
        reasons.add("bidding_suspended")
    ended = artwork.end_at is not None and artwork.end_at <= moment
    if artwork.status != "ACTIVE" or ended:
        reasons.add("artwork_not_active")
    if of(scene.bids, bidder_id=bidder_id, artwork_id=artwork.id, status="RELEASED"):
        reasons.add("already_defaulted")
    losing = [bid.amount_cents for bid in of(scene.bids, artwork_id=artwork.id, status="OUTBID")]
    if losing and cents <= max(losing):
        reasons.add("bid_too_low")
    return reasons or {"WON" if cents >= artwork.threshold_cents else "OUTBID"}


def hold_always(scene: Scene) -> None:
    """What no moment may break, settled or not."""
    for artwork in scene.artworks:
        _artwork_and_its_bids(scene, artwork)
        _at_most_one_is_payable(scene, artwork)
        _artwork_moved_as_listed(scene, artwork)
    for payment in scene.payments:
        _payment_moved_as_listed(scene, payment)
        _payment_is_as_stripe_says(scene, payment)
    assert scene.flags == []


def _artwork_and_its_bids(scene: Scene, artwork: Any) -> None:
    bids = of(scene.bids, artwork_id=artwork.id)
    won = of(bids, status="WON")
    payments = of(scene.payments, artwork_id=artwork.id)
    unfinished = [each for each in payments if each.status in OPEN]
    captured = [each for each in payments if each.status in CAPTURED]
    if artwork.status == "PENDING_PAYMENT":
        assert [each.bid_id for each in unfinished] == [bid.id for bid in won]
        assert (len(won), captured) == (1, [])
    elif artwork.status == "SOLD":
        assert [each.bid_id for each in captured] == [bid.id for bid in won]
        assert (len(won), unfinished) == (1, [])
        assert artwork.sold_cents == won[0].amount_cents
    else:
        assert (won, unfinished, captured) == ([], [], [])
    losing = [bid.amount_cents for bid in of(bids, status="OUTBID")]
    assert losing == sorted(set(losing))
    assert all(cents < artwork.threshold_cents for cents in losing)
    assert artwork.highest_bid_cents == (losing[-1] if losing else None)
    assert artwork.bid_count == len(losing)
    owing = [bid.id for bid in bids if bid.status != "OUTBID"]
    assert sorted(each.bid_id for each in payments) == owing


def _at_most_one_is_payable(scene: Scene, artwork: Any) -> None:
    own = [
        session
        for payment in of(scene.payments, artwork_id=artwork.id)
        for session in sessions_of(scene, payment)
    ]
    payable = [s["id"] for s in own if s["status"] == "open"]
    paid = [s["id"] for s in own if s["payment_status"] == "paid"]
    coming = [s["id"] for s in own if s["status"] == "complete" and not funds_failed(scene, s)]
    assert len(payable) <= 1, "two sessions can be paid"
    assert len(paid) <= 1, "it was paid twice"
    assert len({*payable, *coming}) <= 1, "it can be paid while it is being paid"
    if payable or coming:
        assert artwork.status in ("PENDING_PAYMENT", "SOLD"), "free, though money may come"


def _artwork_moved_as_listed(scene: Scene, artwork: Any) -> None:
    status = "ACTIVE"
    for deed in of(scene.audits, resource_type="artwork", resource_id=artwork.id):
        if deed.action not in ARTWORK_MOVES:
            continue
        targets = [after for before, after in ARTWORK_MOVES[deed.action] if before == status]
        assert targets, f"{deed.action} of an artwork that is {status}"
        status = deed.details.get("status", targets[0])
        assert status in targets
    assert artwork.status == status, "it moved without a word in the audit"


def _payment_moved_as_listed(scene: Scene, payment: Any) -> None:
    status = "PENDING"
    for deed in of(scene.audits, resource_type="payment", resource_id=payment.id):
        after = deed.action.removeprefix("payment.").upper()
        if after not in OPEN | CAPTURED | RELEASED:
            continue
        assert deed.details["before"] == status
        assert (status, after) in PAYMENT_MOVES
        status = after
    assert payment.status == status, "it moved without a word in the audit"


def _payment_is_as_stripe_says(scene: Scene, payment: Any) -> None:
    sessions = sessions_of(scene, payment)
    for session in sessions:
        assert session["amount_total"] == payment.amount_cents
        assert session["currency"] == payment.currency == "usd"
    [bid] = of(scene.bids, id=payment.bid_id)
    assert bid.amount_cents == payment.amount_cents
    if payment.status in CAPTURED:
        assert [s["id"] for s in sessions if s["payment_status"] == "paid"] == [
            payment.stripe_session_id
        ]
        assert bid.status == "WON"
    if payment.status in RELEASED:
        for session in sessions:
            assert session["status"] == "expired" or funds_failed(scene, session)
        assert bid.status == "RELEASED"


def hold_once_told(scene: Scene) -> None:
    """What must be true once Stripe could be asked: everything that was paid is sold."""
    for payment in scene.payments:
        if any(session["payment_status"] == "paid" for session in sessions_of(scene, payment)):
            assert payment.status in CAPTURED
        over = payment.deadline_at <= scene.now or payment.give_up_at is not None
        if over and not any(
            session["status"] == "complete" for session in sessions_of(scene, payment)
        ):
            assert payment.status in RELEASED, "its time is over"
    for artwork in scene.artworks:
        ended = artwork.end_at is not None and artwork.end_at <= scene.now
        assert not (ended and artwork.status == "ACTIVE"), "its end date has passed"


def hold_at_the_end(scene: Scene) -> None:
    """The final state, from what Stripe holds and what people asked for."""
    for payment in scene.payments:
        sessions = sessions_of(scene, payment)
        deeds = [deed.action for deed in of(scene.audits, resource_id=payment.id)
                 if deed.resource_type == "payment"]  # fmt: skip
        if any(session["payment_status"] == "paid" for session in sessions):
            assert payment.status in CAPTURED
            assert payment.failure_reason is None
            owed = ["payment_receipt", "payment_required", "sale_completed", "sale_pending"]
        else:
            failed = any(funds_failed(scene, session) for session in sessions)
            assert payment.status == ("FAILED" if failed else "CANCELED")
            reason = "buyer_gave_up" if "payment.given_up" in deeds else "deadline"
            assert payment.failure_reason == ("funds_failed" if failed else reason)
            owed = ["payment_released", "payment_required", "sale_pending", "sale_released"]
        about = [mail for mail in scene.mails if mail.facts.get("payment_id") == payment.id]
        assert sorted(mail.kind for mail in about if mail.kind != "payment_failed") == owed
    _defaulters_are_suspended(scene)


def _defaulters_are_suspended(scene: Scene) -> None:
    """So many unpaid wins suspend bidding, counted from those that could have been paid."""
    unpaid = defaultdict(list)
    for payment in scene.payments:
        chosen = payment.failure_reason in ("deadline", "buyer_gave_up")
        if payment.status == "CANCELED" and chosen:
            could = payment.payable_at is not None and payment.payable_at <= payment.deadline_at
            unpaid[payment.buyer_id].append(payment.closed_at if could else None)
    for person in scene.users:
        counted = sorted(moment for moment in unpaid[person.id] if moment is not None)
        if len(counted) >= UNPAID_WINS:
            assert person.bidding_suspended_until is not None, "too many unpaid wins"
            left = person.bidding_suspended_until - counted[-1]
            assert timedelta(days=7) <= left < timedelta(days=7, seconds=1)
        else:
            assert person.bidding_suspended_until is None


def outcome(scene: Scene) -> Body:
    """The final state in words that do not depend on when or how often anything was told."""
    return {
        "artworks": [(a.id, a.status, a.sold_cents, a.highest_bid_cents) for a in scene.artworks],
        "bids": [(bid.id, bid.status) for bid in scene.bids],
        "payments": [
            (p.id, p.status, p.failure_reason, p.stripe_session_id, p.stripe_payment_intent_id,
             p.refunded_cents)
            for p in scene.payments
        ],
        "mails": Counter(mail.kind for mail in scene.mails if mail.kind != "payment_failed"),
        "moves": Counter(
            deed.action for deed in scene.audits
            if deed.action in ARTWORK_MOVES
            or deed.action.removeprefix("payment.").upper() in CAPTURED | RELEASED
        ),
        "suspended": [person.bidding_suspended_until is not None for person in scene.users],
    }  # fmt: skip
