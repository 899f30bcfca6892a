"""The parts that every request and background thread of one sandbox share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sandbox.clock import Clock
from sandbox.faults import Barriers, Faults
from sandbox.store import Store


@dataclass(frozen=True)
class Origin:
    """The API request that caused an event; both are None when none did."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Origin()


@dataclass
class World:
    """One sandbox."""

    store: Store
    base_url: str
    merchant: str
    webhook_url: str | None
    webhook_secret: str
    clock: Clock = field(default_factory=Clock)
    barriers: Barriers = field(default_factory=Barriers)
    # Set whenever a webhook delivery was planned.
    planned: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.faults = Faults(self.store)
        self.clock.offset = float(self.store.setting("clock_offset", 0.0))
