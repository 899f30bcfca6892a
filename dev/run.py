"""`python -m dev.run` (`make run`): the whole product on this machine, with no account anywhere.

Starts Redis, a mail catcher, the Stripe sandbox, the web process and a worker; ends them all,
whatever happens to this process.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shlex import quote
from typing import Any

from dev.instance import Instance, InstanceInUse, fingerprint
from dev.leash import hold
from dev.loopback import LOOPBACK, accepts
from dev.processes import Child, ProcessRunner
from dev.redis_server import RedisDidNotStart, RedisNotFound, start_redis
from dev.settings import (
    Ports,
    SettingRefused,
    as_env_file,
    choose_stripe,
    public_url,
    read_environment,
    usable_mail_server,
    usable_redis,
)

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90.0
PEOPLE = {
    "Sellers": ("seller1@example.com", "seller2@example.com", "seller3@example.com"),
    "Buyers": (
        "buyer1@example.com",
        "buyer2@example.com",
        "buyer3@example.com",
        "buyer4@example.com",
    ),
    "Admin": ("admin@example.com",),
}
PASSWORD = "guess-the-worth-demo"  # noqa: S105 - made-up people on the reader's own machine
# What others need is ended after who needs it.
SERVICES, PRODUCT = 0, 1


class CouldNotStart(RuntimeError):
    """Something did not come up; the text says what."""


class Stopped(Exception):
    """Somebody asked to stop while things were starting."""


class Run:
    """One run of everything."""

    def __init__(self, instance: Instance, runner: ProcessRunner, wanted: Ports) -> None:
        """Settle ports, secrets and which parts the settings already provide."""
        self.instance = instance
        self.runner = runner
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []
        self.given = read_environment(os.environ, env_file())
        self.ports = wanted.made_free()
        self.notes += self.ports.moved_from(wanted)
        self.app_url = public_url(self.given, self.ports.app)
        self.webhook_url = f"http://{LOOPBACK}:{self.ports.app}/api/payments/webhook"
        self.stripe = choose_stripe(self.given, self.webhook_url)
        self.own_redis = not usable_redis(self.given)
        self.own_mail = not usable_mail_server(self.given)
        for name, own in (("REDIS_URL", self.own_redis), ("MAIL_SERVER", self.own_mail)):
            if own and name in self.given:
                self.notes.append(f"nothing answers at {name}; using an own server")
        self.environment = self._environment()
        # Where commands find the settings of this run, once it has begun.
        self.env_file = instance.path("env")

    @property
    def own_database(self) -> bool:
        """Whether the database is the SQLite file in the instance's folder."""
        return "DATABASE_URL" not in self.given

    def start(self) -> None:
        """Start everything and wait until it answers; raises CouldNotStart or Stopped."""
        mark = fingerprint(ROOT / "migrations", ROOT / "app" / "demo")
        # Takes longest where there is something to do, and needs nothing of what comes next.
        preparing = self._begin_preparing(mark)
        if self.own_redis:
            self._start_redis()
        self.env_file = self.instance.write_private("env", as_env_file(self.environment))
        waiting: dict[str, Callable[[], bool]] = {}
        if self.own_mail:
            self._start_mail_catcher()
            waiting["mail"] = lambda: accepts(self.ports.mail_page) and accepts(self.ports.smtp)
        if self.stripe.sandbox:
            self._start_sandbox()
            waiting["sandbox"] = lambda: accepts(self.ports.sandbox)
        if preparing:
            self._finish_preparing(preparing, mark)
        self._start("web", "gunicorn", "-c", ROOT / "deploy" / "gunicorn.conf.py", "wsgi:app")
        self._start("worker", script="worker.py")
        waiting["web"] = self._is_healthy
        self._wait_for(waiting)
        self.seconds["total"] = time.monotonic() - self.began

    def addresses(self) -> dict[str, Any]:
        """Return everything that a program needs in order to use this run."""
        sandbox = f"http://{LOOPBACK}:{self.ports.sandbox}" if self.stripe.sandbox else None
        return {
            "app": self.app_url,
            "mail": f"http://{LOOPBACK}:{self.ports.mail_page}" if self.own_mail else None,
            "smtp_port": self.ports.smtp if self.own_mail else None,
            "sandbox": sandbox,
            "webhook": self.webhook_url,
            "redis_url": self.environment["REDIS_URL"],
            "database_url": self.environment["DATABASE_URL"],
            "instance": str(self.instance.folder),
            "env_file": str(self.env_file),
            "pid": os.getpid(),
            "processes": {child.name: child.process.pid for child in self.runner.children},
            "people": [email for group in PEOPLE.values() for email in group],
            "password": PASSWORD,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def announcement(self) -> list[str]:
        """Return what a person needs in order to use this run."""
        places = [("The product", self.app_url)]
        if self.own_mail:
            places.append(("Its e-mails", f"http://{LOOPBACK}:{self.ports.mail_page}"))
        if self.stripe.sandbox:
            places.append(("Stripe sandbox", f"http://{LOOPBACK}:{self.ports.sandbox}"))
        shown = self.env_file
        if shown.is_relative_to(ROOT):
            shown = shown.relative_to(ROOT)
        doctor = f"ENV_FILE={quote(str(shown))} .venv/bin/flask --app wsgi doctor"
        times = " · ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        return [
            "",
            *(f"  {what:<16}{where}" for what, where in places),
            "",
            *(f"  {group:<16}{', '.join(emails)}" for group, emails in PEOPLE.items()),
            f"  {'Password':<16}{PASSWORD}  (the same for all)",
            "",
            f"  {'Commands':<16}{doctor}",
            "",
            *(f"  {note}" for note in (*self.notes, *self.stripe.notes)),
            f"  Ready: {times}. Ctrl-C stops everything.",
            "",
        ]

    def _environment(self) -> dict[str, str]:
        own = {
            "SECRET_KEY": self.given.get("SECRET_KEY") or self.instance.secret("secret_key"),
            "PUBLIC_URL": self.app_url,
            "HOST": self.given.get("HOST", LOOPBACK),
            "PORT": str(self.ports.app),
            "WEB_CONCURRENCY": self.given.get("WEB_CONCURRENCY", "1"),
            # Everybody here has the same address.
            "RATELIMIT_FACTOR": self.given.get("RATELIMIT_FACTOR", "20"),
            # A page left open keeps its websocket, and so the web process, as long as it may.
            "GUNICORN_CMD_ARGS": f"{self.given.get('GUNICORN_CMD_ARGS', '')} --graceful-timeout 2",
            "UPLOAD_DIR": self.given.get("UPLOAD_DIR", str(self.instance.path("uploads"))),
        }
        if self.own_database:
            own["DATABASE_URL"] = f"sqlite:///{self.instance.database}"
        if self.stripe.sandbox:
            own["STRIPE_SECRET_KEY"] = "sk_test_sandbox"  # noqa: S105 - the sandbox takes any
            own["STRIPE_WEBHOOK_SECRET"] = f"whsec_{self.instance.secret('webhook_secret')}"
            own["STRIPE_API_BASE"] = f"http://{LOOPBACK}:{self.ports.sandbox}"
        elif "STRIPE_WEBHOOK_SECRET" not in self.given:
            # The product insists on one; nobody knows this one, so all webhooks are refused.
            own["STRIPE_WEBHOOK_SECRET"] = f"whsec_{self.instance.secret('webhook_secret')}"
        if self.own_mail:
            own["MAIL_SERVER"] = LOOPBACK
            own["MAIL_PORT"] = str(self.ports.smtp)
            own["MAIL_USE_TLS"] = "0"
        if "MAIL_DEFAULT_SENDER" not in self.given:
            own["MAIL_DEFAULT_SENDER"] = "Guess The Worth <no-reply@example.com>"
        ours = {**self.given, **own}
        if self.own_mail:
            # The catcher knows no accounts. Empty, not absent: absent would be read from .env.
            ours |= {name: "" for name in ("MAIL_USERNAME", "MAIL_PASSWORD") if name in ours}
        return ours

    def _start(
        self,
        name: str,
        module: str = "",
        *arguments: str | Path,
        script: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        program = [script] if script else ["-m", module]
        self.runner.start(
            name,
            [sys.executable, *program, *arguments],
            env={**self.environment, **(environment or {})},
            cwd=ROOT,
            stage=PRODUCT if name in {"web", "worker"} else SERVICES,
        )

    def _start_redis(self) -> None:
        began = time.monotonic()
        folder = self.instance.path("redis")
        server = start_redis(folder, self.instance.secret("redis_password"))
        self.runner.adopt("redis", server.process, stage=SERVICES)
        self.environment["REDIS_URL"] = server.url
        self.seconds["redis"] = time.monotonic() - began

    def _start_mail_catcher(self) -> None:
        ports = ["--smtp-port", str(self.ports.smtp), "--http-port", str(self.ports.mail_page)]
        self._start("mail", "dev.mail_catcher", *ports, "--keep", self.instance.path("mail"))

    def _start_sandbox(self) -> None:
        self._start(
            "sandbox",
            "sandbox",
            *("--host", LOOPBACK, "--port", str(self.ports.sandbox)),
            *("--webhook-url", self.webhook_url),
            *("--state", self.instance.path("sandbox.sqlite3")),
            # Not on the command line, which everybody on this machine can read.
            environment={"SANDBOX_WEBHOOK_SECRET": self.environment["STRIPE_WEBHOOK_SECRET"]},
        )

    def _begin_preparing(self, mark: str) -> Child | None:
        """Migrate and seed, unless the very same was done for this database before."""
        if self.own_database and self.instance.is_prepared(mark):
            return None
        empty = self.own_database and not self.instance.database.exists()
        return self.runner.start(
            "database",
            [sys.executable, "-m", "dev.prepare", *(["--empty"] if empty else [])],
            # Nobody is there yet who would listen. Empty, not absent, as above.
            env={**self.environment, "REDIS_URL": ""},
            cwd=ROOT,
        )

    def _finish_preparing(self, preparing: Child, mark: str) -> None:
        status = self.runner.finish(preparing)
        if self.runner.stopping:
            raise Stopped
        if status != 0:
            raise CouldNotStart(f"the database could not be prepared ({status})")
        self.instance.set_prepared(mark)
        self.seconds["database"] = time.monotonic() - self.began

    def _is_healthy(self) -> bool:
        page = HTTPConnection(LOOPBACK, self.ports.app, timeout=2)
        try:
            page.request("GET", "/health")
            return page.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            page.close()

    def _wait_for(self, waiting: dict[str, Callable[[], bool]]) -> None:
        left = dict(waiting)
        began = time.monotonic()
        while left:
            if self.runner.stopping:
                raise Stopped
            dead = self.runner.dead_child()
            if dead is not None:
                raise CouldNotStart(f"{dead.name} ended ({dead.process.returncode})")
            if time.monotonic() - began > READY_SECONDS:
                raise CouldNotStart(f"no answer from {', '.join(left)} in {READY_SECONDS:.0f} s")
            for name in [name for name, is_ready in left.items() if is_ready()]:
                self.seconds[name] = time.monotonic() - began
                del left[name]
            time.sleep(0.03)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.run", description=__doc__)
    parser.add_argument(
        "--instance", type=Path, default=ROOT / "instance", help="folder to keep everything in"
    )
    parser.add_argument(
        "--port", type=int, help="the product's port (0: any free port, for everything)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON line when ready, all else on stderr"
    )
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the calling process ends"
    )
    return parser.parse_args(arguments)


