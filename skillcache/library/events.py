"""What became of a call, told to whoever made the cache."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Literal, NamedTuple, TypeAlias

log = logging.getLogger("skillcache")

Kind: TypeAlias = Literal["hit", "miss", "error", "renewed"]


class CacheEvent(NamedTuple):
    """kind: `hit`: served; `miss`: not there, or computed; `renewed`: computed anew beside a hit, ahead of its end.

    `error`: the store failed the call, or a renewal failed; `error` is then what was raised, and so for a miss whose
    computation failed. seconds: since the call began.
    """

    kind: Kind
    skill: str
    key: str
    seconds: float
    error: Exception | None = None


Hook: TypeAlias = Callable[[CacheEvent], object]


class Report:
    """Of one call: tells the hook what became of it."""

    __slots__ = ("_began", "_hook", "_key", "_skill")

    def __init__(self, hook: Hook | None, skill: str, key: str) -> None:
        self._hook = hook
        self._skill = skill
        self._key = key
        self._began = monotonic()

    def __call__(self, kind: Kind, error: Exception | None = None) -> None:
        if self._hook is None:
            return
        try:
            self._hook(CacheEvent(kind, self._skill, self._key, monotonic() - self._began, error))
        except Exception:
            log.exception("on_event failed for the %s of %s", kind, self._skill)
