"""Schemathesis asks the running application: what it asked, and what was wrong with the answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, events, from_schema
from schemathesis.filters import FilterSet

from tests.people import TestPerson

CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass
class Asked:
    """How often each operation was answered with which status, and what was wrong with it."""

    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)
    finished: bool = False


def ask(
    address: str,
    person: TestPerson | None,
    most: int,
    *,
    only: Sequence[str],
    phases: Sequence[str] = PHASES,
) -> Asked:
    """Ask the operations with these ids: what their description suggests, and `most` by chance.

    In this process: starting the program anew for every caller takes longer than many questions.
    """
    config = SchemathesisConfig.from_path(CONFIG)
    config.update(seed=7, max_failures=None)
    project = config.projects.default
    project.update(headers=person.bearer if person else {}, continue_on_failure=True)
    project.generation.update(max_examples=most, database="none")
    project.phases.update(phases=list(phases))
    schema = openapi.from_url(f"{address}/api/openapi.json", config=config)
    schema.filter_set = FilterSet()
    schema.filter_set.include(operation_id=list(only))
    found = Asked()
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            found.wrong.append(f"{event.label}: {event.info.format()}")
        if isinstance(event, events.ScenarioFinished):
            _note(found, event)
        if isinstance(event, events.EngineFinished):
            found.finished = event.stop_reason == StopReason.COMPLETED
            found.wrong += [str(failure) for failure in event.failures]
    return found


def _note(found: Asked, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        case = recorder.cases.get(case_id)
        # Some probes send a method that the address does not take.
        asked = f"{interaction.request.method} {case.value.operation.path}" if case else ""
        if interaction.response is not None and asked == case.value.operation.label:
            found.answers[asked][interaction.response.status_code] += 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info
                found.wrong.append(
                    f"{recorder.label} ({event.phase.value}), {check.name}: {failure.failure}\n"
                    f"{failure.code_sample}"
                )
