"""Two hosts behind nginx: a web process and a worker each, one PostgreSQL, one Redis."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import requests

from app.core import clock
from app.core.lease import Lease, read_lease
from app.jobs.sweep import PAYMENTS
from tests.deploy.front import Front
from tests.deploy.network import Network, Place
from tests.faults.processes import Program
from tests.faults.shop import Shop, Surroundings
from tests.payments.market import at_once


class Hosts(Shop):
    """A shop of two hosts; `web` and `worker` are the first's."""

    def __init__(self, database_url: str, folder: Path, network: Network) -> None:
        self.network = network
        self.webs = [place.listens for place in network.places]
        self.urls = [f"http://{listens}" for listens in self.webs]
        self.front = Front(folder / "front", network.front, self.webs)
        first = network.places[0]
        super().__init__(
            database_url,
            folder,
            self.front.url,
            Surroundings(network.redis, network.front, first.inside),
            **_listening(first),
            WEB_CONCURRENCY="1",
            TRUSTED_PROXIES="1",
            # Allowed only with a Stripe on the loopback address.
            CRASH_POINTS="",
        )

    @cached_property
    def second(self) -> tuple[Program, Program]:
        """Web process and worker of the second host."""
        place = self.network.places[1]
        settings = self.settings | _listening(place)
        folder = self.web.log.parent
        return (
            Program("web", folder / "web2.log", settings, place.inside),
            Program("worker", folder / "worker2.log", settings, place.inside),
        )

    def start(self) -> None:
        """Have both hosts running."""
        stopped = [each for programs in self.both for each in programs if not each.running]
        for program in stopped:
            program.start()
        for program in stopped:
            program.wait()

    def heal(self) -> None:
        """Undo what a test has broken."""
        self.network.mend()
        for programs in self.both:
            for program in programs:
                if program.running:
                    program.thaw()
        super().heal()

    def live_at(self, host: int, log: Path, place: Place) -> Program:
        """This host's live process."""
        settings = self.settings | _listening(place)
        return Program("live", log, settings, self.network.places[host].inside)

    def another_port(self, host: int) -> Place:
        """Room for one more process on this host."""
        place = self.network.places[host]
        return replace(place, port=place.port + 1)

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
            requests.get(f"{self.url}/health", timeout=30)
        with self.front.log.open() as log:
            log.seek(end_of_log)
            return f"from={self.webs[host]} " in log.read()

    def stop(self) -> None:
        """End everything."""
        programs = [each for programs in self.both for each in programs]
        at_once(len(programs), lambda number: programs[number].stop())
        super().stop()
        self.front.stop()


def _listening(place: Place) -> dict[str, str]:
    return {"HOST": place.address, "PORT": str(place.port)}
