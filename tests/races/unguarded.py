"""A web process without the guard on bids: `gunicorn tests.races.unguarded:app`. For tests only.

Two bids of all processes meet between looking and bidding, in the folder MEETING.
"""

import os
from pathlib import Path

import pytest

from app import create_app
from tests.races import naive

_patch = pytest.MonkeyPatch()
naive.bids_without_guard(_patch)
naive.looks_first(_patch, naive.MeetingOfProcesses(Path(os.environ["MEETING"]), 2))
app = create_app()
