"""Two hosts behind nginx: a web process and a worker each, one PostgreSQL, one Redis."""

from __future__ import annotations

from pathlib import Path

import requests

from app.core import clock
from app.core.lease import Lease, read_lease
from app.jobs.sweep import PAYMENTS
from dev.loopback import free_port
from tests.deploy.front import Front
from tests.faults.processes import Program
from tests.faults.shop import Shop


class Hosts(Shop):
    """A shop of two hosts; `web` and `worker` are the first's, `second` the other's."""

    def __init__(self, database_url: str, folder: Path) -> None:
        ports = [free_port(), free_port()]
        self.front = Front(folder / "front", ports)
        super().__init__(
            database_url,
            folder,
            public_url=self.front.url,
            PORT=str(ports[0]),
            WEB_CONCURRENCY="1",
            TRUSTED_PROXIES="1",
        )
        settings = self.settings | {"PORT": str(ports[1])}
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.second = (
            Program("web", folder / "web2.log", settings),
            Program("worker", folder / "worker2.log", settings),
        )
        self.start_second()

    def start_second(self) -> None:
        """Have the second host running."""
        for program in self.second:
            if not program.running:
                program.start()
        for program in self.second:
            program.wait()

    @property
    def both(self) -> tuple[tuple[Program, Program], tuple[Program, Program]]:
        """Web process and worker of each host."""
        return (self.web, self.worker), self.second

    def lease(self) -> Lease:
        """The lease of the sweep as it stands."""
        with self.app.app_context():
            found = read_lease(PAYMENTS)
        assert found is not None
        return found

    def sweeper(self) -> int:
        """The host whose worker holds the lease of the sweep now: 0 or 1; -1 when none does."""
        lease = self.lease()
        if lease.held_until <= clock.now():
            return -1
        pid = int(lease.holder.split(":")[1])
        workers = [worker for _, worker in self.both if worker.running]
        found = [
            worker for worker in workers if pid in {process.pid for process in worker.family()}
        ]
        return [worker for _, worker in self.both].index(found[0]) if found else -1

    def serves(self, host: int) -> bool:
        """Whether nginx sends requests to this host; asks it a few times."""
        end_of_log = self.front.log.stat().st_size
        for _ in range(4):
            requests.get(f"{self.url}/health", timeout=10)
        with self.front.log.open() as log:
            log.seek(end_of_log)
            return f"from={self.urls[host].removeprefix('http://')} " in log.read()

    def stop(self) -> None:
        """End everything."""
        for program in self.second:
            program.stop()
        super().stop()
        self.front.stop()
