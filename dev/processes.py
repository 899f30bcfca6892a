"""Child processes that never outlive the one that started them."""

import os
import secrets
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dev import keeper, leash

COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93")
GRACE_SECONDS = 5.0


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str = "",
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own.

    On Linux it gets `death_signal` when the thread that called this ends, however that comes
    about: call it from a thread that lives as long as the child should. With `user`, and when
    we are root, the program runs as that user.
    """
    shim = [sys.executable, "-I", "-S", leash.__file__]
    control = [str(os.getpid()), str(int(death_signal)), user]
    return subprocess.Popen(
        [*shim, *control, *map(str, command)],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )


def end(
    process: subprocess.Popen[bytes],
    first: signal.Signals = signal.SIGTERM,
    grace: float = GRACE_SECONDS,
) -> None:
    """End a spawned program: `first` to it, then SIGKILL to its whole group; waits for it."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            keeper.send(-process.pid, signal.SIGKILL)
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


@dataclass(frozen=True)
class Child:
    """One program of a runner; of those with a higher stage, all are ended before it is."""

    name: str
    process: subprocess.Popen[bytes]
    stage: int = 0


@dataclass
class ProcessRunner:
    """Runs several programs, shows their output under their names, and ends them together.

    Use it as a context manager. Whatever happens inside, or to this process (SIGKILL
    included), every program and what it started is ended: asked with SIGTERM, then killed
    `grace` seconds later.
    """

    output: IO[str] = field(default_factory=lambda: sys.stdout)
    grace: float = GRACE_SECONDS
    colour: bool | None = None
    children: list[Child] = field(default_factory=list)
    # No threading.Event: its lock cannot be taken again by a signal handler that comes upon a
    # handler, and the runner would hang.
    _asked_to_stop: bool = False
    _mark: str = field(default_factory=lambda: secrets.token_hex(8))
    _keeper: subprocess.Popen[bytes] | None = None
    _terminal: int | None = None
    _print_lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "ProcessRunner":
        if self.output.isatty():
            self._terminal = self.output.fileno()
        if self.colour is None:
            self.colour = self._terminal is not None and not os.environ.get("NO_COLOR")
        # A session of its own, so that no Ctrl-C reaches it; and nothing of ours held open.
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, self._mark, str(self.grace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stage: int = 0,
        on_line: Callable[[str], None] | None = None,
    ) -> Child:
        """Start a program; `on_line` sees every line of its output, in a thread of its own."""
        environment = {
            **(os.environ if env is None else env),
            keeper.MARK_VARIABLE: self._mark,
            "PYTHONUNBUFFERED": "1",
        }
        process = spawn(
            command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        child = self.adopt(name, process, stage=stage)
        threading.Thread(target=self._relay, args=(child, on_line), daemon=True).start()
        return child

    def adopt(self, name: str, process: subprocess.Popen[bytes], *, stage: int = 0) -> Child:
        """Take a program that was started by `spawn` elsewhere into this runner's care."""
        child = Child(name, process, stage)
        self.children.append(child)
        self._tell_keeper(process.pid)
        return child

    def finish(self, child: Child) -> int:
        """Let a program run to its end; its exit status. Ended too when we must stop."""
        try:
            while child.process.poll() is None and not self._asked_to_stop:
                time.sleep(0.02)
        finally:
            self._end([child])
        return child.process.returncode

    def ask_to_stop(self) -> None:
        """Make `wait` return; may be called from a signal handler or another thread."""
        self._asked_to_stop = True

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked_to_stop

    def dead_child(self) -> Child | None:
        """Return the first program that has ended by itself, if any."""
        return next((child for child in self.children if child.process.poll() is not None), None)

    def wait(self) -> Child | None:
        """Wait until asked to stop (returns None) or a program ends (returns that one).

        The loss of the terminal that the output goes to is such a request: of a closed window,
        only the first program in it is told, which may be a `make` that keeps it to itself.
        """
        while not self._asked_to_stop:
            dead = self.dead_child()
            if dead is not None:
                return dead
            if self._terminal_is_gone():
                return None
            time.sleep(0.1)
        return None

    def stop(self) -> None:
        """End every program, the highest stage first, and wait until none is left."""
        for stage in sorted({child.stage for child in self.children}, reverse=True):
            self._end([child for child in self.children if child.stage == stage])
        # What has left its group (and so was not among the above) goes now.
        keeper.end_groups((), self._mark, 0)
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper = None

    def say(self, line: str, name: str = "", colour: str = "1") -> None:
        """Print a line, under a name when given; a reader that went away is no error."""
        label = f"{name:>8} │ " if name else ""
        if label and self.colour:
            label = f"\x1b[{colour}m{label}\x1b[0m"
        with self._print_lock:
            try:
                print(label + line, file=self.output, flush=True)
            except (OSError, ValueError):
                return

    def _terminal_is_gone(self) -> bool:
        if self._terminal is None:
            return False
        try:
            termios.tcgetattr(self._terminal)
        except termios.error:
            return True
        return False

    def _relay(self, child: Child, on_line: Callable[[str], None] | None) -> None:
        stream = child.process.stdout
        if stream is None:
            return
        colour = COLOURS[self.children.index(child) % len(COLOURS)]
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").rstrip()
                self.say(line, child.name, colour)
                if on_line is not None:
                    on_line(line)

    def _end(self, children: list[Child]) -> None:
        groups = [child.process.pid for child in children]
        # The system keeps a dead child's number, and so its group's, until we ask for its
        # status: signalling first and asking afterwards cannot hit a stranger.
        keeper.end_groups(groups, "", self.grace)
        for child in children:
            child.process.wait()
            self._tell_keeper(-child.process.pid)
            self.children.remove(child)

    def _tell_keeper(self, change: int) -> None:
        if self._keeper is None or self._keeper.stdin is None:
            return
        try:
            self._keeper.stdin.write(b"%d\n" % change)
            self._keeper.stdin.flush()
        except BrokenPipeError:
            return
