"""The cache objects of this process for whom names none: one for each store in force and team."""

from functools import lru_cache

from skillcache.library.aio_cache import AsyncSkillCache
from skillcache.library.cache import SkillCache
from skillcache.library.source import store_in_force


def shared_cache(team: str | None = None) -> SkillCache:
    """Raises ConfigError."""
    return _cache(store_in_force(), team)


def aio_shared_cache(team: str | None = None) -> AsyncSkillCache:
    """Raises ConfigError."""
    return _aio_cache(store_in_force(), team)


@lru_cache
def _cache(target: str, team: str | None) -> SkillCache:
    return SkillCache(target, team=team)


@lru_cache
def _aio_cache(target: str, team: str | None) -> AsyncSkillCache:
    return AsyncSkillCache(target, team=team)
