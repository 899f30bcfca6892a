"""Live updates of a hot artwork: the first at once, and of those that follow closely the last."""

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

# A thousand watchers cost a thousand writes an update; nobody reads figures faster than this.
INTERVAL_SECONDS = 0.25


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
    """Hands each artwork's newest figures to `send`, at most once an interval.

    What was offered last is always sent, at the latest an interval later. Safe to share between
    threads; figures that arrive out of order are put right by their number of bids.
    """

    def __init__(
        self, send: Callable[[Update], None], interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._send = send
        self._interval = interval_seconds
        self._sent_at: dict[int, float] = {}
        self._sent_count: dict[int, int] = {}
        self._waiting: dict[int, Update] = {}
        self._changed = threading.Condition()
        self._sender: threading.Thread | None = None

    def offer(self, update: Update) -> None:
        """Send these figures, now or soon, unless newer ones come first."""
        artwork_id = update.artwork_id
        with self._changed:
            moment = time.monotonic()
            if moment - self._sent_at.get(artwork_id, -self._interval) < self._interval:
                waiting = self._waiting.get(artwork_id)
                newest = waiting.bid_count if waiting else self._sent_count[artwork_id]
                if newest < update.bid_count:
                    if not self._waiting:
                        self._wake()
                    self._waiting[artwork_id] = update
                return
            if not self._sent_at:
                self._wake()
            # Of this and what a late sender still holds the newer goes, and nothing afterwards.
            late = self._waiting.pop(artwork_id, update)
            update = max(late, update, key=lambda each: each.bid_count)
            self._sent_at[artwork_id] = moment
            self._sent_count[artwork_id] = update.bid_count
        self._send(update)

    def flush(self, artwork_id: int) -> None:
        """Send what waits for one artwork, before something else is said about it."""
        with self._changed:
            update = self._waiting.pop(artwork_id, None)
            if update is not None and artwork_id in self._sent_at:
                self._sent_count[artwork_id] = update.bid_count
        if update is not None:
            self._send(update)

    def _wake(self) -> None:
        # Only when it has to look sooner than it meant to: each wake takes the interpreter from a
        # bid that is being placed.
        if self._sender is None:
            self._sender = threading.Thread(target=self._send_when_due, daemon=True)
            self._sender.start()
        self._changed.notify()

    def _send_when_due(self) -> None:
        while True:
            with self._changed:
                while not self._sent_at:
                    self._changed.wait()
                moment = time.monotonic()
                over = [
                    artwork_id
                    for artwork_id, sent_at in self._sent_at.items()
                    if moment - sent_at >= self._interval
                ]
                due = []
                for artwork_id in over:
                    update = self._waiting.pop(artwork_id, None)
                    if update is None:
                        del self._sent_at[artwork_id], self._sent_count[artwork_id]
                    else:
                        self._sent_at[artwork_id] = moment
                        self._sent_count[artwork_id] = update.bid_count
                        due.append(update)
                if not due:
                    waited_for = [self._sent_at[each] for each in self._waiting]
                    nearest = min(waited_for, default=moment)
                    self._changed.wait(max(0.001, nearest + self._interval - moment))
            for update in due:
                self._send(update)
