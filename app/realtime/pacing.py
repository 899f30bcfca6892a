"""Live updates of hot artworks: the first at once, and of those that follow closely the last."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from app.core.cores import come_home

log = logging.getLogger(__name__)

# A thousand watchers cost a thousand writes an update; nobody reads figures faster than this.
INTERVAL_SECONDS = 0.25
# What many artworks have to say goes out together, so often in an interval: as one message to the
# other processes, each of which would be woken for every one of many.
_ROUNDS = 5
_NEVER = float("-inf")


class Figures(Protocol):
    """What an artwork's bids have come to; more bids are newer figures."""

    @property
    def artwork_id(self) -> int:
        """Whose they are."""

    @property
    def bid_count(self) -> int:
        """How many bids they count."""


Update = TypeVar("Update", bound=Figures)


class Pace(Generic[Update]):
    """Hands the newest figures to `send`, those of one artwork at most once an interval.

    They go at once when neither this artwork nor, just now, any other had something to say; else
    with all others that have, a fifth of an interval after the last were sent. What was offered
    last is always sent, at the latest such a fifth after its interval. Safe to share between
    threads; figures that arrive out of order are put right by their number of bids.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Update]], None],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._send = send
        self._interval = interval_seconds
        self._apart = interval_seconds / _ROUNDS
        # By artwork: when figures were sent last, and how many bids they counted.
        self._sent: dict[int, tuple[float, int]] = {}
        self._waiting: dict[int, Update] = {}
        self._round_at = _NEVER
        self._changed = threading.Condition()
        self._sender: threading.Thread | None = None

    def offer(self, update: Update) -> None:
        """Send these figures, now or soon, unless newer ones come first."""
        artwork_id = update.artwork_id
        with self._changed:
            moment = time.monotonic()
            waiting = self._waiting.get(artwork_id)
            sent_at, sent_count = self._sent.get(artwork_id, (_NEVER, 0))
            if waiting is not None:
                update = max(waiting, update, key=lambda each: each.bid_count)
            elif update.bid_count <= sent_count:
                return
            if moment < max(sent_at + self._interval, self._round_at + self._apart):
                if not self._waiting:
                    self._wake()
                self._waiting[artwork_id] = update
                return
            if not self._sent:
                self._wake()
            # What a late sender still holds: of the two the newer goes, and nothing afterwards.
            self._waiting.pop(artwork_id, None)
            # Whatever else is due goes along: it would have to wait for another round.
            due = self._round(moment, update)
        self._send(due)

    def flush(self, artwork_id: int) -> None:
        """Send what waits for one artwork, before something else is said about it."""
        with self._changed:
            update = self._waiting.pop(artwork_id, None)
            if update is not None:
                self._sent[artwork_id] = time.monotonic(), update.bid_count
        if update is not None:
            self._send([update])

    def _wake(self) -> None:
        # Only when it has to look sooner than it meant to: each wake takes the interpreter from a
        # bid that is being placed.
        if self._sender is None:
            self._sender = threading.Thread(target=self._send_in_rounds, daemon=True)
            self._sender.start()
        self._changed.notify()

    def _send_in_rounds(self) -> None:
        # Whoever was the first to say something may have been roaming.
        come_home()
        while True:
            with self._changed:
                while not self._sent and not self._waiting:
                    self._changed.wait()
                moment = time.monotonic()
                due = self._round(moment)
                if not due:
                    left = self._round_at + self._apart - moment
                    usual = self._apart if self._waiting else self._interval
                    self._changed.wait(left if self._waiting and left > 0 else usual)
                    continue
            try:
                self._send(due)
            except Exception:
                # Later figures still need their sender.
                log.exception("a round of figures could not be sent")

    def _round(self, moment: float, *at_once: Update) -> list[Update]:
        """Take what is to be sent now; what was sent long ago is forgotten."""
        if moment < self._round_at + self._apart:
            return []
        over = moment - self._interval
        due = [
            self._waiting.pop(artwork_id)
            for artwork_id in list(self._waiting)
            if self._sent.get(artwork_id, (_NEVER, 0))[0] <= over
        ]
        for artwork_id in [each for each, (sent_at, _) in self._sent.items() if sent_at <= over]:
            if artwork_id not in self._waiting:
                del self._sent[artwork_id]
        due += at_once
        if due:
            self._round_at = moment
            for update in due:
                self._sent[update.artwork_id] = moment, update.bid_count
        return due
