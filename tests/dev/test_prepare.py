"""A database of `make run`: prepared from nothing, and found prepared."""

import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.demo.catalogue import ARTWORKS

ROOT = Path(__file__).resolve().parents[2]


def prepare(folder: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m dev.prepare` on a database in `folder`."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": secrets.token_hex(32),
        "PUBLIC_URL": "http://127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "UPLOAD_DIR": str(folder / "uploads"),
        "STRIPE_SECRET_KEY": "sk_test_prepare",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(32)}",
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "dev.prepare", *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_empty_database_is_prepared_and_prepared_again(tmp_path: Path) -> None:
    first = prepare(tmp_path, "--empty")
    assert first.returncode == 0, first.stderr
    assert f"{len(ARTWORKS)} artworks with pictures" in first.stdout
    with closing(sqlite3.connect(tmp_path / "demo.sqlite3")) as database:
        titles = database.execute("SELECT title FROM artworks ORDER BY id DESC").fetchall()
    assert [title for (title,) in titles] == [artwork.title for artwork in ARTWORKS]
    pictures = sorted(path for path in (tmp_path / "uploads").rglob("*") if path.is_file())
    assert len(pictures) == 4 * len(ARTWORKS)
    assert all(2_000 < picture.stat().st_size < 500_000 for picture in pictures)

    again = prepare(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "nothing was changed" in again.stdout
    found = sorted(path for path in (tmp_path / "uploads").rglob("*") if path.is_file())
    assert found == pictures


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        (
            {
                "STRIPE_SECRET_KEY": "sk_live_0123456789abcdef",
                "ALLOW_LIVE_PAYMENTS": "1",
                "PUBLIC_URL": "https://bids.example.com",
            },
            "the Stripe key is a live one",
        ),
    ],
)
def test_what_stands_against_it_is_said(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    refused = prepare(tmp_path, **settings)
    assert refused.returncode != 0
    assert why in refused.stderr
