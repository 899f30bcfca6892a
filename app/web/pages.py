"""The page that explains the rules."""

from flask import Blueprint, current_app, render_template

from app.core.access import Who, access
from app.core.money import MAXIMUM_CENTS, MINIMUM_CENTS

blueprint = Blueprint("web", __name__)


@blueprint.get("/help")
@access(Who.ANYONE)
def help_page() -> str:
    """How a sale goes, in plain words."""
    settings = current_app.config["SETTINGS"]
    return render_template(
        "web/help.html",
        settings=settings,
        window=in_words(settings.payment_window_seconds),
        minimum=MINIMUM_CENTS,
        maximum=MAXIMUM_CENTS,
    )


def in_words(seconds: int) -> str:
    """A length of time as people say it: `10 minutes`, `90 seconds`."""
    if seconds % 60 == 0:
        minutes = seconds // 60
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
