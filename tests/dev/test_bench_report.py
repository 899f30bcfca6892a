"""The benchmarks' report: every figure and goal is in it, and a failure takes nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.figures import Goal, Section, Table
from bench.report import Outcome

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


def test_an_error_in_a_benchmarks_own_process_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    outcome = report.run("no_such_benchmark", 1)
    assert outcome.section is None
    assert "No module named 'bench.no_such_benchmark'" in outcome.error
