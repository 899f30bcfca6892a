"""Gunicorn's settings for live updates in a process of their own.

`PORT=5001 gunicorn -c deploy/gunicorn-live.conf.py wsgi:app`: the web process's settings, but for
what is said here. Needs `REDIS_URL`: bids are placed in other processes. It answers sockets and
`/health` only.
"""

import runpy
from pathlib import Path

_web = runpy.run_path(str(Path(__file__).with_name("gunicorn.conf.py")))
globals().update({name: value for name, value in _web.items() if not name.startswith("_")})

# A watcher waits nearly all the time: a thousand as greenlets cost a fraction of what four
# threads for each of them do (`python -m bench.live` measures both).
worker_class = "gevent"
# More than the application lets in, so that it is the application that refuses the others.
worker_connections = 8_000

# WEB_CONCURRENCY is meant for pages. One process serves thousands of watchers; for more of them:
# GUNICORN_CMD_ARGS="--workers 2".
workers = 1

# Browsers that are cut off come back by themselves: nobody waits for them to go.
graceful_timeout = 5
