"""The cache in Redis. It is one that may be empty at any time: Redis gone, hanging, full or read-only is that, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django_redis.cache import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

from events.outage import Outage

TIMEOUT = 0.5  # seconds
REDIS = Outage("Redis, for what is cached,")


# JSON, never pickle: who could write into Redis could otherwise run code here. A connection that Redis closed while it
# idled is opened once more; of a Redis that hangs nothing is asked twice.
OPTIONS = {
    "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
    "SOCKET_CONNECT_TIMEOUT": TIMEOUT,
    "SOCKET_TIMEOUT": TIMEOUT,
    "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1, supported_errors=(Disconnected,))},
}


class Cache(RedisCache):  # type: ignore[misc]
    """Where Redis does not answer, nothing is found and everything counts as written."""

    def get(self, key: Any, default: Any = None, version: Any = None, client: Any = None) -> Any:
        try:
            return self._ask(lambda: super(Cache, self).get(key, default, version, client), default)
        except ValueError:  # it is not JSON, so not ours
            return default

    def set(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(lambda: super(Cache, self).set(*args, **kwargs), True))

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(lambda: super(Cache, self).add(*args, **kwargs), True))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(lambda: super(Cache, self).delete(*args, **kwargs), False))

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._ask(lambda: super(Cache, self).incr(*args, **kwargs), 0))

    @staticmethod
    def _ask(ask: Callable[[], Any], otherwise: Any) -> Any:
        if REDIS.lasts():
            return otherwise
        try:
            answer = ask()
        except (RedisError, OSError) as error:
            REDIS.began(error)
            return otherwise
        REDIS.ended()
        return answer
