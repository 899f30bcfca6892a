"""Static files under addresses that change with their content: they may be kept for good."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_KEEP = "public, max-age=31536000, immutable"


class Fingerprints:
    """The short digest of each static file; read again when the file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, str]] = {}

    def of(self, name: str) -> str | None:
        """Twelve hex digits of the file's SHA-256, or None when there is no such file."""
        path = self._folder / name
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(name)
        if known is None or known[0] != changed:
            known = (changed, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
            self._known[name] = known
        return known[1]


def init_static_files(app: Flask) -> None:
    """Let `url_for("static", …)` carry the fingerprint, and answer such addresses for a year."""
    prints = Fingerprints(Path(app.static_folder or ""))

    @app.url_defaults
    def add_fingerprint(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values:
            fingerprint = prints.of(values.get("filename", ""))
            if fingerprint:
                values["v"] = fingerprint

    @app.after_request
    def keep_static(response: Response) -> Response:
        if request.endpoint == "static":
            name = (request.view_args or {}).get("filename", "")
            asked = request.args.get("v")
            fresh = asked is not None and asked == prints.of(name)
            response.headers["Cache-Control"] = _KEEP if fresh else "no-cache"
        return response
