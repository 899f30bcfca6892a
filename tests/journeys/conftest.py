"""`make run` as everybody starts it, once a session, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect

from tests.journeys.shop import Shop
from tests.journeys.windows import Windows

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_REQUIRED = os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER")
# A developer's machine may have no browser; in CI its absence fails the run.
collect_ignore_glob = [] if _BROWSER or _REQUIRED else ["test_*.py"]

# Long enough to pay on a busy machine; the unpaid journey has a shop of its own.
SHORT_WINDOW_SECONDS = 8

PATIENCE_MS = 20_000
SLOWEST_SECONDS = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first journey waits for everything to be seeded: give these tests longer than others."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(SLOWEST_SECONDS))


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Windows in which nothing may go wrong unseen: the test fails when something did."""
    expect.set_options(timeout=PATIENCE_MS)
    windows = Windows(browser)
    yield windows
    windows.close()
    assert windows.faults == []


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that was started once and stopped again."""
    folder = tmp_path_factory.mktemp("journeys") / "first"
    assert Shop(folder).interrupt() == 0
    return folder


@pytest.fixture(scope="session")
def new_instance(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make another folder like the prepared one; a test that is played again gets another."""

    def make(name: str) -> Path:
        return Path(shutil.copytree(prepared, tmp_path_factory.mktemp(name) / "instance"))

    return make


@pytest.fixture(scope="session")
def shop(new_instance: Callable[[str], Path]) -> Iterator[Shop]:
    """Everything running, with the usual ten minutes to pay."""
    shop = Shop(new_instance("shop"), SWEEP_INTERVAL_SECONDS="2")
    yield shop
    assert shop.interrupt() == 0


@pytest.fixture(scope="session")
def hasty_shop(new_instance: Callable[[str], Path]) -> Iterator[Shop]:
    """Everything running, with a few seconds to pay."""
    seconds = str(SHORT_WINDOW_SECONDS)
    shop = Shop(new_instance("hasty"), SWEEP_INTERVAL_SECONDS="2", PAYMENT_WINDOW_SECONDS=seconds)
    yield shop
    assert shop.interrupt() == 0


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photograph to list."""
    image = Image.new("RGB", (1200, 900), "#23395b")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 560, 1200, 900), fill="#406e8e")
    draw.polygon([(300, 600), (560, 600), (430, 260)], fill="#f4e9cd")
    draw.polygon([(640, 640), (980, 640), (800, 340)], fill="#e08e45")
    file = tmp_path / "harbour.jpg"
    image.save(file, quality=88)
    return file
