"""What a submitted payment page does: paid, declined, challenged, or funds that come later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sandbox import money_objects, objects
from sandbox.cards import AUTHENTICATION_FAILED, Refusal, TestCard, find_card
from sandbox.events import record
from sandbox.sessions import expire_due, find
from sandbox.world import World

Body = dict[str, Any]


@dataclass(frozen=True)
class Buyer:
    """What the buyer typed beside the card's number; `expiry` is (month, four-digit year)."""

    email: str
    name: str
    country: str = "US"
    postal_code: str | None = None
    expiry: tuple[int, int] = (12, 2034)


@dataclass(frozen=True)
class Result:
    """What became of a submit, and the session as it is now."""

    kind: Literal["complete", "declined", "challenge", "gone"]
    session: Body
    refusal: Refusal | None = None


def submit(world: World, session_id: str, card: TestCard, buyer: Buyer) -> Result:
    """Pay an open session with a card. Exactly one of pay and expire wins."""
    world.barriers.wait("pay", "before")
    with world.store.transaction():
        expire_due(world)
        session = find(world, session_id)
        if session["status"] != "open":
            return Result("gone", session)
        intent = _intent_of(world, session)
        if card.effect == "challenge":
            result = _ask(world, session, intent, card, buyer)
        else:
            _set_challenge(world, session_id, None)
            result = _attempt(world, session, intent, card, buyer)
    world.barriers.wait("pay", "after")
    return result


def challenge_of(world: World, session_id: str) -> Body | None:
    """The 3-D Secure question that the buyer still has to answer."""
    return world.store.private(session_id)["challenge"] or None


def answer_challenge(world: World, session_id: str, *, passed: bool) -> Result:
    """Go on after 3-D Secure; `gone` when the session ended or nothing was asked."""
    with world.store.transaction():
        expire_due(world)
        session = find(world, session_id)
        asked = challenge_of(world, session_id)
        if session["status"] != "open" or asked is None:
            return Result("gone", session)
        _set_challenge(world, session_id, None)
        intent = world.store.get("payment_intent", session["payment_intent"])
        intent["next_action"] = None
        if not passed:
            _refuse(world, intent, AUTHENTICATION_FAILED, None)
            return Result("declined", session, AUTHENTICATION_FAILED)
        card = find_card(asked["card"])
        if card is None:
            raise LookupError(asked["card"])
        buyer = Buyer(**{**asked["buyer"], "expiry": tuple(asked["buyer"]["expiry"])})
        return _attempt(world, session, intent, card, buyer)


def _set_challenge(world: World, session_id: str, challenge: Body | None) -> None:
    private = world.store.private(session_id)
    world.store.save_private(session_id, {**private, "challenge": challenge})


def _intent_of(world: World, session: Body) -> Body:
    if session["payment_intent"] is not None:
        return world.store.get("payment_intent", session["payment_intent"])
    data = world.store.private(session["id"])["payment_intent_data"]
    intent = objects.payment_intent(session, data, world.clock.stamp())
    world.store.add("payment_intent", intent)
    session["payment_intent"] = intent["id"]
    world.store.save(session)
    record(world, "payment_intent.created", intent)
    return intent


def _ask(world: World, session: Body, intent: Body, card: TestCard, buyer: Buyer) -> Result:
    typed = {name: getattr(buyer, name) for name in Buyer.__dataclass_fields__}
    _set_challenge(world, session["id"], {"card": card.number, "buyer": typed})
    page = f"{world.base_url}/c/pay/{session['id']}"
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": page, "url": f"{page}/challenge"},
    }
    world.store.save(intent)
    record(world, "payment_intent.requires_action", intent)
    return Result("challenge", session)


def _attempt(world: World, session: Body, intent: Body, card: TestCard, buyer: Buyer) -> Result:
    details = objects.customer_details(
        email=session["customer_email"] or buyer.email,
        name=buyer.name,
        country=buyer.country,
        postal_code=buyer.postal_code,
    )
    # The session may have been tampered with since the intent was made.
    intent["amount"] = session["amount_total"]
    intent["currency"] = session["currency"]
    charge = money_objects.charge(
        intent, card, details, expiry=buyer.expiry, created=world.clock.stamp()
    )
    world.store.add("charge", charge)
    intent["latest_charge"] = charge["id"]
    if card.refusal is not None:
        _fail_charge(world, charge, card.refusal)
        _refuse(world, intent, card.refusal, charge)
        return Result("declined", session, card.refusal)
    intent["payment_method"] = charge["payment_method"]
    intent["last_payment_error"] = None
    if card.effect == "processing":
        intent["status"] = "processing"
        world.store.save(intent)
        record(world, "charge.pending", charge)
        record(world, "payment_intent.processing", intent)
    else:
        _capture(world, intent, charge)
        session["payment_status"] = "paid"
    session.update(status="complete", url=None, customer_details=details)
    world.store.save(session)
    record(world, "checkout.session.completed", session)
    return Result("complete", session)


