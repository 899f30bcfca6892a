"""Hints to the worker through Redis: a job named here is owed by the database all the same."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, g
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from app.core import clock
from app.core.at_hand import notes_at_hand
from app.core.traces import trace_id

log = logging.getLogger(__name__)

QUEUES = ("payments", "mail", "default")
_JOB_SECONDS = 60
_FAILURE_SECONDS = 86_400
_SILENCE_SECONDS = 3.0


@dataclass
class _Silence:
    """After a failure nobody else waits for the same Redis to fail again."""

    until: float = 0.0


_silence = _Silence()


def connect_redis(url: str) -> Redis:
    """A connection that gives up within a second: nobody waits for a hint."""
    return Redis.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
    )


def connect_worker_redis(url: str) -> Redis:
    """A connection for the worker, which waits in Redis for jobs and so sets no read limit."""
    return Redis.from_url(url, socket_connect_timeout=2)


@dataclass(frozen=True)
class _Hint:
    queue: str
    job: str
    args: tuple[Any, ...]
    at: datetime | None
    trace: str | None


def hint(queue: str, job: str, *args: Any, at: datetime | None = None) -> None:
    """Ask the worker to run `job` (dotted name) now or at a moment; inside `together`, at its end.

    Never raises. While Redis is not set or away nobody is asked: the sweep will find what is owed
    in the database.
    """
    asked = _Hint(queue, job, args, at, trace_id())
    waiting: list[_Hint] | None = g.get("hints")
    if waiting is None:
        _send([asked])
    else:
        waiting.append(asked)


@contextmanager
def together() -> Iterator[None]:
    """Send what is hinted in a block at its end, in one message to Redis."""
    here = notes_at_hand()
    if "hints" in here:
        yield
        return
    here.hints = []
    try:
        yield
    finally:
        hints = here.pop("hints")
        if hints:
            _send(hints)


def _send(hints: list[_Hint]) -> None:
    redis = current_app.extensions.get("hint_redis")
    if redis is None or time.monotonic() < _silence.until:
        return
    jobs = ", ".join(sorted({each.job for each in hints}))
    try:
        with redis.pipeline() as message:
            # RQ would begin it with the first job that is not for later, which may be the second.
            message.multi()
            for each in hints:
                _add(message, Queue(each.queue, redis, serializer=JSONSerializer), each)
            message.execute()
    except (RedisError, OSError) as away:
        _silence.until = time.monotonic() + _SILENCE_SECONDS
        log.warning("no hint for %s: Redis is away (%s)", jobs, type(away).__name__)
    except Exception:
        log.exception("no hint for %s", jobs)


def _add(message: Pipeline, line: Queue, asked: _Hint) -> None:
    how: dict[str, Any] = {
        "job_timeout": _JOB_SECONDS,
        "result_ttl": 0,
        "failure_ttl": _FAILURE_SECONDS,
        "meta": {"trace": asked.trace},
        "pipeline": message,
    }
    if asked.at is not None and asked.at > clock.now():
        line.enqueue_at(asked.at, asked.job, *asked.args, **how)
    else:
        line.enqueue(asked.job, *asked.args, **how)
