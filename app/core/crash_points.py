"""Named places where a test may have the process die, to see that a restart makes all good.

Unarmed, and so always outside a test, reaching one does nothing.
"""

import os
import signal

from flask import current_app

from app.config import Settings


def reached(name: str) -> None:
    """Die here as by SIGKILL when `name` is armed: nothing is flushed, closed or rolled back.

    Armed is what has a file of its name in the folder CRASH_POINTS. The first process to get here
    takes the file away, so each arming costs one life and the next process goes on.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if settings.crash_points is None:
        return
    try:
        (settings.crash_points / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
