"""The web process: pages, JSON API and live updates."""

import os
import sys

from app import create_app
from app.config import SettingsError
from app.core.extensions import socketio
from app.core.schema import SchemaTooOld, refuse_older_schema

# Flask's own mark.
_runs_a_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"

try:
    app = create_app()
    # Commands run on any schema: one of them brings it up to date.
    if not _runs_a_command:
        refuse_older_schema(app.config["SETTINGS"])
except SettingsError as wrong:
    print(wrong.report("Guess The Worth"), file=sys.stderr)
    if _runs_a_command:
        from app.operations.commands import tell_wrong_settings

        tell_wrong_settings(sys.argv, wrong.problems)
    sys.exit(2)
except SchemaTooOld as older:
    print(f"Guess The Worth cannot start: {older}", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    settings = app.config["SETTINGS"]
    # Werkzeug's server is for one developer's machine; deployments use gunicorn.
    socketio.run(app, host=settings.host, port=settings.port, allow_unsafe_werkzeug=True)
