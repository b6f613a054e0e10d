"""The functions that guides to Redis caching for skills name, over the same core as everything else.

Where one takes a client, that is a redis-py client with any decoding. Raises StoreError where Redis fails, unless it
says otherwise, and TypeError and ValueError for what is not JSON.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core.outcomes import ConfigError, StoreError
from skillcache.core.scope import scope_of, scoped_word
from skillcache.library.cache import SkillCache
from skillcache.library.decorator import aio_shared_cache, shared_cache
from skillcache.library.keys import skill_of
from skillcache.library.options import HOUR, TTL, tell
from skillcache.library.runs import Fetched
from skillcache.library.source import store_in_force
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.contract import channel as channel_of
from skillcache.stores.redis_py import connect

T = TypeVar("T")

_SECONDS = 5.0  # to connect, and for each reply
_HEALTH = 30  # seconds of idleness after which a connection is tried before it is used
_LOCAL = "redis://localhost:6379/0"
_DATA = "data"  # the skill of data that is of no skill


def get_redis_client() -> "redis.Redis":
    """A client of the Redis in force, pooled, giving texts.

    In force is `REDIS_URL`, else `REDIS_HOST`, `REDIS_PORT` and `REDIS_PASSWORD`, else what the settings name, else
    localhost. Before all of these goes `SKILLCACHE_REDIS_URL`. Raises ConfigError for a URL or a port that is none.
    """
    target = store_in_force()
    url = _LOCAL if target.startswith(EMBEDDED) else target
    return connect(
        url,
        decode_responses=True,
        socket_connect_timeout=_SECONDS,
        socket_timeout=_SECONDS,
        health_check_interval=_HEALTH,
        retry=Retry(NoBackoff(), 1),  # for a connection that was cut while idle; redis-py's own ten take seconds
    )


def cached_skill_execution(
    skill_name: str, inputs: Any, client: "redis.Redis", ttl: TTL = HOUR, *, execute: Callable[[Any], T]
) -> T:
    """The result of `execute(inputs)`, computed once and kept for `ttl` seconds: see SkillCache.fetch.

    Computes where Redis fails.
    """
    return SkillCache(client=client).get_or_compute(skill_name, inputs, lambda: execute(inputs), ttl)


def get_cached_data(key: str, fetch: Callable[[], T], ttl: TTL = HOUR, *, namespace: str | None = None) -> Fetched[T]:
    """What `fetch()` gives, kept for `ttl` seconds, and whether it was kept: data and cached flag.

    key: what names the data within the namespace, by default the project of the current folder; invalidated with the
    skill "data". One of `generate_cache_key` is one for all who use the store, and is invalidated with its skill.
    In the store of the settings; computes where that fails.
    """
    return _fetched(None, _data(key, namespace), fetch, ttl)


async def aio_get_cached_data(
    key: str, fetch: Callable[[], Awaitable[T]], ttl: TTL = HOUR, *, namespace: str | None = None
) -> Fetched[T]:
    return await _aio_fetched(None, _data(key, namespace), fetch, ttl)


def get_team_cached_data(team_id: str, feature: str, fetch: Callable[[], T], ttl: TTL = HOUR) -> Fetched[T]:
    """The same for what a team shares under the name of a feature: `team:cache:{team_id}:{feature}:...`."""
    return _fetched(team_id, (feature, None), fetch, ttl)


async def aio_get_team_cached_data(
    team_id: str, feature: str, fetch: Callable[[], Awaitable[T]], ttl: TTL = HOUR
) -> Fetched[T]:
    return await _aio_fetched(team_id, (feature, None), fetch, ttl)


def invalidate_skill_cache(client: "redis.Redis", skill_name: str) -> int:
    """See SkillCache.invalidate_skill."""
    return SkillCache(client=client).invalidate_skill(skill_name)


def invalidate_pattern(client: "redis.Redis", pattern: str) -> int:
    """See SkillCache.invalidate: `skill_cache:report:*`, `team:cache:acme:*`, or a glob on skills' names."""
    return SkillCache(client=client).invalidate(pattern)


def safe_redis_operation(operation: Callable[[], T], fallback: Any = None) -> T | Any:
    """What `operation()` gives; where Redis cannot be reached or does not answer, `fallback`, called if it can be.

    Any other error passes.
    """
    try:
        return operation()
    except (redis.ConnectionError, redis.TimeoutError, StoreError):
        return fallback() if callable(fallback) else fallback


def create_agent_channel(agent_id: str, *, namespace: str | None = None) -> str:
    """The name of an agent's channel: `agent_comm:{agent_id}@` and the project's digest, or the namespace.

    That of a session is `agent_comm:{session_id}`. The channel `agent_comm:worker` of a guide is one for all who use
    the store: whoever means it writes it.
    """
    if not agent_id:
        raise ValueError("an agent's id is a text")
    return channel_of(scoped_word(agent_id, namespace))


def _fetched(team: str | None, what: tuple[str, object], fetch: Callable[[], T], ttl: TTL) -> Fetched[T]:
    try:
        cache = shared_cache(team)
    except ConfigError as fault:
        tell(fault)
        return Fetched(fetch(), cached=False)
    return cache.fetch(*what, fetch, ttl)


async def _aio_fetched(
    team: str | None, what: tuple[str, object], fetch: Callable[[], Awaitable[T]], ttl: TTL
) -> Fetched[T]:
    try:
        cache = aio_shared_cache(team)
    except ConfigError as fault:
        tell(fault)
        return Fetched(await fetch(), cached=False)
    return await cache.fetch(*what, fetch, ttl)


def _data(key: str, namespace: str | None) -> tuple[str, object]:
    skill = skill_of(key)
    return (_DATA, {"namespace": scope_of(namespace), "key": key}) if skill is None else (skill, key)
