"""Hints to the worker through Redis: a job named here is owed by the database all the same."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from app.core import clock
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


def hint(queue: str, job: str, *args: Any, at: datetime | None = None) -> bool:
    """Ask the worker to run `job` (dotted name) now or at a moment.

    False when Redis is not set or away: the sweep will find what is owed in the database.
    """
    redis = current_app.extensions.get("hint_redis")
    if redis is None or time.monotonic() < _silence.until:
        return False
    how: dict[str, Any] = {
        "job_timeout": _JOB_SECONDS,
        "result_ttl": 0,
        "failure_ttl": _FAILURE_SECONDS,
        "meta": {"trace": trace_id()},
    }
    try:
        line = Queue(queue, connection=redis, serializer=JSONSerializer)
        if at is not None and at > clock.now():
            line.enqueue_at(at, job, *args, **how)
        else:
            line.enqueue(job, *args, **how)
    except (RedisError, OSError) as away:
        _silence.until = time.monotonic() + _SILENCE_SECONDS
        log.warning("no hint for %s: Redis is away (%s)", job, type(away).__name__)
        return False
    return True
