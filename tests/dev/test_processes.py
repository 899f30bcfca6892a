"""The process runner: names on lines, one end for all, nothing left behind."""

import io
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dev.processes import ProcessRunner

ROOT = Path(__file__).parents[2]

# A program with a child in its own group and one that left it; it writes down all three.
FAMILY = """
import os, subprocess, sys, time
inside = subprocess.Popen(["sleep", "600"])
outside = subprocess.Popen(["sleep", "600"], process_group=0)
print("pids", os.getpid(), inside.pid, outside.pid, flush=True)
time.sleep(600)
"""
# The same, deaf to SIGTERM.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAMILY

# A runner as `make run` is one, with a grace that a test can wait for.
RUNNER = """
import signal, sys
from dev.processes import ProcessRunner
with ProcessRunner(grace=0.5) as runner:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: runner.ask_to_stop())
    runner.start("one", [sys.executable, "-c", sys.argv[1]])
    runner.start("two", [sys.executable, "-c", sys.argv[1]])
    dead = runner.wait()
sys.exit(3 if dead else 0)
"""


@pytest.fixture(params=[FAMILY, STUBBORN], ids=["obedient", "stubborn"])
def running(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A runner in a process of its own, and the ids of the six processes under it."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, request.param],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        pids = []
        while len(pids) < 6:
            line = runner.stdout.readline()
            assert line, "the runner ended"
            pids += [int(word) for word in line.partition("pids")[2].split()]
        yield runner, pids
        if runner.poll() is None:
            runner.kill()


def alive(pids: list[int]) -> list[int]:
    """Return those that run; a zombie does not."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def assert_all_gone(pids: list[int], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(pids) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind_after_ctrl_c(
    running: tuple[subprocess.Popen[str], list[int]], number: signal.Signals
) -> None:
    runner, pids = running
    assert len(alive(pids)) == 6

    runner.send_signal(number)

    assert runner.wait(15) == 0
    assert alive(pids) == []


def test_an_impatient_ctrl_c_many_times_over_stops_all_the_same(
    running: tuple[subprocess.Popen[str], list[int]],
) -> None:
    runner, pids = running

    for _ in range(200):
        runner.send_signal(signal.SIGINT)
        runner.send_signal(signal.SIGTERM)

    assert runner.wait(15) == 0
    assert alive(pids) == []


def test_the_death_of_one_child_ends_all(
    running: tuple[subprocess.Popen[str], list[int]],
) -> None:
    runner, pids = running

    os.kill(pids[0], signal.SIGKILL)

    assert runner.wait(15) == 3
    assert alive(pids) == []


def test_nothing_is_left_behind_when_the_runner_itself_is_killed(
    running: tuple[subprocess.Popen[str], list[int]],
) -> None:
    runner, pids = running
    helpers = [child.pid for child in psutil.Process(runner.pid).children()]

    runner.kill()

    runner.wait(15)
    assert_all_gone(pids + helpers)


def test_a_closed_terminal_ends_all_though_only_its_first_program_is_told() -> None:
    leader, terminal = pty.openpty()
    deaf = "import signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    deaf += "sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"
    with subprocess.Popen(
        [sys.executable, "-c", deaf, "-c", RUNNER, FAMILY],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as first:
        os.close(terminal)
        shown = b""
        while shown.count(b"pids") < 2 or not shown.endswith(b"\n"):
            shown += os.read(leader, 4096)
        below = psutil.Process(first.pid).children(recursive=True)
        os.close(leader)
        assert first.wait(15) == 0
    assert_all_gone([child.pid for child in below])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no death signal")
def test_children_end_when_the_runner_and_its_keeper_are_both_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, "import time; print('pids', flush=True); time.sleep(600)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        for _ in range(2):
            assert "pids" in runner.stdout.readline()
        below = psutil.Process(runner.pid).children(recursive=True)
        [keeper] = [child for child in below if "keeper.py" in " ".join(child.cmdline())]
        keeper.kill()
        runner.kill()
    assert_all_gone([child.pid for child in below])


def test_each_line_carries_the_name_of_its_program() -> None:
    output = io.StringIO()
    with ProcessRunner(output=output) as runner:
        hello = runner.start("hello", ["sh", "-c", "echo out; echo err >&2; printf 'no end'"])
        assert runner.finish(hello) == 0
    lines = sorted(line.strip() for line in output.getvalue().splitlines())
    assert lines == ["hello │ err", "hello │ no end", "hello │ out"]


def test_names_are_coloured_where_somebody_looks() -> None:
    output = io.StringIO()
    with ProcessRunner(output=output, colour=True) as runner:
        runner.finish(runner.start("hello", ["echo", "out"]))
    assert output.getvalue() == "\x1b[36m   hello │ \x1b[0mout\n"


def test_a_program_that_runs_to_its_end_gives_its_status() -> None:
    with ProcessRunner(output=io.StringIO()) as runner:
        assert runner.finish(runner.start("fails", ["sh", "-c", "exit 7"])) == 7
        assert runner.children == []


def test_a_program_that_does_not_exist_is_said_by_name() -> None:
    output = io.StringIO()
    with ProcessRunner(output=output) as runner:
        assert runner.finish(runner.start("lost", ["no-such-program"])) != 0
    assert "cannot run no-such-program" in output.getvalue()


def test_who_needs_others_is_ended_before_them() -> None:
    output = io.StringIO()
    code = "trap 'sleep 0.2; echo {0} ends; exit' TERM; echo {0} up; while :; do sleep 0.05; done"
    up = threading.Semaphore(0)

    def count(line: str) -> None:
        if line.endswith(" up"):
            up.release()

    with ProcessRunner(output=output) as runner:
        for name, stage in (("base", 0), ("top", 1)):
            runner.start(name, ["sh", "-c", code.format(name)], stage=stage, on_line=count)
        for _ in range(2):
            assert up.acquire(timeout=10)
    ends = [line for line in output.getvalue().splitlines() if line.endswith(" ends")]
    assert [line.split()[0] for line in ends] == ["top", "base"]


def test_a_reader_that_goes_away_does_not_stop_the_programs(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    done = tmp_path / "done"
    code = f"seq 20000; touch {done}"
    with ProcessRunner(output=Gone()) as runner:
        assert runner.finish(runner.start("loud", ["sh", "-c", code])) == 0
    assert done.exists()
