"""Every named place of a sale at which a process may die: what is left, a restart makes good."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.config import ROOT
from app.core import clock
from app.jobs.sweep import PAYMENTS
from app.notifications.states import EmailStatus
from app.payments.models import Payment
from tests.faults.invariants import repeated
from tests.faults.shop import RELEASED, RESERVED, SOLD, Sale, Shop
from tests.waiting import until

Arm = Callable[[], None]


def bid_that_wins(shop: Shop, arm: Arm) -> Sale:
    """The web process answers a bid; nobody else looks after it yet."""
    with shop.no_sweep(PAYMENTS):
        arm()
        sale = shop.offer()
        assert sale.answer.status == 0
    return sale


def bid_that_loses(shop: Shop, arm: Arm) -> Sale:
    """A losing bid: it counts or it does not, and the artwork is open either way."""
    arm()
    sale = shop.offer("20.00")
    assert sale.answer.status == 0
    return sale


def win_swept(shop: Shop, arm: Arm) -> Sale:
    """The sweep makes the session, since Stripe was away when the bid won."""
    shop.stripe_fails("create")
    with shop.no_sweep(PAYMENTS):
        sale = shop.offer()
        arm()
        shop.stripe_returns()
    return sale


def paid_webhook(shop: Shop, arm: Arm) -> Sale:
    """Stripe's webhook brings the sale."""
    sale = shop.win()
    with shop.no_sweep(PAYMENTS):
        arm()
        sale.pay()
        until(lambda: not shop.armed)
    return sale


def declined_webhook(shop: Shop, arm: Arm) -> Sale:
    """Stripe's webhook brings a decline; then another card pays."""
    sale = shop.win()
    arm()
    sale.pay("4000000000000002")
    until(lambda: not shop.armed)
    sale.pay()
    return sale


def paid_swept(shop: Shop, arm: Arm) -> Sale:
    """The webhook is lost, and the sweep asks."""
    shop.webhooks("drop")
    sale = shop.win()
    arm()
    sale.pay()
    return sale


def deadline_swept(shop: Shop, arm: Arm) -> Sale:
    """The time to pay runs out."""
    sale = shop.win()
    arm()
    sale.pass_deadline()
    return sale


def deadline_watched(shop: Shop, arm: Arm) -> Sale:
    """The time to pay runs out while the worker watches."""
    sale = shop.win()
    arm()
    with shop.no_sweep(PAYMENTS):
        soon = clock.now() + timedelta(seconds=0.5)
        shop.change(Payment, Payment.id == sale.payment.id, deadline_at=soon)
        until(lambda: not shop.armed)
    return sale


def deadline_without_session(shop: Shop, arm: Arm) -> Sale:
    """The time to pay runs out before Stripe was ever reached."""
    shop.stripe_fails("create")
    with shop.no_sweep(PAYMENTS):
        sale = shop.offer()
        sale.pass_deadline()
        arm()
        shop.stripe_returns()
    return sale


def given_up(shop: Shop, arm: Arm) -> Sale:
    """The winner gives up, and it is this request that dies, not the one of Stripe's webhook."""
    sale = shop.win()
    shop.webhooks("drop")
    with shop.no_sweep(PAYMENTS):
        arm()
        assert sale.give_up().status == 0
    return sale


@dataclass(frozen=True)
class Step:
    """Something that passes a crash point, and how it must end all the same."""

    act: Callable[[Shop, Arm], Sale]
    ends: tuple[tuple[str, ...], ...]


WON = (RESERVED,)
WEB_WIN = Step(bid_that_wins, WON)
SWEPT_WIN = Step(win_swept, WON)
WEBHOOK = Step(paid_webhook, (SOLD,))
DECLINE = Step(declined_webhook, (SOLD,))
PAID = Step(paid_swept, (SOLD,))
DUE = Step(deadline_swept, (RELEASED,))
WATCHED = Step(deadline_watched, (RELEASED,))
DUE_UNMADE = Step(deadline_without_session, (RELEASED,))
GIVEN_UP = Step(given_up, (RELEASED,))
# Before the commit the bid is as if it had not been made.
LOST_BID = Step(bid_that_wins, ())
LOSING = Step(bid_that_loses, ())

# Which steps of a sale pass each point.
PASSED_BY: dict[str, tuple[Step, ...]] = {
    # PostgreSQL writes and commits a losing bid at once.
    "bid.before_commit": (LOSING, LOST_BID),
    "commit.before_hints": (WEB_WIN, LOSING, WEBHOOK, DECLINE, PAID, DUE, GIVEN_UP),
    "checkout.before_create": (WEB_WIN, SWEPT_WIN),
    "checkout.created": (WEB_WIN, SWEPT_WIN, DUE_UNMADE),
    "expiry.before_asking": (PAID, DUE, GIVEN_UP),
    "expiry.answered": (PAID, DUE, WATCHED, GIVEN_UP, DUE_UNMADE),
    "expiry.given_up": (GIVEN_UP,),
    "webhook.verified": (WEBHOOK, DECLINE),
    "webhook.before_commit": (WEBHOOK, DECLINE),
    "webhook.before_answer": (WEBHOOK, DECLINE),
    "mail.claimed": (WEBHOOK,),
    "mail.accepted": (WEBHOOK,),
    "sweep.lease_taken": (PAID, DUE),
    "deadline.taken": (WATCHED,),
    "sweep.payment_settled": (PAID, DUE),
}
# Each point on both databases, and where several steps pass it, each step on one of them.
DATABASES = ("sqlite", "postgresql")
CASES = [
    pytest.param(database, point, step, id=f"{database}-{point}-{step.act.__name__}")
    for point, steps in PASSED_BY.items()
    for number in range(max(len(steps), len(DATABASES)))
    for database, step in [(DATABASES[number % 2], steps[number % len(steps)])]
]


def test_every_point_in_the_code_is_played_through() -> None:
    found = {
        node.args[0].value
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "reached"
        and isinstance(node.args[0], ast.Constant)
    }
    assert found == set(PASSED_BY)


@pytest.mark.parametrize(("database", "point", "step"), CASES, indirect=["database"])
def test_a_process_that_dies_at_this_point_leaves_nothing_that_a_restart_does_not_mend(
    shop: Shop, point: str, step: Step
) -> None:
    sale = step.act(shop, lambda: shop.crash_at(point))
    until(lambda: not shop.armed)
    shop.lapse()
    for end in step.ends:
        sale.becomes(*end)
    if not step.ends:
        assert sale.status == "ACTIVE"
    if step.ends == WON:
        until(lambda: sale.payment.stripe_session_id)
        assert [each["id"] for each in sale.sessions()] == [sale.session_id]
        sale.pay()
        sale.becomes(*SOLD)
    until(lambda: all(mail.status == EmailStatus.SENT for mail in sale.mails()))
    if point == "mail.accepted":
        assert repeated(shop) & {mail.message_id for mail in sale.mails()}
