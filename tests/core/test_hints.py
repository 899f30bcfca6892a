"""Hints to the worker: those of one transaction leave in one message, and none ever raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.core import clock, events, jobs
from app.core.transaction import transaction
from dev.redis_server import RedisServer

JOB = "app.jobs.tasks.deliver_email"


@pytest.fixture
def settings_given(redis_server: RedisServer) -> dict[str, Any]:
    """A Redis for hints."""
    return {"redis_url": redis_server.url}


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """It, empty."""
    with Redis.from_url(redis_server.url) as found:
        found.flushall()
        found.config_resetstat()
        yield found


def queued(redis: Redis, name: str) -> list[Any]:
    """What the jobs of a queue are given, in their order."""
    line = Queue(name, connection=redis, serializer=JSONSerializer)
    return [job.args[0] for job in line.jobs]


def messages(redis: Redis) -> int:
    """How many transactions Redis was asked for."""
    return int(redis.info("commandstats").get("cmdstat_exec", {}).get("calls", 0))


def test_hints_given_together_leave_in_one_message_when_the_block_ends(
    app: Flask, redis: Redis
) -> None:
    with app.app_context():
        with jobs.together():
            jobs.hint("payments", JOB, 0, at=clock.now() + timedelta(hours=1))
            jobs.hint("mail", JOB, 1)
            with jobs.together():
                jobs.hint("mail", JOB, 2)
            jobs.hint("default", JOB, 3)
            jobs.hint("payments", JOB, 4, at=clock.now() + timedelta(hours=1))
            assert messages(redis) == 0
        assert messages(redis) == 1
        jobs.hint("mail", JOB, 5)
        assert messages(redis) == 2
    assert queued(redis, "mail") == [1, 2, 5]
    assert queued(redis, "default") == [3]
    later = Queue("payments", connection=redis, serializer=JSONSerializer).scheduled_job_registry
    assert len(later.get_job_ids()) == 2


def test_those_of_one_transaction_are_given_together(app: Flask, redis: Redis) -> None:
    with app.app_context():
        with transaction() as session:
            events.record(session, events.MailOwed(1))
            events.record(session, events.MailOwed(2))
        assert messages(redis) == 1
    assert queued(redis, "mail") == [1, 2]


def test_a_hint_that_cannot_be_given_raises_nothing(
    app: Flask, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), caplog.at_level(logging.ERROR):
        jobs.hint("mail", JOB, object())
    assert f"no hint for {JOB}" in caplog.text
    assert queued(redis, "mail") == []
