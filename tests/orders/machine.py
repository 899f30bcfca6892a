"""Any sequence of what people, Stripe, time and faults can do, checked after every step."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.orders import truths
from tests.orders.stage import WINDOW, Body, Stage
from tests.people import TestPerson

THRESHOLD = 10_000
# Stripe's library asks a second time by itself, under the same key.
ALL_TRIES_OF_ONE_ASKING = 2
CENTS = st.sampled_from([50, 8_000, 9_999, 10_000, 12_037, 99_999_999])
PAYS, CHALLENGES, LATER = "4242424242424242", "4000002500003155", "4000000000003720"
CARDS = st.sampled_from(
    [(PAYS, None)] * 3
    + [("4000000000000002", None), ("4000000000009995", None)]
    + [(CHALLENGES, "complete"), (CHALLENGES, "fail"), (CHALLENGES, None), (LATER, None)]
)
FAILURES = st.sampled_from(
    [("status", 500), ("status", 503), ("status", 429), ("stored_500", None)]
    + [("lost_before", None), ("lost_after", None)] * 2
)
MINUTES = st.sampled_from([1, 4, 11, 50])
NUMBER = st.integers(0, 2)
WHICH = st.sampled_from([0, 0, 1])
LATEST = st.integers(0, 7)


def _event(name: str, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Body]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(given))


BIDS = _event("bid", who=NUMBER, which=WHICH, cents=CENTS)
PAYS_IN = _event("pay", which=WHICH, latest=st.sampled_from([0, 0, 1]), card=CARDS)
WEBHOOKS = _event("webhook", latest=LATEST, copies=st.sampled_from([1, 1, 2]))
FAULTS = _event(
    "stripe_fails",
    operation=st.sampled_from(["create", "expire", "retrieve", "*"]),
    failure=FAILURES,
    times=st.sampled_from([1, 2, 3, None]),
)
EVENTS = st.one_of(
    BIDS, BIDS, BIDS, PAYS_IN, PAYS_IN, WEBHOOKS, WEBHOOKS, WEBHOOKS, FAULTS,
    _event("win_unheard", who=NUMBER, which=WHICH),
    _event("give_up", which=WHICH),
    _event("ask_where_to_pay", which=WHICH),
    _event("come_back_from_stripe", which=WHICH),
    _event("seller_bids", which=WHICH),
    _event("seller_acts", which=WHICH, what=st.sampled_from(["withdraw", "relist", "raise"])),
    _event("replay", latest=LATEST),
    _event("funds", succeed=st.booleans()),
    _event("refund", whole=st.booleans()),
    _event("stripe_comes_back"),
    _event("time_passes", minutes=MINUTES),
    _event("time_passes", minutes=MINUTES),
    _event("sweep"), _event("sweep"),
    _event("job", which=WHICH),
    _event("restart"),
)  # fmt: skip


class Sequences(RuleBasedStateMachine):
    """One sequence of events on two artworks, one of which ends after a few minutes."""

    stage: ClassVar[Stage]
    played: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stage.begin()
        self.played["sequences"] += 1
        self.calm = True

    @initialize(ends_in=st.sampled_from([6, 12]), won=st.sampled_from([0, 0, 1, None]))
    def list_artworks(self, ends_in: int, won: int | None) -> None:
        self.artworks = [
            self.stage.list_artwork(THRESHOLD, None),
            self.stage.list_artwork(THRESHOLD, timedelta(minutes=ends_in)),
        ]
        self._seen()
        if won is not None:
            self.bid(who=0, which=won, cents=THRESHOLD)

    @rule(event=EVENTS)
    def happens(self, event: tuple[str, Body]) -> None:
        """One thing happens."""
        name, given = event
        self.played[name] += 1
        # As it is before: what happens may be what the last failure is used up by.
        self.calm = self.stage.calm
        getattr(self, name)(**given)

    def _seen(self) -> None:
        """After each step: what must always be true."""
        self.played["steps"] += 1
        self.scene = self.stage.scene()
        truths.hold_always(self.scene)

    def _artwork(self, which: int) -> Any:
        [found] = truths.of(self.scene.artworks, id=self.artworks[which])
        return found

    def _owed(self, which: int) -> Any:
        """The newest payment for an artwork, if any."""
        found = truths.of(self.scene.payments, artwork_id=self.artworks[which])
        return found[-1] if found else None

    def _buyer_of(self, payment: Any) -> TestPerson:
        [buyer] = [each for each in self.stage.buyers if each.id == payment.buyer_id]
        return buyer

    # People

    def bid(self, who: int, which: int, cents: int) -> None:
        person, artwork = self.stage.buyers[who], self._artwork(which)
        moment = self.stage.hand.now()
        expected = truths.expected_of_bid(self.scene, moment, artwork, person.id, cents)
        answer = self.stage.bid(person, artwork.id, cents)
        said = answer.get_json()
        if answer.status_code == 201:
            assert {said["status"]} == expected
            assert (said["payment"] is not None) == said["is_winning"]
            if said["is_winning"] and self.calm:
                assert said["payment"]["checkout_url"]
        else:
            assert answer.status_code in (403, 409), answer.text
            assert said["code"] in expected
        self._seen()

    def win_unheard(self, who: int, which: int) -> None:
        """Stripe makes the session of a win, and none of its answers arrives."""
        self.stage.break_stripe("create", "lost_after", ALL_TRIES_OF_ONE_ASKING)
        self.calm = False
        self.bid(who, which, THRESHOLD)

    def seller_bids(self, which: int) -> None:
        answer = self.stage.bid(self.stage.seller, self.artworks[which], 20_000)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "own_artwork")
        self._seen()

    def pay(self, which: int, latest: int, card: tuple[str, Any]) -> None:
        own = [
            session
            for payment in truths.of(self.scene.payments, artwork_id=self.artworks[which])
            for session in truths.sessions_of(self.scene, payment)
        ]
        if latest < len(own):
            self.stage.pay(own[-1 - latest]["id"], *card)
            self._seen()

    def give_up(self, which: int) -> None:
        owed = self._owed(which)
        if owed is None:
            return
        answer = self.stage.call(self._buyer_of(owed), "POST", f"/payments/{owed.id}/cancel")
        if owed.status != "PENDING":
            assert (answer.status_code, answer.get_json()["code"]) == (409, "payment_over")
        elif self.calm:
            assert answer.status_code == 200, answer.text
            assert answer.get_json()["status"] != "PENDING"
        else:
            assert answer.status_code in (200, 202)
        self._seen()

    def ask_where_to_pay(self, which: int) -> None:
        owed = self._owed(which)
        if owed is None:
            return
        answer = self.stage.call(
            self._buyer_of(owed), "POST", "/payments/checkout-session", {"bid_id": owed.bid_id}
        )
        assert answer.status_code in (200, 409), answer.text
        self._seen()
        if answer.status_code == 200:
            said = answer.get_json()
            [known] = truths.of(self.scene.payments, id=owed.id)
            assert said["session_id"] == known.stripe_session_id
            assert owed.stripe_session_id in (None, known.stripe_session_id)
            assert said["checkout_url"] == known.checkout_url
            assert said["session_id"] is not None or not self.calm

    def come_back_from_stripe(self, which: int) -> None:
        owed = self._owed(which)
        if owed is not None:
            answer = self.stage.come_back_from_stripe(self._buyer_of(owed), owed.id)
            assert answer.status_code == 200
            self._seen()

    def seller_acts(self, which: int, what: str) -> None:
        artwork = self._artwork(which)
        path, method, body = f"/artworks/{artwork.id}/{what}", "POST", {}
        if what == "raise":
            path, method = f"/artworks/{artwork.id}", "PATCH"
            body = {"secret_threshold": f"{artwork.threshold_cents // 100 + 1}.00"}
        answer = self.stage.call(self.stage.seller, method, path, body)
        ended = artwork.end_at is not None and artwork.end_at <= self.stage.hand.now()
        present = "EXPIRED" if artwork.status == "ACTIVE" and ended else artwork.status
        allowed = {
            "withdraw": {"ACTIVE", "EXPIRED"},
            "relist": {"EXPIRED", "ARCHIVED"},
            "raise": {"ACTIVE", "EXPIRED", "ARCHIVED"},
        }
        assert answer.status_code == (200 if present in allowed[what] else 409), answer.text
        self._seen()

    # Stripe

    def webhook(self, latest: int, copies: int) -> None:
        events = self.stage.events()
        for _ in range(copies):
            if latest < len(events):
                status = self.stage.deliver(events[-1 - latest])
                assert status == 200 or (status >= 500 and not self.calm)
                self._seen()

    def replay(self, latest: int) -> None:
        stored = self.stage.stored_events()
        if latest < len(stored):
            path = f"/admin/webhook-events/{stored[-1 - latest]}/replay"
            answer = self.stage.call(self.stage.admin, "POST", path)
            assert answer.status_code == 200 or not self.calm
            self._seen()

    def funds(self, succeed: bool) -> None:
        scene = self.scene
        for session in scene.sessions:
            if session["status"] == "complete" and session["payment_status"] == "unpaid":
                if not truths.funds_failed(scene, session):
                    self.stage.decide_funds(session["id"], succeed=succeed)
                    self._seen()
                return

    def refund(self, whole: bool) -> None:
        for charge in self.stage.world.store.all_of("charge"):
            if charge["captured"] and not charge["refunded"]:
                self.stage.refund(charge["id"], None if whole else 1)
                self._seen()
                return

    def stripe_fails(
        self, operation: str, failure: tuple[str, int | None], times: int | None
    ) -> None:
        kind, status = failure
        self.stage.break_stripe(operation, kind, times, status)

    def stripe_comes_back(self) -> None:
        self.stage.mend_stripe()

    # Time, and the product's own work

    def time_passes(self, minutes: int) -> None:
        self.stage.hand.move(timedelta(minutes=minutes))

    def sweep(self) -> None:
        report = self.stage.sweep()
        assert (report.failures, report.stepped_aside) == (0, [])
        self._seen()
        if self.calm:
            assert report.payments_unheard == 0
            truths.hold_once_told(self.scene)

    def job(self, which: int) -> None:
        owed = self._owed(which)
        if owed is not None:
            self.stage.job(owed.id)
            self._seen()

    def restart(self) -> None:
        self.stage.restart()

    # The end

    def teardown(self) -> None:
        """Stripe is there again, all time is over, and one look is enough; what comes late of
        the news changes nothing more."""
        if not hasattr(self, "scene"):
            return
        stage = self.stage
        stage.mend_stripe()
        stage.restart()
        stage.sweep()
        self._seen()
        truths.hold_once_told(self.scene)
        self.every_bank_decides()
        stage.hand.move(WINDOW + timedelta(minutes=3))
        stage.sweep()
        self._seen()
        truths.hold_once_told(self.scene)
        truths.hold_at_the_end(self.scene)
        self._late_news_changes_nothing()

    def every_bank_decides(self) -> None:
        """No funds are awaited any more."""
        for session in self.scene.sessions:
            awaited = session["status"] == "complete" and session["payment_status"] == "unpaid"
            if awaited and not truths.funds_failed(self.scene, session):
                self.stage.decide_funds(session["id"], succeed=True)

    def _late_news_changes_nothing(self) -> None:
        before = truths.outcome(self.stage.scene())
        for event in self.stage.events()[::-1]:
            assert self.stage.deliver(event) == 200
        self.stage.sweep()
        self._seen()
        assert truths.outcome(self.scene) == before
