"""One pace for all workers: each takes the next free moment of a host from Redis, and waits for it."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

import redis
from redis.commands.core import Script

from sync.http import PACE

log = logging.getLogger(__name__)

BURST: Final = 5  # requests that may go at once after a pause
AWAY: Final = 60.0  # seconds until a Redis that did not answer is asked again
_TIMEOUT: Final = 1.0

# By Redis's own clock, in microseconds, because a worker's may be wrong. A moment is given away once, used or not.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step = tonumber(ARGV[1])
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
local mine = math.max(free, now - step * (tonumber(ARGV[2]) - 1))
local wait = math.max(mine - now, 0)
redis.call('SET', KEYS[1], string.format('%.0f', mine + step), 'PX', math.ceil((wait + step * ARGV[2]) / 1000) + 1000)
return string.format('%.0f', wait)
"""

# Nothing is given away before this moment; a later one that stands already is not brought forward.
_REST: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now + ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', math.ceil((free - now) / 1000) + 1000)
"""


class RedisPace:
    """A token bucket for each host, in one Redis for all workers; a context manager, for it holds a connection.

    `per_second` maps host to requests per second, `math.inf` for no limit; other hosts get `otherwise`. If Redis is
    away nobody waits and that is logged: being told to slow down (429) is better than a night without a sync.
    """

    def __init__(
        self,
        redis_url: str,
        per_second: Mapping[str, float],
        *,
        otherwise: float = PACE,
        burst: int = BURST,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second, self._otherwise, self._burst, self._sleep = per_second, otherwise, burst, sleep
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        self._take, self._put_off = self._redis.register_script(_TAKE), self._redis.register_script(_REST)
        self._away_until = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redis.close()

    def wait(self, host: str) -> None:
        """Return as soon as one more request may go to this host."""
        pause = self._ask(host, self._take, round(1_000_000 / self._rate(host)), self._burst)
        if pause > 0:
            self._sleep(pause / 1_000_000)

    def rest(self, host: str, seconds: float) -> None:
        """Let nobody's request go to this host for a while: it asked for that."""
        self._ask(host, self._put_off, round(seconds * 1_000_000))

    def _rate(self, host: str) -> float:
        return self._per_second.get(host, self._otherwise)

    def _ask(self, host: str, script: Script, *values: int) -> int:
        """Run a script for a host; 0 where there is no limit, or nobody to ask."""
        if self._rate(host) == math.inf or time.monotonic() < self._away_until:
            return 0
        try:
            return int(script(keys=[f"pace:{host}"], args=list(values)) or 0)
        except redis.RedisError as fault:
            # Only its kind: the message may name the address, password and all.
            log.warning("requests to %s are not paced, because Redis is away (%s)", host, type(fault).__name__)
            self._away_until = time.monotonic() + AWAY
            return 0
