"""A bid in one thread that nothing else disturbs: its CPU, and its calls of functions by package.

A process of its own, with a stage's environment: `python -m bench.alone` reads a Work and answers
an Alone, both as JSON. The CPU is without Gunicorn and without others at the database. Calls, those
into C included, are the same on every machine and in every hour.
"""

import importlib
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from types import FrameType
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from app.core.money import amount_text
from bench.children import answers
from bench.figures import median

_WARM_UPS = 200
_TIMED = 300
_TIMES = 5
_COUNTED = 100
_SECONDS = 120


@dataclass(frozen=True)
class Work:
    """Which application to ask, as `module:name`, and what is bid: rising from `first_cents`."""

    application: str
    tokens: Sequence[str]
    artworks: Sequence[int]
    first_cents: int


@dataclass(frozen=True)
class Alone:
    """CPU in milliseconds, and calls by top-level package, for one bid."""

    cpu: float
    calls: dict[str, int]
    next_cents: int


def measure(work: Work, environment: dict[str, str]) -> Alone:
    """Do it in a process of its own."""
    [found] = answers("bench.alone", [asdict(work)], _SECONDS, environment)
    return Alone(**found)


def _bids(work: Work) -> Iterator[Callable[[], None]]:
    """One bid after another, ready to be answered; each raises RuntimeError when it is refused."""
    module, _, name = work.application.partition(":")
    application = getattr(importlib.import_module(module), name)
    tokens, artworks = itertools.cycle(work.tokens), itertools.cycle(work.artworks)
    for cents in itertools.count(work.first_cents):
        headers = Headers({"Authorization": f"Bearer {next(tokens)}"})
        asked = EnvironBuilder(
            "/api/bids", method="POST", headers=headers,
            json={"artwork_id": next(artworks), "amount": amount_text(cents)},
        ).get_environ()  # fmt: skip
        yield partial(_answer, application, asked)


def _answer(application: Any, asked: dict[str, Any]) -> None:
    said: list[str] = []
    body = application(asked, lambda status, *_: said.append(status))
    b"".join(body)
    body.close()
    if said != ["201 CREATED"]:
        raise RuntimeError(f"a bid was answered {said}")


def _run(work: Work) -> Alone:
    bids = _bids(work)
    for answer in islice(bids, _WARM_UPS):
        answer()
    times = [sum(map(_cpu, islice(bids, _TIMED))) * 1000 / _TIMED for _ in range(_TIMES)]
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _given: Any) -> None:
        # A function in C has no frame: it counts for whoever called it.
        if event in ("call", "c_call"):
            calls[str(frame.f_globals.get("__name__", "")).partition(".")[0]] += 1

    for answer in islice(bids, _COUNTED):
        sys.setprofile(note)
        try:
            answer()
        finally:
            sys.setprofile(None)
    # What asks is none of it.
    del calls[__name__]
    return Alone(
        median(times),
        {package: round(number / _COUNTED) for package, number in calls.items()},
        work.first_cents + _WARM_UPS + _TIMES * _TIMED + _COUNTED,
    )


def _cpu(answer: Callable[[], None]) -> float:
    began = time.thread_time()
    answer()
    return time.thread_time() - began


if __name__ == "__main__":
    json.dump(asdict(_run(Work(**json.load(sys.stdin)))), sys.stdout)
