"""Switches that make the API fail, and barriers that hold a request where it stands."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Any

from sandbox.identifiers import new_id
from sandbox.store import Store

KINDS = ("status", "stored_500", "lost_before", "lost_after", "delay")
# A test that dies without releasing its barrier must not hold the server's threads for ever.
LONGEST_WAIT_SECONDS = 300.0

Fault = dict[str, Any]


class Faults:
    """What was switched on, kept in the store so that a restart keeps it too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, fault: Fault) -> str:
        """Switch one on; its id."""
        fault_id = new_id("fault", 10)
        with self._store.transaction():
            self._store.set_setting("faults", [*self.all(), {"id": fault_id, **fault}])
        return fault_id

    def all(self) -> list[Fault]:
        """Those that are on, oldest first."""
        return list(self._store.setting("faults", []))

    def remove(self, fault_id: str | None) -> bool:
        """Switch one off, or all; whether there was any."""
        with self._store.transaction():
            before = self.all()
            after = [fault for fault in before if fault_id is not None and fault["id"] != fault_id]
            self._store.set_setting("faults", after)
        return len(after) < len(before)

    def take(self, operation: str) -> list[Fault]:
        """The faults that this request meets: every delay up to the first that ends it."""
        with self._store.transaction():
            met: list[Fault] = []
            kept: list[Fault] = []
            remaining = iter(self.all())
            for fault in remaining:
                if fault["operation"] not in (operation, "*"):
                    kept.append(fault)
                    continue
                met.append(fault)
                times = fault["times"]
                if times is None:
                    kept.append(fault)
                elif times > 1:
                    kept.append({**fault, "times": times - 1})
                if fault["kind"] != "delay":
                    break
            kept.extend(itertools.chain(remaining))
            if met:
                self._store.set_setting("faults", kept)
        return met


@dataclass
class _Barrier:
    operation: str
    when: str
    opened: threading.Event
    waiting: int = 0


class Barriers:
    """Named gates; a request that reaches a closed one waits until it is released."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._barriers: dict[str, _Barrier] = {}

    def add(self, name: str, operation: str, when: str) -> bool:
        """Close a gate; False when one of that name is closed already."""
        with self._lock:
            if name in self._barriers:
                return False
            self._barriers[name] = _Barrier(operation, when, threading.Event())
        return True

    def all(self) -> list[dict[str, Any]]:
        """The closed gates, and how many requests wait at each."""
        with self._lock:
            return [
                {
                    "name": name,
                    "operation": barrier.operation,
                    "when": barrier.when,
                    "waiting": barrier.waiting,
                }
                for name, barrier in self._barriers.items()
            ]

    def release(self, name: str) -> int | None:
        """Open a gate for good; how many were waiting, or None when there is no such gate."""
        with self._lock:
            barrier = self._barriers.pop(name, None)
        if barrier is None:
            return None
        barrier.opened.set()
        return barrier.waiting

    def release_all(self) -> None:
        """Open every gate."""
        for barrier in self.all():
            self.release(barrier["name"])

    def wait(self, operation: str, when: str) -> None:
        """Stop at every closed gate for this operation, at most five minutes each."""
        with self._lock:
            met = [
                barrier
                for barrier in self._barriers.values()
                if barrier.operation in (operation, "*") and barrier.when == when
            ]
            for barrier in met:
                barrier.waiting += 1
        for barrier in met:
            barrier.opened.wait(LONGEST_WAIT_SECONDS)
            with self._lock:
                barrier.waiting -= 1
