"""The units' commands, run by hand with what matters of their hardening.

Where no systemd runs: everything is read-only but the state directory, only the own processes are
seen (ProcSubset=, ProtectProc=), no capability is left and none can be had. Not the filter of
system calls, nor the user: root without capabilities may only do what any owner may.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from dev.loopback import free_port
from dev.processes import end, spawn
from tests.databases import REQUIRED, ROOT
from tests.waiting import until

HARDENED = r"""
set -eu
state=$1; shift
mount --bind "$state" "$state"
awk '{print $5}' /proc/self/mountinfo | sort -u | while read -r place; do
    case $place in
        /proc|/proc/*|/sys|/sys/*|/dev|/dev/*|"$state") ;;
        *) mount -o remount,bind,ro "$place" ;;
    esac
done
mount -t proc -o subset=pid,hidepid=invisible proc /proc
umask 0027
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]


def allowed() -> bool:
    """Whether this machine lets us make namespaces."""
    if os.geteuid() != 0:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not allowed(), reason="namespaces need root")


class Machine:
    """A state directory and a settings file, as docs/deploy.md makes them."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        (self.state / "uploads").mkdir(parents=True)
        self.port = free_port()
        self.settings = folder / "env"
        settings = REQUIRED | {
            "DATABASE_URL": f"sqlite:///{self.state}/product.sqlite3",
            "UPLOAD_DIR": f"{self.state}/uploads",
            "PORT": str(self.port),
        }
        self.settings.write_text("".join(f"{name}={it}\n" for name, it in settings.items()))

    def environment(self, unit: str) -> dict[str, str]:
        """What the unit sets, and what systemd does."""
        said = re.findall(r"^Environment=(.+)$", unit, re.M)
        given = dict(pair.split("=", 1) for line in said for pair in shlex.split(line))
        here = {"ENV_FILE": str(self.settings), "TMPDIR": str(self.state), "PATH": os.defpath}
        return given | here

    def command(self, *command: str) -> list[str]:
        """A command inside."""
        return [*UNSHARE, "sh", "-c", HARDENED, "hardened", str(self.state), *command]

    def unit(self, name: str) -> tuple[list[str], dict[str, str]]:
        """A unit's ExecStart with this checkout's programs, and its environment."""
        text = (ROOT / f"deploy/systemd/guesstheworth-{name}.service").read_text()
        [start] = re.findall(r"^ExecStart=(.+)$", text, re.M)
        program, *arguments = shlex.split(start)
        here = str(Path(sys.executable).parent / Path(program).name)
        return self.command(here, *arguments), self.environment(text)

    def run(self, command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.mark.timeout(180)
def test_every_unit_does_its_work_with_little_more_than_its_state_directory(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (ROOT / "instance").mkdir(exist_ok=True)
    machine = Machine(tmp_path)
    command, env = machine.unit("migrate")
    migrated = machine.run(command, env)
    assert migrated.returncode == 0, migrated.stderr
    assert (machine.state / "product.sqlite3").stat().st_mode & 0o777 == 0o640

    for forbidden in (f"touch {ROOT}/app/changed", "mount -o remount,rw /", "ls /proc/meminfo"):
        refused = machine.run(machine.command("sh", "-c", forbidden), env)
        assert refused.returncode != 0, forbidden

    ports = {"web": machine.port, "live": free_port()}
    logs = {name: tmp_path / f"{name}.log" for name in ("web", "live", "worker")}
    for name, log in logs.items():
        command, env = machine.unit(name)
        if name == "live":
            env["PORT"] = str(ports[name])
        with log.open("wb") as written:
            process = spawn(command, cwd=ROOT, env=env, stdout=written, stderr=written)
        request.addfinalizer(lambda process=process: end(process))
    for port in ports.values():
        until(lambda port=port: answers(f"http://127.0.0.1:{port}/health"), 60)
    until(lambda: b"worker ready" in logs["worker"].read_bytes(), 60)
    ready = f"http://127.0.0.1:{machine.port}/health/ready"
    until(lambda: requests.get(ready, timeout=10).json()["checks"]["worker"]["status"] == "ok", 30)
    assert requests.get(f"http://127.0.0.1:{machine.port}/", timeout=20).status_code == 200

    flask = str(Path(sys.executable).parent / "flask")
    _, env = machine.unit("web")
    said = machine.run(machine.command(flask, "--app", "wsgi", "doctor", "--json"), env)
    found = {each["check"]: each["level"] for each in json.loads(said.stdout)["checks"]}
    assert {found[name] for name in ("schema", "database", "uploads", "worker")} == {"ok"}


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
