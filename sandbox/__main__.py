"""Run the sandbox: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.app import Expirer, create_app
from sandbox.store import Store
from sandbox.webhooks import Deliverer
from sandbox.world import World


class Handler(WSGIRequestHandler):
    """Leaves every header to the application."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin the answer without a Date of its own: the sandbox's clock may be set wrong."""
        self.log_request(code)
        self.send_response_only(code, message)


class QuietHandler(Handler):
    """Logs errors and no requests."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing."""


_STOPPING = {signal.SIGINT, signal.SIGTERM}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, with the environment (`SANDBOX_…`) behind it; exits 2 when wrong."""
    env = os.environ
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stand-in for Stripe on this machine. No money moves.",
    )
    parser.add_argument("--host", default=env.get("SANDBOX_HOST", "127.0.0.1"))
    parser.add_argument(
        "--port",
        type=int,
        default=env.get("SANDBOX_PORT", "12111"),
        help="0 picks a free one",
    )
    parser.add_argument(
        "--public-url", default=env.get("SANDBOX_PUBLIC_URL"), help="how browsers reach it"
    )
    parser.add_argument("--webhook-url", default=env.get("SANDBOX_WEBHOOK_URL"))
    parser.add_argument("--webhook-secret", default=env.get("SANDBOX_WEBHOOK_SECRET", ""))
    parser.add_argument(
        "--state", default=env.get("SANDBOX_STATE"), help="a file that outlives the process"
    )
    parser.add_argument("--merchant", default=env.get("SANDBOX_MERCHANT", "Guess The Worth"))
    parser.add_argument("--verbose", action="store_true", help="log every request")
    given = parser.parse_args(argv)
    if not 0 <= given.port <= 65535:
        parser.error("--port must be 0 to 65535")
    for name in ("webhook_url", "public_url"):
        address = getattr(given, name)
        if address and urlsplit(address).scheme not in ("http", "https"):
            parser.error(f"--{name.replace('_', '-')} must be an http or https address")
    if given.webhook_url and not given.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret, for example whsec_sandbox")
    return given


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    given = arguments(argv)
    # Held back in every thread, to be waited for below: a handler could interrupt any lock.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    store = Store(given.state)
    world = World(
        store=store,
        base_url="",
        merchant=given.merchant,
        webhook_url=given.webhook_url or None,
        webhook_secret=given.webhook_secret,
    )
    server = make_server(
        given.host,
        given.port,
        create_app(world),
        threaded=True,
        request_handler=Handler if given.verbose else QuietHandler,
    )
    here = f"http://{given.host}:{server.server_port}"
    world.base_url = (given.public_url or here).rstrip("/")
    workers = (Deliverer(world), Expirer(world))
    for worker in workers:
        worker.start()
    serving = threading.Thread(target=server.serve_forever, name="server", daemon=True)
    serving.start()
    print(f"sandbox listening on {here}", flush=True)
    signal.sigwait(_STOPPING)
    server.shutdown()
    for worker in workers:
        worker.stop()
    world.barriers.release_all()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
