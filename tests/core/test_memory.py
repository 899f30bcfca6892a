"""What pictures and password hashes needed is the system's again when they are done."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.databases import ROOT, SqliteFiles, environment

# As in a web process, whose threads stay: each does one, and all of them do it at once.
BUSY = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier
from PIL import Image
from app import create_app
from app.accounts.hashing import hash_password
THREADS = 24
app = create_app()
file = BytesIO()
Image.new("RGBA", (2000, 2000)).save(file, "PNG")
all_there = Barrier(THREADS)

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

def work(number):
    all_there.wait(60)
    with app.app_context():
        hash_password("anything at all")
    Image.open(BytesIO(file.getvalue())).load()

with ThreadPoolExecutor(THREADS) as threads:
    before = resident()
    list(threads.map(work, range(THREADS)))
    print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator's business")
def test_threads_that_hashed_and_decoded_keep_none_of_the_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        cwd=ROOT,
        env=environment(DATABASE_URL=SqliteFiles(tmp_path).new(), UPLOAD_DIR=str(tmp_path / "up")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60


# Measured in a process of its own: the most that a process ever had does not go down again.
ONE_PICTURE = """
import re, sys
from io import BytesIO
from pathlib import Path
from PIL import Image
from app.artworks.pictures import store_picture

def most():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 2**10

Image.preinit()
before = most()
store_picture(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]))
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_picture_takes_little_more_than_its_pixels_while_it_is_read(tmp_path: Path) -> None:
    pixels_mb = 5_000 * 5_000 * 4 // 2**20
    Image.new("RGBA", (5_000, 5_000)).save(tmp_path / "large.png")
    done = subprocess.run(
        [sys.executable, "-c", ONE_PICTURE, str(tmp_path / "large.png"), str(tmp_path / "kept")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * pixels_mb
