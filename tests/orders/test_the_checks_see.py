"""The sequences find what they are there to find: each fault planted here is met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from app.bidding import service as bidding
from app.core import events
from tests.orders.machine import Sequences
from tests.orders.stage import Stage
from tests.races import naive

Plant = Callable[[pytest.MonkeyPatch], None]


def never_counts_unpaid_wins(patch: pytest.MonkeyPatch) -> None:
    """The bid is never released, and nobody is suspended."""
    listeners = [each for each in events._in_transaction[events.PaymentReleased]
                 if each.__module__ != "app.bidding.defaults"]  # fmt: skip
    assert listeners != events._in_transaction[events.PaymentReleased]
    patch.setitem(events._in_transaction, events.PaymentReleased, listeners)
    assert bidding.listen


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "plant",
    [
        naive.releases_on_its_own_word,
        naive.bids_without_guard,
        naive.sells_whenever_told,
        naive.asks_under_fresh_keys,
        never_counts_unpaid_wins,
    ],
    ids=lambda plant: str(plant.__name__),
)
def test_a_planted_fault_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    class Planted(Sequences):
        pass

    Planted.stage, Planted.played = stage, Counter()
    plant(monkeypatch)
    with pytest.raises(Exception):  # noqa: B017, PT011 (a check's, a refusal's, or a group of them)
        run_state_machine_as_test(
            seed(1)(Planted),
            settings=settings(
                max_examples=100,
                stateful_step_count=12,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
