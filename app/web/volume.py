"""How much one address asks for, whatever it is: counted here, and put together in Redis.

A round trip to Redis for each request would take as long as half a page.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from app.core import clock
from app.core.errors import TooManyRequests

_WINDOW_SECONDS = 60
# Redis is told of so many requests at once: each process may let through as many unseen by others.
_TOLD_TOGETHER = 50
# After a failure nobody else waits for the same Redis to fail again.
_SILENCE_SECONDS = 5
_ADDRESSES_KEPT = 10_000


@dataclass
class _Count:
    window: int
    told: int = 0
    untold: int = 0


class Volume:
    """At most `times` requests from an address within a minute, from all processes together.

    Without Redis each process counts by itself. `prefix` is this deployment's own.
    """

    def __init__(self, times: int, redis: Redis | None, prefix: str) -> None:
        self._times = times
        self._redis = redis
        self._prefix = prefix
        self._silent_until = 0.0
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def count(self, address: str) -> None:
        """Count a request; raises TooManyRequests, which says when the present minute is over."""
        moment = clock.now().timestamp()
        window = int(moment // _WINDOW_SECONDS)
        with self._lock:
            count = self._counts.get(address)
            if count is None or count.window != window:
                count = self._counts[address] = _Count(window)
                self._counts.move_to_end(address)
                if len(self._counts) > _ADDRESSES_KEPT:
                    self._counts.popitem(last=False)
            count.untold += 1
            new = count.untold if count.untold == _TOLD_TOGETHER else 0
            if new:
                count.told, count.untold = count.told + new, 0
        if new and self._redis is not None and moment > self._silent_until:
            self._tell(self._redis, address, count, new)
        if count.told + count.untold > self._times:
            raise TooManyRequests(max(1, round((window + 1) * _WINDOW_SECONDS - moment)))

    def _tell(self, redis: Redis, address: str, count: _Count, new: int) -> None:
        name = f"{self._prefix}:volume:{count.window}:{address}"
        try:
            with redis.pipeline(transaction=False) as both:
                both.incrby(name, new)
                both.expire(name, 2 * _WINDOW_SECONDS)
                total = int(both.execute()[0])
        except RedisError:
            self._silent_until = clock.now().timestamp() + _SILENCE_SECONDS
            return
        with self._lock:
            count.told = max(count.told, total)
