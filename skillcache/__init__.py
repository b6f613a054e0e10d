"""Replays the results of repeated Claude Code tool calls, and keeps what sessions did."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.core.outcomes import ConfigError, RecursiveCall, SkillcacheError, StoreError
    from skillcache.library.cache import AsyncSkillCache, SkillCache
    from skillcache.library.decorator import cached
    from skillcache.library.fetching import CacheEvent
    from skillcache.library.guide import (
        aio_get_cached_data,
        aio_get_team_cached_data,
        cached_skill_execution,
        create_agent_channel,
        get_cached_data,
        get_redis_client,
        get_team_cached_data,
        invalidate_pattern,
        invalidate_skill_cache,
        safe_redis_operation,
    )
    from skillcache.library.keys import generate_cache_key
    from skillcache.library.runs import Fetched
    from skillcache.library.session_state import (
        aio_clear_session,
        aio_load_session_state,
        aio_save_session_state,
        clear_session,
        load_session_state,
        save_session_state,
    )
    from skillcache.library.shared_state import SharedState, StateConflict
    from skillcache.messages.live import subscribe_to_agent
    from skillcache.messages.sending import Undeliverable, aio_publish_message, publish_message

__all__ = [
    "AsyncSkillCache",
    "CacheEvent",
    "ConfigError",
    "Fetched",
    "RecursiveCall",
    "SharedState",
    "SkillCache",
    "SkillcacheError",
    "StateConflict",
    "StoreError",
    "Undeliverable",
    "aio_clear_session",
    "aio_get_cached_data",
    "aio_get_team_cached_data",
    "aio_load_session_state",
    "aio_publish_message",
    "aio_save_session_state",
    "cached",
    "cached_skill_execution",
    "clear_session",
    "create_agent_channel",
    "generate_cache_key",
    "get_cached_data",
    "get_redis_client",
    "get_team_cached_data",
    "invalidate_pattern",
    "invalidate_skill_cache",
    "load_session_state",
    "publish_message",
    "safe_redis_operation",
    "save_session_state",
    "subscribe_to_agent",
]

_HOMES = {
    "AsyncSkillCache": "library.cache",
    "CacheEvent": "library.fetching",
    "ConfigError": "core.outcomes",
    "Fetched": "library.runs",
    "RecursiveCall": "core.outcomes",
    "SharedState": "library.shared_state",
    "SkillCache": "library.cache",
    "SkillcacheError": "core.outcomes",
    "StateConflict": "library.shared_state",
    "StoreError": "core.outcomes",
    "Undeliverable": "messages.sending",
    "aio_clear_session": "library.session_state",
    "aio_get_cached_data": "library.guide",
    "aio_get_team_cached_data": "library.guide",
    "aio_load_session_state": "library.session_state",
    "aio_publish_message": "messages.sending",
    "aio_save_session_state": "library.session_state",
    "cached": "library.decorator",
    "cached_skill_execution": "library.guide",
    "clear_session": "library.session_state",
    "create_agent_channel": "library.guide",
    "generate_cache_key": "library.keys",
    "get_cached_data": "library.guide",
    "get_redis_client": "library.guide",
    "get_team_cached_data": "library.guide",
    "invalidate_pattern": "library.guide",
    "invalidate_skill_cache": "library.guide",
    "load_session_state": "library.session_state",
    "publish_message": "messages.sending",
    "safe_redis_operation": "library.guide",
    "save_session_state": "library.session_state",
    "subscribe_to_agent": "messages.live",
}


def __getattr__(name: str) -> object:
    """Public names are imported when asked for: hooks import this package, and cannot afford the library."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # a hook asks for no name

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
