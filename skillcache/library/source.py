"""The store behind a cache object, asked at any time by any thread.

Redis is asked through redis-py, over connections that are pooled.
"""

import os
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core.outcomes import StoreError
from skillcache.library.clients import EmbeddedFile, usable
from skillcache.library.in_force import folder
from skillcache.library.steps import Step, Steps
from skillcache.settings.in_force import load
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.pooled import PooledLink
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_py import connect

T = TypeVar("T")

SECONDS = 0.5  # to connect, and for each piece of a reply: a cache that takes longer is in the way


class Source:
    """place: what an invalidation is told; a client, or where the embedded file is. name: of all over the same."""

    def __init__(self, url: str | None, client: Any) -> None:
        """Raises ConfigError for a URL that is none and for settings that cannot be used, TypeError for a client."""
        target = target_of(url, client)
        given, client = client, None if client is None else usable(client, aio=False)
        self.name: object = target or id(client)
        self._own = client is not given or client is None
        if client is None and not target.startswith(EMBEDDED):
            client = connect(target, **limits(Retry(NoBackoff(), 0)))
        self.place: str | redis.Redis = client or target
        self._store: RedisStore | EmbeddedFile
        if client is None:
            self._store = EmbeddedFile(target)
        else:
            self._store = RedisStore(PooledLink(client))

    def take(self, step: Step) -> Any:
        """What the step gives. Raises StoreError."""
        return self._store.take(step) if isinstance(self._store, EmbeddedFile) else step(self._store)

    def walk(self, steps: Steps[T]) -> T:
        """Takes one step after the other. The steps are told of a StoreError, and may know what to do."""
        try:
            step = next(steps)
            while True:
                try:
                    given = self.take(step)
                except StoreError as fault:
                    step = steps.throw(fault)
                else:
                    step = steps.send(given)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()

    def close(self) -> None:
        """Closes the connections, but not those of a client that was given."""
        self._store.close()
        if self._own and isinstance(self.place, redis.Redis):
            self.place.close()


def limits(retry: Any) -> dict[str, Any]:
    """How redis-py is to connect, where the URL does not say: one try, in bounded time."""
    return {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "retry": retry}


def target_of(url: str | None, client: object) -> str:
    """A URL or the embedded file, that of the settings in force where neither is named; '' beside a client."""
    if client is not None:
        if url is not None:
            raise ValueError("a URL or a client, not both")
        return ""
    return store_in_force() if url is None else url


def store_in_force() -> str:
    """That of the settings, as the folder of this process has them. Raises ConfigError."""
    return load(os.environ, folder()).store
