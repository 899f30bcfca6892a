"""The files that a deployment copies: units, compose file and image, each against its rules."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from dev.loopback import free_port
from dev.processes import end, spawn
from tests.databases import ROOT, environment, migrate
from tests.waiting import until

DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))
# Of 10 (an ordinary service has 9.6); more than a unit of ours has today is a loss.
EXPOSURE_AT_MOST = 2.0
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with the programs of this checkout in place of the server's."""
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        for program in set(re.findall(r"/opt/guesstheworth/\.venv/bin/(\w+)", text)):
            here = Path(sys.executable).parent / program
            assert here.exists(), f"{name} starts {program}, which is not installed"
            text = text.replace(f"/opt/guesstheworth/.venv/bin/{program}", str(here))
        (folder / name).write_text(text.replace("/opt/guesstheworth", str(ROOT)))
    return folder


def analyze(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *command], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit_and_finds_nothing_to_say(units: Path, name: str) -> None:
    done = analyze("verify", "--recursive-errors=no", "--man=no", str(units / name))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_what_a_unit_may_do_is_little(units: Path, name: str) -> None:
    done = analyze(
        "security", "--offline=true", f"--threshold={int(EXPOSURE_AT_MOST * 10)}", str(units / name)
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_every_unit_is_in_the_guide_and_comes_back_by_itself() -> None:
    said = (ROOT / "docs/deploy.md").read_text()
    for name in UNITS:
        assert name in said
        text = (DEPLOY / "systemd" / name).read_text()
        assert "ENV_FILE=/etc/guesstheworth/env" in text
        assert "Restart=always" in text or "Type=oneshot" in text


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         "deploy/compose/compose.yaml"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_only_nginx_of_the_composed_services_is_reached_from_outside(compose: Any) -> None:
    services = compose["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    assert "requirepass" in json.dumps(services["redis"]["command"])
    for each in services.values():
        assert each.get("network_mode") is None
        for volume in each.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and source != "./tls":
                assert (DEPLOY / "compose" / source).exists(), source
            elif not source.startswith("."):
                assert source in compose["volumes"]


def instructions(name: str) -> list[str]:
    lines = re.findall(rf"^{name} (.+)$", DOCKERFILE, re.M)
    assert lines, f"no {name} in the Dockerfile"
    return lines


def test_the_image_runs_as_nobody_important() -> None:
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.M)
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nCMD ")


def test_what_the_image_copies_is_enough_to_serve_and_to_work(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    srv = tmp_path / "srv"
    srv.mkdir()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text()
    for line in instructions("COPY"):
        *sources, target = shlex.split(line)
        for source in sources:
            assert f"!{source}" in ignored
            here = ROOT / source
            if here.is_dir():
                shutil.copytree(here, srv / target)
            else:
                there = srv / target / here.name if target.endswith("/") else srv / target
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, there)
    [install] = [line for line in instructions("RUN") if line.startswith("pip install")]
    requirements = shlex.split(install)[-1]
    assert (srv / requirements).read_text() == (ROOT / "requirements.lock").read_text()

    database = f"sqlite:///{tmp_path}/image.sqlite3"
    uploads = tmp_path / "uploads"
    migrate(database, uploads)
    [usual] = instructions("ENV")
    settings = dict(pair.split("=") for pair in usual.split())
    settings |= {"PORT": str(free_port()), "HOST": "127.0.0.1", "DATABASE_URL": database}
    env = environment(**settings, UPLOAD_DIR=str(uploads))
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    [serve] = instructions("CMD")
    [check] = re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", DOCKERFILE, re.M)
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    work = compose["services"]["worker"]["command"]

    web = spawn(json.loads(serve), cwd=srv, env=env)
    request.addfinalizer(lambda: end(web))
    url = f"http://127.0.0.1:{settings['PORT']}"
    until(lambda: healthy(json.loads(check), env) or web.poll() is not None, 30)
    assert requests.get(url, timeout=10).status_code == 200
    log = (tmp_path / "worker.log").open("wb")
    request.addfinalizer(log.close)
    worker = spawn(work, cwd=srv, env=env, stdout=log)
    request.addfinalizer(lambda: end(worker))
    until(lambda: b"worker ready" in (tmp_path / "worker.log").read_bytes(), 30)


def healthy(check: list[str], env: dict[str, str]) -> bool:
    done = subprocess.run(check, env=env, capture_output=True, timeout=20, check=False)
    return done.returncode == 0
