"""Medians, percentiles, and how figures are told: goals, tables, sections."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One goal: its words, what was reached (with its unit), and whether that is enough."""

    name: str
    goal: str
    reached: str
    met: bool


@dataclass(frozen=True)
class Table:
    """Figures in lines; the caption stands above them."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """What one benchmark found.

    `about` tells what is measured, how, and against which yardstick; `notes` what the figures do
    not say, such as why a goal is missed. Both may be paragraphs of Markdown.
    """

    title: str
    about: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    notes: str = ""


def median(values: Iterable[float]) -> float:
    """The middle value; 0 of nothing."""
    found = list(values)
    return statistics.median(found) if found else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank); 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def met(goal: Goal) -> str:
    """The word for a goal's outcome."""
    return "met" if goal.met else "**missed**"


def rendered(section: Section, *, goals: bool = True) -> str:
    """A section as Markdown, from its heading on; with a table of its goals if wanted."""
    parts = [f"## {section.title}", section.about.strip()]
    for each in section.tables:
        if each.caption:
            parts.append(each.caption)
        parts.append(table(each.heads, each.rows))
    if section.goals and goals:
        rows = [(each.name, each.goal, each.reached, met(each)) for each in section.goals]
        parts.append(table(("goal", "asked", "reached", ""), rows))
    if section.notes:
        parts.append(section.notes.strip())
    return "\n\n".join(parts)
