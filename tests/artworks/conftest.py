"""What tests of pictures share."""

import pytest

from app.artworks import pictures
from app.core.turns import Turns


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """The turns that pictures take: of one at a time here, with no place to wait."""
    turns = Turns(at_once=1, waiting=0, seconds=0)
    monkeypatch.setattr(pictures, "_reading", turns)
    return turns
