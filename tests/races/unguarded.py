"""A web process without the guard on bids: `gunicorn tests.races.unguarded:app`. For tests only."""

import pytest

from app import create_app
from tests.races import naive

_patch = pytest.MonkeyPatch()
naive.bids_without_guard(_patch)
naive.looks_first(_patch, naive.pause)
app = create_app()
