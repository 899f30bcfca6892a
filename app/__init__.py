"""Guess The Worth. `create_app` makes the application, as `app.wiring` puts it together."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    # What modules make as they are loaded stays; the garbage collector would look through all of it
    # again and again, in a sixth of the time that loading takes.
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_collecting_nothing()
def create_app(settings: "Settings | None" = None) -> "Flask":
    """The application for `settings` (from the environment when not given).

    Raises SettingsError when a setting is missing or wrong.
    """
    # Imported no sooner than needed: a single module of ours does without all of it, and settings
    # that are refused are refused at once.
    from app import config

    settings = settings or config.read_settings()
    from app import wiring
    from app.core.memory import return_large_blocks

    return_large_blocks()
    app = wiring.Product(
        __name__,
        template_folder=str(config.ROOT / "templates"),
        instance_path=str(config.INSTANCE),
        static_folder="static",
    )
    wiring.configure(app, settings)
    wiring.bind_extensions(app, settings)
    wiring.register_packages(app)
    return app
