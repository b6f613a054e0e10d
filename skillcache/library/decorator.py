"""@cached: a function whose results are kept."""

import inspect
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

from skillcache.library.aio_cache import AsyncSkillCache
from skillcache.library.cache import SkillCache
from skillcache.library.keys import Place, check_team
from skillcache.library.options import TTL
from skillcache.library.shared import aio_shared_cache, shared_cache
from skillcache.stores import check_ttl

P = ParamSpec("P")
R = TypeVar("R")


class CachedFunction(Protocol, Generic[P, R]):
    """A function whose results are kept, called as before.

    invalidate: makes all results of its skill void, those being computed too, and gives the number removed; of a
    coroutine function it is one, too. Raises StoreError.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, R]
    invalidate: Callable[[], Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key under which the result of such a call is stored."""
        ...

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Callable[..., R]: ...
    def __get__(self, instance: object, owner: type) -> Any: ...


def cached(
    skill: str | None = None,
    ttl: int = TTL,
    version: int | str | None = None,
    key: Callable[..., object] | None = None,
    team: str | None = None,
    cache: SkillCache | AsyncSkillCache | None = None,
    negative_ttl: int | None = None,
) -> Callable[[Callable[P, R]], CachedFunction[P, R]]:
    """Keeps the results of a function, or of a coroutine function: `@cached(skill="report", ttl=600)`.

    A result must depend on nothing else than the arguments.

    skill: the name that results are stored under and invalidated by, by default the function's module and name, where
    a script's module is its path.
    ttl, negative_ttl: seconds, as in SkillCache.fetch. version: raise it when the function gives other results.
    key: gets the arguments of a call and gives the JSON value the result depends on; by default that is all
    arguments by name, those left out with their defaults, which must then be JSON. A method needs one, which says
    what of `self` matters: `@cached(key=lambda self, page: [self.url, page])`.
    team: whose results, None for one's own. cache: by default that of the store in force when the function is called.

    Raises TypeError at once for generators, and for a cache of the other kind than the function. Arguments and
    results are held to JSON as in SkillCache.
    """
    check_ttl(ttl)
    if cache is not None and team is not None:
        raise ValueError("a cache has its own team")
    if team is not None:
        check_team(team)
    wishes = {"ttl": ttl, "version": version, "negative_ttl": negative_ttl}

    def decorate(function: Callable[P, R]) -> CachedFunction[P, R]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: its items come one by one and cannot be kept")
        name = f"{_module_of(function)}.{function.__qualname__}" if skill is None else skill
        inputs = key or _arguments_of(function)
        kept: Any
        if inspect.iscoroutinefunction(function):
            if isinstance(cache, SkillCache):
                raise TypeError(f"{function.__qualname__} is a coroutine function: it takes an AsyncSkillCache")
            kept = _keep_coroutine(function, name, inputs, lambda: cache or aio_shared_cache(team), wishes)
        else:
            if isinstance(cache, AsyncSkillCache):
                raise TypeError(f"{function.__qualname__} is no coroutine function: it takes a SkillCache")
            kept = _keep(function, name, inputs, lambda: cache or shared_cache(team), wishes)
        owner = cache.team if cache is not None else team
        kept.key = lambda *args, **kwargs: Place(name, inputs(*args, **kwargs), version, owner).key
        return cast("CachedFunction[P, R]", kept)

    return decorate


def _keep(
    function: Callable[..., Any],
    skill: str,
    inputs: Callable[..., object],
    cache: Callable[[], SkillCache],
    wishes: dict[str, Any],
) -> Any:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = inputs(*args, **kwargs)
        return cache().get_or_compute(skill, given, lambda: function(*args, **kwargs), **wishes)

    call.invalidate = lambda: cache().invalidate_skill(skill)  # type: ignore[attr-defined]
    return call


def _keep_coroutine(
    function: Callable[..., Any],
    skill: str,
    inputs: Callable[..., object],
    cache: Callable[[], AsyncSkillCache],
    wishes: dict[str, Any],
) -> Any:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        given = inputs(*args, **kwargs)
        return await cache().get_or_compute(skill, given, lambda: function(*args, **kwargs), **wishes)

    call.invalidate = lambda: cache().invalidate_skill(skill)  # type: ignore[attr-defined]
    return call


def _module_of(function: Callable[..., Any]) -> str:
    """Scripts are all called __main__, and must not share results for that."""
    if function.__module__ != "__main__":
        return function.__module__
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return main.__spec__.name
    file = getattr(main, "__file__", None)
    return os.path.realpath(file) if file else function.__module__


def _arguments_of(function: Callable[..., Any]) -> Callable[..., object]:
    signature = inspect.signature(function)
    several = {name for name, given in signature.parameters.items() if given.kind is given.VAR_POSITIONAL}

    def inputs(*args: Any, **kwargs: Any) -> object:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return {name: list(value) if name in several else value for name, value in bound.arguments.items()}

    return inputs
