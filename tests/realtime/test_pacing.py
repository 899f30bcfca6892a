"""A hot artwork's figures: the first at once, then the newest, and never an old one last."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from app.realtime.pacing import INTERVAL_SECONDS, Pace
from app.realtime.rules import NewBid
from tests.realtime.conftest import World
from tests.realtime.processes import Speaker, ear, speaker
from tests.waiting import until

INTERVAL = 0.1


class Watcher:
    """Keeps what it was sent, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, NewBid]] = []
        self.rounds = 0
        self._more = threading.Condition()

    def __call__(self, updates: Sequence[NewBid]) -> None:
        with self._more:
            self.rounds += 1
            self.heard += [(time.monotonic(), update) for update in updates]
            self._more.notify_all()

    def wait_for(self, number: int) -> list[int]:
        """The numbers of bids heard, once there are so many updates."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.heard) >= number, 10)
            return [update.bid_count for _, update in self.heard]


def figures(count: int, artwork_id: int = 1) -> NewBid:
    """An artwork's figures after so many bids."""
    return NewBid(artwork_id, 1000 + count, count)


def test_the_first_is_sent_before_offer_returns_and_the_last_of_a_rush_soon_after() -> None:
    watcher = Watcher()
    pace = Pace(watcher, INTERVAL)
    began = time.monotonic()
    pace.offer(figures(1))
    assert [update.bid_count for _, update in watcher.heard] == [1]
    for count in range(2, 51):
        pace.offer(figures(count))
    offered = time.monotonic()
    until(lambda: watcher.heard[-1][1].bid_count == 50, 10)
    # On a busy machine the rush itself may last for intervals.
    assert len(watcher.heard) <= 2 + (offered - began) / INTERVAL
    # From before the first was offered: its watcher may have been late to look at the clock.
    assert began + INTERVAL <= watcher.heard[-1][0] <= offered + INTERVAL + 1


def test_a_long_rush_is_told_once_an_interval_and_ends_with_the_newest() -> None:
    watcher = Watcher()
    pace = Pace(watcher, INTERVAL)
    began = time.monotonic()
    count = 0
    while time.monotonic() - began < 6 * INTERVAL:
        count += 1
        pace.offer(figures(count))
        time.sleep(0.002)
    took = time.monotonic() - began
    deadline = time.monotonic() + 5
    while watcher.heard[-1][1].bid_count != count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert watcher.heard[-1][1].bid_count == count
    assert len(watcher.heard) <= took / INTERVAL + 2
    counts = [update.bid_count for _, update in watcher.heard]
    assert counts == sorted(set(counts))


def test_figures_that_overtook_newer_ones_are_put_right() -> None:
    watcher = Watcher()
    pace = Pace(watcher, INTERVAL)
    for count in (1, 3, 2):
        pace.offer(figures(count))
    assert watcher.wait_for(2) == [1, 3]


def test_figures_that_come_after_newer_ones_were_sent_are_not_sent() -> None:
    watcher = Watcher()
    pace = Pace(watcher, INTERVAL)
    for count in (3, 2, 4):
        pace.offer(figures(count))
    pace.flush(1)
    pace.offer(figures(1))
    pace.offer(figures(5))
    assert watcher.wait_for(3) == [3, 4, 5]


class Late(Pace[NewBid]):
    """A pace whose sender never comes to its turn."""

    def _wake(self) -> None:
        pass


def test_what_a_late_sender_still_holds_is_never_sent_after_newer_figures() -> None:
    watcher = Watcher()
    pace = Late(watcher, 0.01)
    for count in (1, 3, 2):
        pace.offer(figures(count))
    time.sleep(0.02)
    pace.offer(figures(2))
    assert watcher.wait_for(2) == [1, 3]
    pace.flush(1)
    assert watcher.wait_for(2) == [1, 3]


class Woken(Pace[NewBid]):
    """Counts how often its sender is woken."""

    woken = 0

    def _wake(self) -> None:
        self.woken += 1
        super()._wake()


def test_bids_do_not_wake_the_sender_unless_it_has_to_look_sooner() -> None:
    pace = Woken(Watcher(), 60)
    for count in range(1, 21):
        for artwork_id in range(1, 6):
            pace.offer(figures(count, artwork_id))
    assert pace.woken == 2


def test_artworks_do_not_wait_for_each_other_s_interval_and_go_together() -> None:
    watcher = Watcher()
    pace = Pace(watcher, 5)
    began = time.monotonic()
    for count in (1, 2):
        for artwork_id in range(1, 6):
            pace.offer(figures(count, artwork_id))
    watcher.wait_for(5)
    assert [(update.artwork_id, update.bid_count) for _, update in watcher.heard] == [
        (1, 1), (2, 2), (3, 2), (4, 2), (5, 2),
    ]  # fmt: skip
    assert watcher.rounds == 2
    assert watcher.heard[-1][0] - began < 4


