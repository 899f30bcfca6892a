"""What is installed is pinned, whole, to the hashes of its files."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.config import ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def listed(name: str) -> dict[str, str]:
    """The pins of a list that people write, with those of the list that it stands on."""
    pins: dict[str, str] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("-r "):
            pins |= listed(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            one = Requirement(line)
            pins[canonicalize_name(one.name)] = str(one.specifier)
    return pins


def locked(name: str) -> dict[str, str]:
    """The pins of a lock; fails for one without a hash."""
    pins = {}
    for entry in (ROOT / name).read_text().replace("\\\n", " ").splitlines():
        words, *hashes = entry.split(" --hash")
        one = Requirement(words.strip())
        assert hashes, f"{one.name} has no hash"
        assert all(HASH.fullmatch("--hash" + each.strip()) for each in hashes)
        pins[canonicalize_name(one.name)] = str(one.specifier)
    return pins


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_holds_what_the_list_names(name: str) -> None:
    wanted, held = listed(f"{name}.txt"), locked(f"{name}.lock")
    assert {each: held.get(each) for each in wanted} == wanted, "run `make lock`"
    assert all(re.fullmatch(r"==[^,*]+", pin) for pin in held.values())


def test_whoever_installs_is_held_to_the_lock() -> None:
    guides = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Makefile"]
    for path in [*guides, ROOT / "deploy" / "Dockerfile"]:
        for line in path.read_text().splitlines():
            if "pip install" in line and " -r " in line:
                assert "--require-hashes" in line, f"{path.name}: {line}"
