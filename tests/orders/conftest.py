"""The stage of this room, on a database of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.orders.stage import Stage, on_stage

# Where there is one: a file in memory, because what is played here needs no disk.
MEMORY = Path("/dev/shm")


@pytest.fixture
def stage(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Stage]:
    """The product and its Stripe under one clock."""
    address = new_database()
    file = Path(address.removeprefix("sqlite:///"))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        if file.is_file():
            address = f"sqlite:///{shutil.copy(file, folder)}"
        with on_stage(address, tmp_path) as stage:
            yield stage
