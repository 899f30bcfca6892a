"""The worker process: RQ's jobs (payments, mail, default) and the periodic sweep.

The sweep and the jobs each run in a child of their own, and are started anew when they end: the
sweep goes on while Redis is away. Several workers may run at once.
"""

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from app import create_app
from app.config import Settings, SettingsError
from app.core.extensions import db
from app.core.jobs import QUEUES, connect_worker_redis
from app.core.schema import SchemaTooOld, refuse_older_schema
from app.core.traces import following
from app.jobs.service import settle_what_is_due
from app.jobs.sweep import FIGURES, MAIL, PAYMENTS, TIDY, sweep

log = logging.getLogger("worker")

_RESTART_SECONDS = 1.0
_STOP_SECONDS = 10.0
_TIDY_SECONDS = 600.0
_FIGURES_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1


class ProductWorker(Worker):
    """An RQ worker whose jobs run inside the application's context."""

    product: Flask

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        with self.product.app_context(), following(job.meta.get("trace")):
            try:
                return super().perform_job(job, queue, execution)
            finally:
                db.session.remove()


def run_jobs(app: Flask, settings: Settings) -> None:
    """Work on RQ's queues until told to stop, or until Redis goes away; waits for it first."""
    if settings.redis_url is None:
        threading.Event().wait()
    ProductWorker.product = app
    connection = connect_worker_redis(str(settings.redis_url))
    _await_redis(connection)
    worker = ProductWorker(
        [Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
    )
    try:
        worker.work(with_scheduler=True, logging_level="WARNING")
    except (RedisError, OSError) as away:
        log.warning("Redis went away (%s)", type(away).__name__)


def _await_redis(connection: Redis) -> None:
    said = False
    while True:
        try:
            connection.ping()
            return
        except (RedisError, OSError) as away:
            if not said:
                log.warning("Redis is away (%s); the sweep goes on alone", type(away).__name__)
                said = True
            time.sleep(_RESTART_SECONDS)


def run_sweeps(app: Flask, settings: Settings) -> None:
    """Sweep payments and mail, watch deadlines, and now and then count and tidy up, for ever.

    Each in a thread of its own: none waits for another.
    """

    def every_interval(part: str, seconds: float) -> None:
        while True:
            started = time.monotonic()
            try:
                with app.app_context():
                    sweep(parts=(part,))
            except Exception:
                # The next pass starts from the database again; a sweep that stops would not.
                log.exception("%s failed; the next pass tries again", part)
            took = time.monotonic() - started
            time.sleep(max(0.2, seconds - took))

    def at_deadlines() -> None:
        while True:
            wait = _RESTART_SECONDS
            try:
                with app.app_context():
                    wait = settle_what_is_due()
            except Exception:
                log.exception("the deadlines could not be watched; the sweep goes on")
            time.sleep(max(0.02, wait))

    usual = settings.sweep_interval_seconds
    threading.Thread(target=at_deadlines, daemon=True).start()
    others = ((MAIL, usual), (FIGURES, _FIGURES_SECONDS), (TIDY, _TIDY_SECONDS))
    for part, seconds in others:
        threading.Thread(target=every_interval, args=(part, seconds), daemon=True).start()
    every_interval(PAYMENTS, usual)


def _fork(work: Callable[[Flask, Settings], None], app: Flask, settings: Settings) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end_with(parent)
        work(app, settings)
        code = 0
    except (KeyboardInterrupt, SystemExit):
        code = 0
    except BaseException:
        log.exception("%s ended", work.__name__)
    finally:
        logging.shutdown()
        os._exit(code)


def _end_with(parent: int) -> None:
    """End this child when its parent dies, however it dies."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # RQ forks its scheduler and its work horses from here: they end with this child too.
        os.register_at_fork(after_in_child=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Run until SIGTERM or SIGINT. 2 when a setting is wrong or the database is not migrated."""
    try:
        app = create_app()
        refuse_older_schema(app.config["SETTINGS"])
    except SettingsError as wrong:
        print(wrong.report("The worker"), file=sys.stderr)
        return 2
    except SchemaTooOld as older:
        print(f"The worker cannot start: {older}", file=sys.stderr)
        return 2
    settings: Settings = app.config["SETTINGS"]
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    tasks = (run_jobs, run_sweeps)
    children = {_fork(task, app, settings): task for task in tasks}
    print("worker ready", flush=True)
    while not stopping:
        ended, _status = os.waitpid(-1, os.WNOHANG)
        if ended in children:
            task = children.pop(ended)
            log.warning("%s ended and is started again", task.__name__)
            time.sleep(_RESTART_SECONDS)
            children[_fork(task, app, settings)] = task
        else:
            time.sleep(0.1)
    _stop(list(children))
    return 0


def _stop(children: list[int]) -> None:
    for child in children:
        os.kill(child, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    left = set(children)
    while left and time.monotonic() < until:
        left -= {child for child in left if os.waitpid(child, os.WNOHANG)[0]}
        time.sleep(0.05)
    for child in left:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main())
