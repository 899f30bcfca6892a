"""How fast this machine is just now: one core alone, and all cores at once.

A machine that shares its cores, caches or memory with others may be half as fast an hour later, and
all CPU and times in a report with it. Sums of numbers hardly show that; to compile a long module
takes as much code and memory as to serve requests does. `python -m bench.speed` compiles, and
answers with milliseconds of CPU as JSON.
"""

import argparse
import inspect
import json
import os
import sys
import time
from dataclasses import dataclass

from bench.children import answers
from bench.figures import median

WORK = f"compiling Python's module `{argparse.__name__}`"
# Far longer than the processes take to start one after the other.
_TIMES = 150
_SECONDS = 120


@dataclass(frozen=True)
class Speed:
    """Milliseconds of CPU that `WORK` takes: on one core, and on each while all are busy."""

    alone: float
    together: float


def measure() -> Speed:
    """In processes of their own."""
    [alone] = answers("bench.speed", [{}], _SECONDS)
    together = answers("bench.speed", [{}] * (os.cpu_count() or 1), _SECONDS)
    return Speed(alone, median(together))


def main() -> None:
    """Do the work some times and write how long it took."""
    json.load(sys.stdin)
    source = inspect.getsource(argparse)
    times = []
    for _ in range(_TIMES):
        began = time.process_time()
        compile(source, argparse.__name__, "exec")
        times.append((time.process_time() - began) * 1000)
    json.dump(median(times), sys.stdout)


if __name__ == "__main__":
    main()
