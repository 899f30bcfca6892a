"""Static files under addresses that change with their content: kept for good, sent compressed."""

import gzip
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.security import safe_join

_KEEP = "public, max-age=31536000, immutable"
_TEXT = {"text/css", "text/javascript", "image/svg+xml"}


@dataclass(frozen=True)
class StaticFile:
    """A file's short digest (twelve hex digits of its SHA-256) and its content, compressed."""

    fingerprint: str
    gzipped: bytes


class StaticFiles:
    """What is known of each static file; read again when the file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, StaticFile]] = {}
        self._places: dict[str, str] = {}

    def of(self, name: str) -> StaticFile | None:
        """The file of that name inside the folder, or None when there is none."""
        place = self._places.get(name) or safe_join(str(self._folder), name)
        if place is None:
            return None
        try:
            found = os.stat(place)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        changed = found.st_mtime_ns
        # By its place: one file may be asked for by endlessly many names.
        known = self._known.get(place)
        if known is None or known[0] != changed:
            content = Path(place).read_bytes()
            fingerprint = hashlib.sha256(content).hexdigest()[:12]
            # Without a moment in it, so that every process makes the same bytes.
            known = (changed, StaticFile(fingerprint, gzip.compress(content, mtime=0)))
            self._known[place] = known
            # As the file was first asked for, which is how templates name it.
            self._places[name] = place
        return known[1]


def init_static_files(app: Flask) -> None:
    """Let `url_for("static", …)` carry the fingerprint, and answer such addresses for a year.

    Only static files are compressed: pages hold secrets beside what a stranger may have chosen,
    and their compressed length would tell about both (breachattack.com).
    """
    files = StaticFiles(Path(app.static_folder or ""))

    @app.url_defaults
    def add_fingerprint(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values:
            file = files.of(values.get("filename", ""))
            if file:
                values["v"] = file.fingerprint

    @app.after_request
    def keep_static(response: Response) -> Response:
        if request.endpoint == "static":
            file = files.of((request.view_args or {}).get("filename", ""))
            fresh = file is not None and request.args.get("v") == file.fingerprint
            response.headers["Cache-Control"] = _KEEP if fresh else "no-cache"
            if file is not None and response.mimetype in _TEXT:
                _compress(response, file.gzipped)
        return response


def _compress(response: Response, gzipped: bytes) -> None:
    response.vary.add("Accept-Encoding")
    whole = response.status_code == 200 and request.method == "GET"
    if whole and request.accept_encodings["gzip"]:
        response.close()
        response.direct_passthrough = False
        response.set_data(gzipped)
        response.content_encoding = "gzip"
        # The same tag names both forms of the file, and so is a weak one.
        response.set_etag(response.get_etag()[0] or "", weak=True)
