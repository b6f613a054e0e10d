"""Replays the results of repeated Claude Code tool calls, and keeps what sessions did."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.session_state import (
        aio_clear_session,
        aio_load_session_state,
        aio_save_session_state,
        clear_session,
        load_session_state,
        save_session_state,
    )

__all__ = [
    "aio_clear_session",
    "aio_load_session_state",
    "aio_save_session_state",
    "clear_session",
    "load_session_state",
    "save_session_state",
]


def __getattr__(name: str) -> object:
    """Public names are imported when asked for: hooks import this package, and cannot afford the library."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from skillcache import session_state

    return getattr(session_state, name)
