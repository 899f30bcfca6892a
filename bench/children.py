"""Parts of a benchmark in processes of their own, which read JSON and answer with JSON."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def answers(
    module: str,
    shares: Sequence[dict[str, Any]],
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> list[Any]:
    """What `python -m module` answers to each share, all at the same time.

    Raises RuntimeError with what it said when one fails, subprocess.TimeoutExpired after so many
    seconds; none is left running.
    """
    with contextlib.ExitStack() as running:
        children = []
        for share in shares:
            child = subprocess.Popen(
                [sys.executable, "-m", module], env=environment, cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            running.enter_context(child)
            running.callback(child.kill)
            assert child.stdin is not None
            child.stdin.write(json.dumps(share))
            child.stdin.close()
            child.stdin = None
            children.append(child)
        found = []
        for child in children:
            said, wrong = child.communicate(timeout=seconds)
            if child.returncode:
                raise RuntimeError(f"{module} failed:\n{wrong[-3000:]}")
            found.append(json.loads(said))
    return found
