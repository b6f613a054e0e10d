"""The post in Redis for a process that stays: over redis-py; never dead, for a pool connects anew."""

from typing import TYPE_CHECKING

import redis

from skillcache.messages.inbox_redis import RedisPost
from skillcache.stores.pooled import PooledStore

if TYPE_CHECKING:
    from skillcache.messages.inbox_redis import Words
    from skillcache.stores.resp import Reply


class _Line(PooledStore):
    def ask(self, command: "Words") -> "Reply":
        reply: Reply = self._ask((command, lambda given: given))
        return reply


class PooledPost(RedisPost):
    def __init__(self, client: "redis.Redis") -> None:
        self._line = _Line(client)
        self._now = ""
        self._fault = None

    def close(self) -> None:
        """The connections are the client's pool's."""

    def _ask(self, command: "Words") -> "Reply":
        return self._line.ask(command)