def env_file() -> Path:
    """Return the file that completes the environment, the one that the product reads too."""
    return Path(os.environ.get("ENV_FILE") or ROOT / ".env")


def wanted_ports(option: int | None) -> Ports:
    """Return the ports to try first: the option, then PORT, then the usual ones."""
    if option == 0:
        return Ports(0, 0, 0, 0)
    chosen = read_environment(os.environ, env_file()).get("PORT", "")
    return Ports(app=option or (int(chosen) if chosen.isdigit() else Ports.app))


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C, SIGTERM, or the end of any part; returns the exit status."""
    options = parse(arguments)
    runner = ProcessRunner(output=sys.stderr if options.json else sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: runner.ask_to_stop())
    if options.stop_with_parent:
        hold(signal.SIGTERM, os.getppid())
    try:
        instance = Instance(options.instance)
    except InstanceInUse as error:
        print(f"make run: {error}; stop that one first", file=sys.stderr)
        return 1
    with runner:
        try:
            run = Run(instance, runner, wanted_ports(options.port))
            run.start()
            if options.json:
                print(json.dumps(run.addresses()), flush=True)
            for line in run.announcement():
                runner.say(line)
            dead = runner.wait()
            if dead is not None:
                raise CouldNotStart(f"{dead.name} ended ({dead.process.returncode})")
        except Stopped:
            pass
        except (CouldNotStart, SettingRefused, RedisNotFound, RedisDidNotStart) as error:
            runner.say(f"make run: {error}; stopping everything")
            return 1
        runner.say("Stopping…")
    instance.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
