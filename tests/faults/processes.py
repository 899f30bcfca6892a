"""The product's own processes, each of which a test may kill and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import requests

from dev.loopback import LOOPBACK
from dev.processes import end, spawn
from tests.databases import ROOT, environment
from tests.waiting import until

PROGRAMS = {
    "web": [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"],
    "live": [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn-live.conf.py", "wsgi:app"],
    "worker": [sys.executable, "-W", "error", "worker.py"],
}


class Program:
    """One of PROGRAMS with its settings; it begins when told to."""

    def __init__(
        self, name: str, log: Path, settings: dict[str, str], inside: Sequence[str] = ()
    ) -> None:
        """`inside` goes before the command: what runs it somewhere else."""
        self.name = name
        self.log = log
        self._settings = settings
        self._inside = inside
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0

    def start(self) -> None:
        """Start it; `wait` says when it is ready."""
        assert self._process is None
        with self.log.open("ab") as log:
            self._began_at = log.tell()
            self._process = spawn(
                [*self._inside, *PROGRAMS[self.name]],
                cwd=ROOT,
                env=environment(**self._settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until it does its work."""
        ready = self._says_so if self.name == "worker" else self._answers
        until(lambda: ready() or not self.running, 60)
        assert self.running, self.log.read_text()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of its first process."""
        assert self._process is not None
        return self._process.pid

    def family(self) -> list[psutil.Process]:
        """Every process that it has started."""
        return psutil.Process(self.pid).children(recursive=True)

    def kill(self) -> None:
        """SIGKILL it and everything that it started, as a machine does that runs out of memory."""
        assert self._process is not None
        family = self.family()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP it and everything that it started: it holds what it has, and does nothing."""
        stopped: set[psutil.Process] = set()
        # One that is not stopped yet may start another.
        while found := {psutil.Process(self.pid), *self.family()} - stopped:
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            stopped |= found

    def thaw(self) -> None:
        """SIGCONT: all of it goes on as if no time had passed."""
        for process in (psutil.Process(self.pid), *self.family()):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _says_so(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._began_at)
            return b"worker ready" in log.read()

    def _answers(self) -> bool:
        try:
            host = self._settings.get("HOST", LOOPBACK)
            url = f"http://{host}:{self._settings['PORT']}/health"
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False
