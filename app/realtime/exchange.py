"""How several processes share live updates: through one Redis channel, or not at all.

python-socketio's own Redis manager waits up to a minute before it listens again after an outage,
and tells nobody what was missed. This one is back within seconds, and says so.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from socketio.pubsub_manager import PubSubManager

from app.core.cores import come_home
from app.realtime.pacing import Pace
from app.realtime.rules import ArtworkStatus, NewBid

log = logging.getLogger(__name__)

# What the browser's client understands: poll as well, and: all that was missed can be had now.
PAUSED = "live_paused"
RESUMED = "live_resumed"

_PUBLISH_SECONDS = 0.5
# So long nothing is published after a failure: a Redis that hangs must not slow every bid down.
_SILENCE_SECONDS = 1.0
_ASK_AFTER_SECONDS = 10.0
_DEAD_AFTER_SECONDS = 20.0
_LONGEST_WAIT = 3.0
_FIRST_CONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class _Arrived:
    """Another process's `new_bid`, as it came."""

    artwork_id: int
    bid_count: int
    message: dict[str, Any]


class Exchange(PubSubManager):
    """Delivers to the sockets of this process at once, and to those of others through Redis.

    A process that has no sockets (a worker) only publishes. With Redis away nothing raises and
    nobody waits: this process's own sockets are told to poll until it is back.
    """

    name = "exchange"

    def __init__(self, url: str | None, channel: str) -> None:
        """Share on `channel` of the Redis at `url`; None: this process stays alone."""
        super().__init__(channel=channel, write_only=url is None)
        self._url = url
        self._silent_until = 0.0
        self._listening = threading.Event()
        self._away = False
        # Every process keeps to the pace by itself, but together they would not.
        self._arrivals = Pace[_Arrived](self._deliver)
        # By thread: what it publishes at the end of `together`.
        self._gathered = threading.local()
        self._publisher = (
            Redis.from_url(
                url,
                socket_connect_timeout=_PUBLISH_SECONDS,
                socket_timeout=_PUBLISH_SECONDS,
                retry=Retry(NoBackoff(), 1),
            )
            if url
            else None
        )

    @property
    def host_id(self) -> str:
        """Who this process is. A child of a fork is somebody else than its parent."""
        return f"{self._host}:{os.getpid()}"

    @host_id.setter
    def host_id(self, value: str) -> None:
        self._host = value

    def initialize(self) -> None:
        """Begin to listen, before the first socket is told that it is connected."""
        super().initialize()
        if self._url:
            self._listening.wait(_FIRST_CONNECT_SECONDS)

    def disconnect_room(self, room: str) -> None:
        """Disconnect every socket in a room, whichever process holds it."""
        self._disconnect_here(room)
        self._publish({"method": "disconnect_room", "room": room, "host_id": self.host_id})

    def _disconnect_here(self, room: str) -> None:
        for sid, _ in list(self.get_participants("/", room)):
            self.server.disconnect(sid, ignore_queue=True)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Publish what this thread says in a block at its end, as one message."""
        if getattr(self._gathered, "messages", None) is not None:
            yield
            return
        self._gathered.messages = messages = list[dict[str, Any]]()
        try:
            yield
        finally:
            self._gathered.messages = None
            if messages:
                self._send(messages[0] if len(messages) == 1 else messages)

    def _publish(self, data: dict[str, Any]) -> None:
        messages = getattr(self._gathered, "messages", None)
        if messages is None:
            self._send(data)
        else:
            messages.append(data)

    def _send(self, said: dict[str, Any] | list[dict[str, Any]]) -> None:
        if self._publisher is None or time.monotonic() < self._silent_until:
            return
        try:
            self._publisher.publish(self.channel, json.dumps(said))
        except (RedisError, OSError) as away:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            log.warning("a live update did not leave this process: %s", type(away).__name__)
        except Exception:
            log.exception("a live update could not leave this process")

    def _listen(self) -> Iterator[dict[str, Any]]:
        # A request that left its lane for its socket has started this thread.
        come_home()
        wait = 0.25
        while True:
            try:
                for message in self._subscribed():
                    wait = 0.25
                    yield message
            except (RedisError, OSError) as away:
                log.warning("live updates of other processes are away: %s", type(away).__name__)
                self._away = True
                self._tell(PAUSED)
            self._listening.clear()
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _subscribed(self) -> Iterator[dict[str, Any]]:
        """What others publish, until the connection is lost: then RedisError or OSError."""
        connection = Redis.from_url(
            str(self._url), socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        heard_at = time.monotonic()
        resume_at = None
        with connection, connection.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(self.channel)
            while True:
                message = subscription.get_message(timeout=1.0)
                moment = time.monotonic()
                if message is not None:
                    heard_at = moment
                elif moment - heard_at > _DEAD_AFTER_SECONDS:
                    raise ConnectionError("Redis does not answer")
                elif moment - heard_at > _ASK_AFTER_SECONDS:
                    subscription.ping()
                if message is not None and message["type"] == "subscribe":
                    self._listening.set()
                    # Other processes may still keep silent: only then is nothing missed any more.
                    resume_at = moment + _SILENCE_SECONDS + 2 * _PUBLISH_SECONDS
                if self._away and resume_at is not None and moment >= resume_at:
                    self._away = False
                    self._tell(RESUMED)
                if message is not None and message["type"] == "message":
                    yield from self._read(message["data"])

    def _read(self, data: bytes) -> Iterator[dict[str, Any]]:
        try:
            said = json.loads(data)
        except ValueError:
            said = None
        for message in said if isinstance(said, list) else [said]:
            yield from self._hear(message)

    def _hear(self, message: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(message, dict):
            log.warning("something on the channel of live updates is not ours")
        elif message.get("host_id") == self.host_id:
            # Done here before it was published.
            return
        elif message.get("method") == "disconnect_room":
            self._disconnect_here(str(message.get("room")))
        elif message.get("event") in (NewBid.name, ArtworkStatus.name):
            yield from self._in_its_time(message)
        else:
            yield message

    def _in_its_time(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            told = message["data"][0]
            if message["event"] == NewBid.name:
                self._arrivals.offer(_Arrived(told["artwork_id"], told["bid_count"], message))
                return
            self._arrivals.flush(told["artwork_id"])
        except (IndexError, KeyError, TypeError):
            log.warning("an update of another process is not as ours are")
            return
        yield message

    def _deliver(self, arrived: Sequence[_Arrived]) -> None:
        for each in arrived:
            try:
                self._handle_emit(each.message)
            except Exception:
                log.exception("an update of another process could not be delivered")

    def _tell(self, name: str) -> None:
        self.emit(name, {}, namespace="/", ignore_queue=True)
