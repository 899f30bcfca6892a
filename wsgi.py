"""The web process: pages, JSON API and live updates."""

import sys

from app import create_app
from app.config import SettingsError
from app.core.extensions import socketio

try:
    app = create_app()
except SettingsError as wrong:
    print(wrong.report("Guess The Worth"), file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    settings = app.config["SETTINGS"]
    # Werkzeug's server is for one developer's machine; deployments use gunicorn.
    socketio.run(app, host=settings.host, port=settings.port, allow_unsafe_werkzeug=True)
