"""Ends process groups; as a script, ends those of a runner that died without doing it.

The runner starts `python -I -S keeper.py MARK GRACE` and writes `+PGID` or `-PGID` lines to it
for every process group that it starts or has seen the end of. The end of that input, however it
comes about (the runner ended, was killed, crashed), means: end what is left, and go.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

MARK_VARIABLE = "DEV_RUN_MARK"
PROC = Path("/proc")


def leftovers(groups: Iterable[int], mark: str) -> set[int]:
    """Return the live processes in these groups, or started by the run with this mark.

    The mark is an environment variable that children hand down: it finds what has left its
    group (an RQ work-horse does). Only Linux shows it; elsewhere, a group that is alive is
    given by the negative of its id, which `os.kill` takes as the whole group.
    """
    wanted = set(groups)
    if sys.platform != "linux":
        return {-group for group in wanted if _group_exists(group)}
    entry = f"{MARK_VARIABLE}={mark}".encode()
    found = set()
    for folder in PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            # The name of the program, in brackets, may itself hold spaces and brackets.
            state, _parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if state in "ZX":
                continue
            if int(group) in wanted or (
                mark and entry in (folder / "environ").read_bytes().split(b"\0")
            ):
                found.add(int(folder.name))
        except OSError:
            continue  # ended meanwhile, or somebody else's
    return found


def end_groups(groups: Iterable[int], mark: str, grace: float) -> None:
    """Ask these groups to end (SIGTERM), wait up to `grace` seconds, then kill what is left."""
    wanted = set(groups)
    for group in wanted:
        send(-group, signal.SIGTERM)
    _wait_for_none(wanted, mark, grace)
    # Twice: a process that was being started while the first round went through is caught too.
    for _ in range(2):
        for process in leftovers(wanted, mark):
            send(process, signal.SIGKILL)
        _wait_for_none(wanted, mark, 2)


def send(process: int, signal_number: int) -> None:
    """Send a signal to a process, or a group when negative; one that is gone is fine."""
    try:
        os.kill(process, signal_number)
    except (ProcessLookupError, PermissionError):
        return


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait_for_none(groups: set[int], mark: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while leftovers(groups, mark) and time.monotonic() < deadline:
        time.sleep(0.05)


def main() -> None:
    """Keep the list of groups up to date until the input ends, then end them."""
    mark, grace = sys.argv[1], float(sys.argv[2])
    # Whoever ends the runner by a signal to everything must not end its keeper first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = int(line)
        if change > 0:
            groups.add(change)
        else:
            groups.discard(-change)
    end_groups(groups, mark, grace)


if __name__ == "__main__":
    main()
