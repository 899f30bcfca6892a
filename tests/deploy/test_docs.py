"""The guides name only what there is: files, settings, units, commands, alerts and figures."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app.admin.alerts import CODES
from app.config import EXAMPLES, Settings, read_settings
from app.web import metrics
from tests.databases import ROOT
from tests.people import Browser

GUIDES = {
    name: (ROOT / name).read_text()
    for name in ("README.md", "docs/deploy.md", "docs/grow.md", "docs/operate.md")
}
FLASK = re.compile(r"flask --app wsgi ([a-z][^`\n]*)")
# What is set in the shell, by the compose file, or is no setting at all.
NO_SETTINGS = {"ENV_FILE", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ARGS", "SEED"}
NO_SETTINGS |= {"PATH", "FAILED"}


def blocks(text: str) -> list[str]:
    """The fenced blocks."""
    return re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)


def settings_block() -> str:
    [found] = [block for block in blocks(GUIDES["docs/deploy.md"]) if "SECRET_KEY=" in block]
    return found


@pytest.mark.parametrize("name", GUIDES)
def test_every_link_and_every_file_named_is_there(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", GUIDES[name]):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target
    for path in re.findall(r"(?<![\w/-])deploy/[\w./*-]*\w", GUIDES[name]):
        assert list(ROOT.glob(path)), path


@pytest.mark.parametrize("name", GUIDES)
def test_every_setting_and_unit_named_is_there(name: str) -> None:
    known = set(Settings.model_fields) | {each.lower() for each in EXAMPLES}
    said = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", GUIDES[name]))
    said |= set(re.findall(r"^([A-Z][A-Z_]{3,})=", GUIDES[name], re.M))
    unknown = {each for each in said - NO_SETTINGS if each.lower() not in known}
    assert not unknown
    for unit in re.findall(r"guesstheworth-\w+\.service", GUIDES[name]):
        assert (ROOT / "deploy/systemd" / unit).exists(), unit


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", GUIDES)
def test_every_command_named_has_help_and_these_options(name: str, app: Flask) -> None:
    runner = app.test_cli_runner()
    for line in FLASK.findall(GUIDES[name]):
        words = shlex.split(re.split(r"[)>|,;]|\s#", line)[0])
        assert words
        command = words[: 2 if words[0] == "db" else 1]
        help_text = runner.invoke(args=[*command, "--help"])
        assert help_text.exit_code == 0, line
        for option in words:
            if option.startswith("-"):
                assert option in help_text.output, line


@pytest.mark.parametrize("name", ["README.md", "docs/operate.md"])
def test_where_flask_is_found_is_said_before_it_is_typed(name: str) -> None:
    typed = re.search(r"(?<![/\w])flask --app", GUIDES[name])
    said = GUIDES[name].find("\n. .venv/bin/activate\n")
    assert typed
    assert 0 < said < typed.start()


@pytest.mark.parametrize("name", GUIDES)
def test_a_shell_can_read_what_is_to_be_typed(name: str) -> None:
    for block in blocks(GUIDES[name]):
        if "SECRET_KEY=" in block:
            continue
        done = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, timeout=10, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), block


def test_the_guides_settings_are_taken() -> None:
    given = dict(line.partition("=")[::2] for line in settings_block().splitlines())
    given = {name: value.partition("#")[0].strip() for name, value in given.items()}
    assert given.pop("SECRET_KEY") == given.pop("METRICS_TOKEN") == ""
    given |= {"SECRET_KEY": "0123456789abcdef0123456789abcdef", "METRICS_TOKEN": "a-random-text"}
    assert given["STRIPE_WEBHOOK_SECRET"] == "whsec_…"
    settings = read_settings(given | {"STRIPE_WEBHOOK_SECRET": "whsec_0123456789"})
    assert settings.trusted_proxies == 1
    assert settings.https


def test_the_files_that_the_guide_copies_get_where_they_are_looked_for(tmp_path: Path) -> None:
    for folder in ("etc/nginx/conf.d", "etc/systemd/system", "etc/letsencrypt/live", "var"):
        (tmp_path / folder).mkdir(parents=True)
    # As Debian's nginx brings it.
    (tmp_path / "etc/nginx/nginx.conf").write_text(
        "user www-data;\nevents {\n\tworker_connections 768;\n}\n"
    )
    typed = "\n".join(blocks(GUIDES["docs/deploy.md"]))
    lines = [
        re.sub(r" (/(?:etc|var)/)", rf" {tmp_path}\1", line).replace("-o root -g guesstheworth", "")
        for line in typed.splitlines()
        if re.match(r"(cp|sed|ln|install -d -m|install -o root|install -d /etc) ", line)
        or re.match(r"install -d /", line)
    ]
    script = "\n".join(lines).replace("bids.example.com/'", "bids.other.example/'")
    subprocess.run(["bash", "-euc", script], cwd=ROOT, check=True, timeout=30)
    etc = tmp_path / "etc"
    assert (etc / "guesstheworth/env").stat().st_mode & 0o777 == 0o640
    site = (etc / "nginx/conf.d/guesstheworth.conf").read_text()
    assert "server_name bids.other.example;" in site
    assert "bids.example.com;" not in site
    main = (etc / "nginx/nginx.conf").read_text()
    assert main.startswith("worker_rlimit_nofile 20000;\n")
    assert "worker_connections 8192;" in main
    assert (etc / "nginx/conf.d/guesstheworth-upstreams.conf").exists()
    assert (etc / "nginx/guesstheworth-pages/back-soon.html").exists()
    assert (etc / "systemd/system/guesstheworth-web.service").exists()
    assert (etc / "systemd/journald.conf.d/guesstheworth.conf").exists()


def test_every_alert_and_figure_is_explained_and_none_besides(client: Browser) -> None:
    guide = GUIDES["docs/operate.md"]
    watched = guide[guide.index("## What to watch") : guide.index("## Logs")]
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", watched, re.M))
    assert {row for row in rows if not row.startswith("gtw_")} == set(CODES)
    answer = client.get("/metrics")
    # Those that have no sample yet have a name all the same.
    there = set(re.findall(r"^# TYPE (gtw_\w+)", answer.text, re.M))
    there |= set(re.findall(r'"(gtw_\w+_lag_seconds)"', Path(metrics.__file__).read_text()))
    assert list(text_string_to_metric_families(answer.text))
    assert set(re.findall(r"`(gtw_\w+)", watched)) == there
