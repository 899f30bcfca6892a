"""Thousands of sequences of events; `make sequences N=10000` plays more of them."""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.orders.machine import Sequences
from tests.orders.stage import Stage

SEQUENCES = int(os.environ.get("SEQUENCES", "500"))
SEED = int(os.environ.get("SEQUENCES_SEED", "20261124"))
# Most on SQLite, which costs least; each part from a seed of its own.
PARTS = [("sqlite", part) for part in range(8)] + [("postgresql", part) for part in range(8, 10)]
STEPS = 12
# To make a failing sequence shorter takes minutes: where somebody waits for it.
SHORTENED = [] if os.environ.get("CI") else [Phase.shrink]


@pytest.mark.timeout(120 + SEQUENCES)
@pytest.mark.parametrize(("database", "part"), PARTS, indirect=["database"])
def test_every_sequence_of_events_keeps_the_money_right(
    stage: Stage, part: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class Part(Sequences):
        pass

    Part.stage, Part.played = stage, Counter()
    started = time.monotonic()
    try:
        run_state_machine_as_test(
            seed(SEED + part)(Part),
            settings=settings(
                max_examples=SEQUENCES // len(PARTS),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate, *SHORTENED],
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
    finally:
        with capsys.disabled():
            print(
                f"\n{Part.played['sequences']} sequences, {Part.played['steps']} checked steps, "
                f"{time.monotonic() - started:.0f} s, seed {SEED + part}"
            )
    assert Part.played["sequences"] >= SEQUENCES // len(PARTS)