def _capture(world: World, intent: Body, charge: Body) -> None:
    # 2.9 % and 30 cents, Stripe's list price for cards in the United States.
    fee = (charge["amount"] * 29 + 500) // 1000 + 30
    move = money_objects.balance_transaction(
        charge, "charge", charge["amount"], fee, world.clock.stamp()
    )
    world.store.add("balance_transaction", move)
    charge.update(
        amount_captured=charge["amount"],
        balance_transaction=move["id"],
        captured=True,
        paid=True,
        status="succeeded",
    )
    world.store.save(charge)
    intent.update(amount_received=charge["amount"], status="succeeded", last_payment_error=None)
    world.store.save(intent)
    record(world, "charge.succeeded", charge)
    record(world, "payment_intent.succeeded", intent)


def _fail_charge(world: World, charge: Body, refusal: Refusal) -> None:
    charge.update(
        failure_code=refusal.code,
        failure_message=refusal.message,
        outcome=money_objects.outcome(refusal),
        status="failed",
    )
    world.store.save(charge)
    record(world, "charge.failed", charge)


def _refuse(world: World, intent: Body, refusal: Refusal, charge: Body | None) -> None:
    problem: Body = {
        "code": refusal.code,
        "doc_url": "https://docs.stripe.com/error-codes/" + refusal.code.replace("_", "-"),
        "message": refusal.message,
        "type": "card_error" if charge is not None else "invalid_request_error",
    }
    if refusal.decline_code is not None:
        problem["decline_code"] = refusal.decline_code
    if charge is not None:
        problem["charge"] = charge["id"]
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=problem)
    world.store.save(intent)
    record(world, "payment_intent.payment_failed", intent)


class Impossible(Exception):
    """The object is not in a state in which this can happen to it."""


def settle(world: World, session_id: str, *, succeed: bool) -> Body:
    """Decide over funds that were to come later. Raises Impossible when none are awaited."""
    with world.store.transaction():
        session = find(world, session_id)
        if session["status"] != "complete" or session["payment_status"] != "unpaid":
            raise Impossible("this session awaits no funds")
        intent = world.store.get("payment_intent", session["payment_intent"])
        if intent["status"] != "processing":
            raise Impossible("this session awaits no funds")
        charge = world.store.get("charge", intent["latest_charge"])
        if succeed:
            _capture(world, intent, charge)
            session["payment_status"] = "paid"
            world.store.save(session)
            record(world, "checkout.session.async_payment_succeeded", session)
        else:
            refusal = Refusal("card_declined", "Your card was declined.", "generic_decline")
            _fail_charge(world, charge, refusal)
            _refuse(world, intent, refusal, charge)
            record(world, "checkout.session.async_payment_failed", session)
    return session


def refund(world: World, charge_id: str, amount: int | None) -> Body:
    """Give back `amount` cents of a charge, or all that is left. Raises Impossible."""
    with world.store.transaction():
        charge = world.store.get("charge", charge_id)
        left = charge["amount_captured"] - charge["amount_refunded"]
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            raise Impossible(f"of this charge {left} cents can be refunded")
        now = world.clock.stamp()
        made = money_objects.refund(charge, wanted, now)
        move = money_objects.balance_transaction(made, "refund", -wanted, 0, now)
        made["balance_transaction"] = move["id"]
        world.store.add("balance_transaction", move)
        world.store.add("refund", made)
        previous = {name: charge[name] for name in ("amount_refunded", "refunded")}
        charge["amount_refunded"] += wanted
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        world.store.save(charge)
        record(world, "refund.created", made)
        record(world, "charge.refunded", charge, previous=previous)
    return made


def dispute(world: World, charge_id: str) -> Body:
    """Have the buyer's bank dispute a charge. Raises Impossible when it cannot."""
    with world.store.transaction():
        charge = world.store.get("charge", charge_id)
        if not charge["paid"] or charge["disputed"]:
            raise Impossible("only a paid charge that is not disputed yet can be disputed")
        made = money_objects.dispute(charge, world.clock.stamp())
        world.store.add("dispute", made)
        charge["disputed"] = True
        world.store.save(charge)
        record(world, "charge.dispute.created", made)
    return made
