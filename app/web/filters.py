"""What every template may use: money and moments in words, the server's clock."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from app.core import clock
from app.core.money import usd


def utc(moment: datetime) -> str:
    """A moment as people read it: `23 Nov 2026, 14:05 UTC`."""
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def coded(text: str) -> Markup:
    """Words in `backticks` as code."""
    parts = [str(escape(part)) for part in text.split("`")]
    return Markup(  # noqa: S704 (every part is escaped)
        "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
    )


def _present() -> dict[str, Any]:
    return {"now": clock.now()}


def init_filters(app: Flask) -> None:
    """Give templates `usd`, `iso`, `utc`, `coded` and `now` (the server's clock)."""
    app.jinja_env.filters.update(usd=usd, iso=clock.iso, utc=utc, coded=coded)
    app.context_processor(_present)
