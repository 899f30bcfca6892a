"""The benchmarks' report: every figure and goal is in it, and a failure takes nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report, speed
from bench.figures import Goal, Section, Table
from bench.report import Outcome
from bench.speed import Speed

FOUND = Section(
    "Bids on one artwork",
    "So many bids a second.",
    [Table(("clients", "bids/s"), [(16, 321)], "with PostgreSQL")],
    [Goal("rate", "≥ 50 %", "61 %", True), Goal("p95", "≤ 5 times", "7 times", False)],
    "The disk is slow.",
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = {
        "bids": Outcome("bids", 1.0, FOUND),
        "pages": Outcome("pages", 1.0, error="RuntimeError: no page came"),
    }
    monkeypatch.setattr(report, "run", lambda name, _rounds: outcomes[name])
    monkeypatch.setattr(report, "surroundings", lambda: [("Python", "3.11")])


def test_a_failure_is_told_and_the_others_figures_stay(tmp_path: Path) -> None:
    file = tmp_path / "REPORT.md"
    assert report.main(["--only", "bids", "pages", "--to", str(file)]) == 1
    text = file.read_text()
    for part in (
        "| 16 | 321 |",
        "with PostgreSQL",
        "| bids | rate | ≥ 50 % | 61 % | met |",
        "| bids | p95 | ≤ 5 times | 7 times | **missed** |",
        "The disk is slow.",
        "`python -m bench.bids`, 1 s",
        "1 of 2 goals are met; pages failed and told nothing.",
        "| pages |  |  |  | **failed** |",
        "RuntimeError: no page came",
        "| Python | 3.11 |",
    ):
        assert part in text, part


def test_a_goal_that_is_missed_is_no_failure(tmp_path: Path) -> None:
    assert report.main(["--only", "bids", "--to", str(tmp_path / "REPORT.md")]) == 0


@pytest.mark.parametrize(("load", "warned"), [(0.1, False), (3.0, True)])
def test_a_busy_machine_is_told(load: float, warned: bool) -> None:
    text = report.document([Outcome("bids", 1.0, FOUND)], [], load, 5, "python -m bench")
    assert ("The machine was not quiet" in text) == warned


def test_how_fast_the_machine_was_is_told() -> None:
    before, after = Speed(alone=60.4, together=61.2), Speed(alone=59.8, together=118.0)
    outcome = Outcome("bids", 1.0, FOUND, speeds=(before, after))
    text = report.document([outcome], [], 0.1, 5, "python -m bench")
    assert (
        "took 60.4 ms and 59.8 ms of CPU, and 61.2 ms and 118.0 ms while all cores did so" in text
    )


def test_a_machines_speed_is_measured() -> None:
    measured = speed.measure()
    assert measured.alone > 0
    assert measured.together > 0


def test_an_error_in_a_benchmarks_own_process_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    outcome = report.run("no_such_benchmark", 1)
    assert outcome.section is None
    assert "No module named 'bench.no_such_benchmark'" in outcome.error
