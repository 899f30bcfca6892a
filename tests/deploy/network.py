"""Hosts with addresses of their own: network namespaces on a bridge, as long as a test run lasts.

Without root or `ip` all of them are ports of the loopback address instead, and what needs a network
is skipped. Facts: ip-netns(8), ip-link(8), ip-neighbour(8).
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dev.loopback import LOOPBACK, free_port

# Sixteen test processes at a time, of sixteen addresses each; pytest may reach these.
SUBNETS = list(ipaddress.ip_network("10.77.0.0/24").subnets(new_prefix=28))
HOSTS = 2
IP = shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin")
_PORT = 5000
# Nobody's: what is sent there reaches nobody, and nobody says so.
_LOST = "02:00:00:00:00:ff"


@dataclass(frozen=True)
class Place:
    """Where one host's processes run: its address, its port, and what goes before a command."""

    address: str
    port: int
    inside: tuple[str, ...] = ()

    @property
    def listens(self) -> str:
        """Address and port of its web process."""
        return f"{self.address}:{self.port}"


@dataclass
class Network:
    """Addresses for everything; `why` says why hosts have none of their own, if they have not."""

    front: str
    postgres: str
    redis: str
    visitor: str
    places: list[Place]
    why: str = ""
    _number: int = 0
    _lock: IO[str] | None = field(default=None, repr=False)

    def silence(self, host: int) -> None:
        """Pull the plug: nothing reaches the host, nothing comes from it, and nobody is told."""
        _ip("link", "set", self._name(host), "down")

    def speak(self, host: int) -> None:
        """Put the plug back."""
        _ip("link", "set", self._name(host), "up")

    def cut_off(self, host: int, address: str) -> None:
        """Nothing that the host sends to this one address arrives any more."""
        lost = (address, "lladdr", _LOST, "dev", "eth0", "nud", "permanent")
        _ip("-n", self._name(host), "neigh", "replace", *lost)

    def mend(self) -> None:
        """Everybody reaches everybody."""
        for host in range(HOSTS if not self.why else 0):
            self.speak(host)
            for address in (self.front, self.postgres, self.redis):
                with suppress(NetworkFailed):
                    _ip("-n", self._name(host), "neigh", "del", address, "dev", "eth0")

    def remove(self) -> None:
        """Take it away; safe twice."""
        if self._lock is not None:
            _remove(self._number)
            self._lock.close()
            self._lock = None

    def _name(self, host: int) -> str:
        assert not self.why, self.why
        return _name(self._number, host)


class NetworkFailed(RuntimeError):
    """`ip` refused something; the text says what it said."""


def lay_network() -> Network:
    """A network with namespaces where this machine has them, else on the loopback address."""
    if os.geteuid() != 0 or IP is None:
        return _loopback("hosts are ports of 127.0.0.1: namespaces need root and iproute2")
    try:
        return _namespaces()
    except NetworkFailed as failure:
        return _loopback(f"hosts are ports of 127.0.0.1: {failure}")


def _loopback(why: str) -> Network:
    places = [Place(LOOPBACK, free_port()) for _ in range(HOSTS)]
    return Network(LOOPBACK, LOOPBACK, LOOPBACK, "127.0.0.77", places, why)


def _namespaces() -> Network:
    number, lock = _take_number()
    # What a run that was killed left behind under this number.
    _remove(number)
    addresses = [str(each) for each in SUBNETS[number].hosts()]
    front, postgres, redis, visitor, *others = addresses
    bridge = f"gtw{number}"
    try:
        _ip("link", "add", bridge, "type", "bridge")
        for address in (front, postgres, redis, visitor):
            _ip("address", "add", f"{address}/28", "dev", bridge)
        _ip("link", "set", bridge, "up")
        places = []
        for host, address in zip(range(HOSTS), others, strict=False):
            name = _name(number, host)
            _ip("netns", "add", name)
            _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", name, "master", bridge, "up")
            _ip("-n", name, "address", "add", f"{address}/28", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")
            places.append(Place(address, _PORT, (str(IP), "netns", "exec", name)))
    except NetworkFailed:
        _remove(number)
        lock.close()
        raise
    return Network(front, postgres, redis, visitor, places, "", number, lock)


def _take_number() -> tuple[int, IO[str]]:
    """A number that no other test process here has; it is ours while the file is open."""
    for number in range(len(SUBNETS)):
        file = Path(tempfile.gettempdir()) / f"guesstheworth-network-{number}.lock"
        lock = file.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return number, lock
    raise NetworkFailed(f"{len(SUBNETS)} other test processes have a network")


def _name(number: int, host: int) -> str:
    return f"gtw{number}h{host}"


def _remove(number: int) -> None:
    for host in range(HOSTS):
        for command in ("link", "netns"):
            with suppress(NetworkFailed):
                _ip(command, "del", _name(number, host))
    with suppress(NetworkFailed):
        _ip("link", "del", f"gtw{number}")


def _ip(*arguments: str) -> None:
    done = subprocess.run(
        [str(IP), *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode != 0:
        raise NetworkFailed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