def test_who_has_been_silent_goes_at_once_though_others_are_waited_for() -> None:
    watcher = Watcher()
    pace = Pace(watcher, 2)
    for count in (1, 2):
        pace.offer(figures(count))
    time.sleep(0.5)
    pace.offer(figures(1, artwork_id=2))
    assert [update.artwork_id for _, update in watcher.heard] == [1, 2]


def test_figures_that_are_not_newer_than_what_was_sent_are_not_sent_again() -> None:
    watcher = Watcher()
    pace = Late(watcher, 0.01)
    for count in (3, 3, 2):
        pace.offer(figures(count))
        time.sleep(0.02)
    pace.flush(1)
    assert watcher.wait_for(1) == [3]


def test_an_artwork_that_is_quiet_again_is_forgotten() -> None:
    pace = Pace(Watcher(), 0.02)
    for artwork_id in range(1, 6):
        for count in (1, 2):
            pace.offer(figures(count, artwork_id))
    until(lambda: not pace._sent and not pace._waiting, 5)


def test_what_waits_is_sent_before_something_else_is_said() -> None:
    watcher = Watcher()
    pace = Pace(watcher, 60)
    pace.offer(figures(1))
    pace.offer(figures(2))
    pace.flush(1)
    pace.flush(1)
    pace.flush(2)
    assert [update.bid_count for _, update in watcher.heard] == [1, 2]


def tell_of_bid(speaking: Speaker, artwork_id: int, number: int) -> None:
    """Another process has placed the bid with this number on the artwork."""
    speaking.say(
        "BidOutbid", artwork_id=artwork_id, highest_bid_cents=100 * number, bid_count=number
    )


def test_figures_from_several_processes_keep_to_one_pace_together(
    world: World, processes_settings: dict[str, str]
) -> None:
    artwork_id = world.artwork(world.person("SELLER"))
    with ear(world.other.url) as nobody, speaker(**processes_settings) as another:
        nobody.watch(artwork_id)
        began = time.monotonic()
        for count in range(1, 61, 2):
            for speaking, number in ((world.speaker, count), (another, count + 1)):
                tell_of_bid(speaking, artwork_id, number)
            time.sleep(0.03)
        until(lambda: any(said["bid_count"] == 60 for _, said in nobody.heard), 5)
        took = time.monotonic() - began
        counts = [said["bid_count"] for _, said in nobody.heard]

    assert counts == sorted(counts)
    assert len(counts) <= took / INTERVAL_SECONDS + 2
    # The rush was longer than that: it had to be told of more than once.
    assert len(counts) >= 3


def test_figures_that_wait_in_one_process_follow_another_ones_status_within_a_second(
    world: World, processes_settings: dict[str, str]
) -> None:
    artwork_id = world.artwork(world.person("SELLER"))
    with ear(world.other.url) as nobody, speaker(**processes_settings) as another:
        nobody.watch(artwork_id)
        for count in (1, 2):
            tell_of_bid(world.speaker, artwork_id, count)
        another.say("ArtworkStatusChanged", artwork_id=artwork_id, status="EXPIRED")
        said = time.monotonic()
        until(lambda: len(nobody.heard) >= 3, 5)
        took = time.monotonic() - said
    counts = [figures["bid_count"] for name, figures in nobody.heard if name == "new_bid"]
    assert counts == [1, 2]
    assert ("artwork_status", {"artwork_id": artwork_id, "status": "EXPIRED"}) in nobody.heard
    assert took < 1


def test_who_goes_at_once_takes_along_what_is_due() -> None:
    watcher = Watcher()
    pace = Late(watcher, 0.5)
    for artwork_id in (1, 2, 3):
        pace.offer(figures(1, artwork_id))
    time.sleep(0.2)
    pace.offer(figures(1, artwork_id=4))
    assert [update.artwork_id for _, update in watcher.heard] == [1, 2, 3, 4]
    assert watcher.rounds == 2


def test_a_round_that_fails_keeps_no_later_one_back() -> None:
    watcher = Watcher()
    failures = [LookupError("the wire is cut")]

    def send(updates: Sequence[NewBid]) -> None:
        if threading.current_thread() is not threading.main_thread() and failures:
            raise failures.pop()
        watcher(updates)

    pace = Pace(send, 0.02)
    for count in (1, 2):
        pace.offer(figures(count))
    until(lambda: not failures, 5)
    for count in range(3, 8):
        pace.offer(figures(count))
    assert watcher.wait_for(2)[0] == 1
    until(lambda: watcher.heard[-1][1].bid_count == 7, 5)
