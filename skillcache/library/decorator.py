"""`cached` and its kin: a function whose results are kept, typed as the function is."""

import inspect
from collections.abc import Callable, Collection
from functools import cached_property, lru_cache, wraps
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Protocol, Self, TypeVar, overload

from skillcache.core.files import sha256
from skillcache.core.outcomes import ConfigError
from skillcache.library.cache import AsyncSkillCache, SkillCache
from skillcache.library.code import Inputs, code_of, places_of, stranger_in
from skillcache.library.codec import Codec, codec_of_function
from skillcache.library.fetching import Counts, Fetching
from skillcache.library.keys import Place, check_team, name_of, without_partials
from skillcache.library.options import DEFAULT, TTL, is_off, seconds_of, tell
from skillcache.library.source import store_in_force

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class CacheInfo(NamedTuple):
    """Of one function in this process. errors: times the store failed a call without its caller being told."""

    hits: int
    misses: int
    errors: int


class _OfClass(Protocol[T_contra, Q, S_co]):
    """What takes a class first, as a classmethod does."""

    def __call__(self, cls: type[T_contra], /, *args: Q.args, **kwargs: Q.kwargs) -> S_co: ...


class CachedFunction(Generic[P, R]):
    """A function whose results are kept, called as before: what type checkers know of it, for it is a function.

    Of a method these take the object first, of a classmethod the class: `Page.read.refresh(page, 1)`.
    """

    __name__: str
    __qualname__: str

    @property
    def __wrapped__(self) -> Callable[P, R]:
        """The function as it was."""
        raise NotImplementedError

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        raise NotImplementedError

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function whatever is kept, and keeps what it gives."""
        raise NotImplementedError

    def delete(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Removes the result of one call; a coroutine where the function is one. Raises StoreError."""
        raise NotImplementedError

    def invalidate(self) -> Any:
        """Makes all results of the skill void, those being computed too, and gives the number removed, as delete."""
        raise NotImplementedError

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key under which the result of such a call is stored."""
        raise NotImplementedError

    def cache_info(self) -> CacheInfo:
        raise NotImplementedError

    @overload
    def __get__(
        self: "_OfClass[T, Q, S]", instance: object, owner: type[T] | None = None, /
    ) -> "CachedMethod[Q, S]": ...
    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(
        self: "CachedFunction[Concatenate[Any, Q], S]", instance: object, owner: type | None = None, /
    ) -> "CachedMethod[Q, S]": ...
    def __get__(self, instance: object, owner: type | None = None, /) -> Any:
        raise NotImplementedError


class CachedMethod(Generic[P, R]):
    """The same, of an object or a class."""

    refresh: Callable[..., Any]
    delete: Callable[..., Any]
    key: Callable[..., str]
    invalidate: Callable[[], Any]
    cache_info: Callable[[], CacheInfo]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        raise NotImplementedError


class Decorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> CachedFunction[P, R]: ...


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


@overload
def cached(function: Callable[P, R], /) -> CachedFunction[P, R]: ...
@overload
def cached(
    skill: str | None = None,
    *,
    ttl: TTL = DEFAULT,
    version: int | str | None = None,
    ignore: str | Collection[str] = (),
    key: Callable[..., object] | None = None,
    type: Any = None,
    team: str | None = None,
    cache: SkillCache | AsyncSkillCache | None = None,
    negative_ttl: TTL = None,
) -> Decorator: ...
def cached(
    skill: Any = None,
    *,
    ttl: TTL = DEFAULT,
    version: int | str | None = None,
    ignore: str | Collection[str] = (),
    key: Callable[..., object] | None = None,
    type: Any = None,
    team: str | None = None,
    cache: SkillCache | AsyncSkillCache | None = None,
    negative_ttl: TTL = None,
) -> Any:
    """Keeps the results of a function, or of a coroutine function: `@cached`, or `@cached(ttl="1h")`.

    A result must depend on nothing else than the arguments and the function's own code, which is a part of the key:
    once it is edited, it is run again. Of a function that wraps another, what is called counts, and what that wraps. Of
    other code that it calls, `version` tells.

    skill: the name that results are stored under and invalidated by, the same for all who use the store; by default
    the project, the file and the function, and refused with ValueError where that is no name that holds.
    ttl, negative_ttl: as in SkillCache.fetch. version: raise it when the function gives other results for other
    reasons than its code. ignore: names of arguments that do not matter, such as a client or `self`.
    key: gets the arguments of a call and gives what the result depends on instead: `key=lambda self, page: [self.url,
    page]`. type: that of the result, by default what the function says that it returns; None there: JSON.
    team: whose results, None for one's own. cache: by default that of the store in force when the function is called.

    Raises TypeError at once for generators, and for a cache of the other kind than the function; of a call before it
    is run, where an argument is no value or the type of the result cannot be kept.
    """
    if skill is not None and not isinstance(skill, str):
        return cached()(skill)
    _check(ttl, negative_ttl, team, cache)
    names = frozenset([ignore] if isinstance(ignore, str) else ignore)
    if names and key is not None:
        raise ValueError("a key says what matters, so that there is nothing to ignore")

    def decorate(function: Any) -> Any:
        inner = _beneath(function)
        kept = _Kept(inner, skill, version, Inputs(function, names, key), type, None if key else names)
        name = getattr(inner, "__qualname__", repr(inner))
        wishes = (ttl, negative_ttl)
        if inspect.iscoroutinefunction(function):
            if isinstance(cache, SkillCache):
                raise TypeError(f"{name} is a coroutine function: it takes an AsyncSkillCache")
            return _keep_coroutine(function, kept, lambda: cache or aio_shared_cache(team), wishes)
        if isinstance(cache, AsyncSkillCache):
            raise TypeError(f"{name} is no coroutine function: it takes a SkillCache")
        return _keep(function, kept, lambda: cache or shared_cache(team), wishes)

    return decorate


def _check(ttl: TTL, negative_ttl: TTL, team: str | None, cache: object) -> None:
    for each in (ttl, negative_ttl):
        if each is not DEFAULT:
            seconds_of(each)
    if cache is not None and team is not None:
        raise ValueError("a cache has its own team")
    if team is not None:
        check_team(team)


def _beneath(function: Any) -> Any:
    """The function itself. Raises TypeError for what has no results that can be kept."""
    if isinstance(function, classmethod | staticmethod):
        raise TypeError(f"@cached stands beneath @{type(function).__name__}, not above it")
    inner = without_partials(function)[0]
    if not inspect.isroutine(inner):
        raise TypeError(f"{inner!r} is no function")
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise TypeError(f"{inner.__qualname__} is a generator: its items come one by one and cannot be kept")
    return inner


class _Kept:
    """What is known of a function beside its cache."""

    def __init__(
        self,
        function: Any,
        skill: str | None,
        version: int | str | None,
        inputs: Inputs,
        kind: Any,
        ignored: frozenset[str] | None,
    ) -> None:
        """ignored: None where a key says what matters. Raises ValueError where no skill is given, and has to be."""
        self.function = function
        self.skill = _name_of(function) if skill is None else skill
        self._is_named = skill is not None
        self._ignored = ignored
        self.inputs = inputs
        self.counts = Counts()
        self._version = version
        self._kind = kind

    @cached_property
    def codec(self) -> Codec:
        """Raises TypeError."""
        return codec_of_function(self.function, self._kind)

    @cached_property
    def version(self) -> str | None:
        """That of the caller, the code's and that of the result's form: `2-d1ce0f0a91b2c3d4`."""
        parts = [str(self._version)] if self._version is not None else []
        code = code_of(self.function, self._ignored)
        places = [] if self._is_named else places_of(self.function)
        if places:
            code = sha256("\n".join([code, *places]).encode("utf-8")).hexdigest()[: len(code)]
        return "-".join([*parts, *filter(None, (code, self.codec.signature))]) or None

    def place(self, cache: SkillCache | AsyncSkillCache, args: Any, kwargs: Any) -> Place:
        options = cache._options  # noqa: SLF001 - one library
        return options.place(self.skill, self.inputs(*args, **kwargs), self.version)

    def call(
        self, cache: SkillCache | AsyncSkillCache, args: Any, kwargs: Any, wishes: tuple[TTL, TTL], *, refresh: bool
    ) -> Fetching:
        options = cache._options  # noqa: SLF001 - one library
        place = self.place(cache, args, kwargs)
        return options.fetching(place, *wishes, 1.0, refresh=refresh, codec=self.codec, counts=self.counts)

    def again(self, call: Fetching, fn: Callable[[], Any], args: Any, kwargs: Any) -> Callable[[], Any] | None:
        """What computes the result of a call after it; None where the arguments may be others by then."""
        if self._ignored is not None:
            return self.inputs.apart(args, kwargs)
        call.is_same = lambda: call.place.is_of(self.inputs(*args, **kwargs))
        return fn

    def info(self) -> CacheInfo:
        return CacheInfo(self.counts.hits, self.counts.misses, self.counts.errors)


def _name_of(function: Any) -> str:
    """Raises ValueError."""
    name, stranger = name_of(function), stranger_in(function)
    if stranger:
        raise ValueError(
            f"{function.__qualname__} is wrapped by a function that holds {stranger},"
            " of which no other run would know what it is: name what it gives with skill="
        )
    return name


def _keep(function: Any, kept: _Kept, cache: Callable[[], Any], wishes: tuple[TTL, TTL]) -> Any:
    def run(args: Any, kwargs: Any, *, refresh: bool) -> Any:
        if is_off(kept.counts):
            return function(*args, **kwargs)
        try:
            used = cache()
        except ConfigError as fault:  # a variable that says what nobody understands
            tell(fault)
            kept.counts.add_error()
            return function(*args, **kwargs)
        call = kept.call(used, args, kwargs, wishes, refresh=refresh)

        def fn() -> Any:
            return function(*args, **kwargs)

        return used._fetch(call, fn, lambda: kept.again(call, fn, args, kwargs)).data  # noqa: SLF001 - one library

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return run(args, kwargs, refresh=False)

    @wraps(function)
    def refresh(*args: Any, **kwargs: Any) -> Any:
        return run(args, kwargs, refresh=True)

    def delete(*args: Any, **kwargs: Any) -> None:
        used = cache()
        used._delete(kept.place(used, args, kwargs))  # noqa: SLF001 - one library

    return _dressed(call, refresh, delete, kept, cache)


def _keep_coroutine(function: Any, kept: _Kept, cache: Callable[[], Any], wishes: tuple[TTL, TTL]) -> Any:
    async def run(args: Any, kwargs: Any, *, refresh: bool) -> Any:
        if is_off(kept.counts):
            return await function(*args, **kwargs)
        try:
            used = cache()
        except ConfigError as fault:
            tell(fault)
            kept.counts.add_error()
            return await function(*args, **kwargs)
        call = kept.call(used, args, kwargs, wishes, refresh=refresh)

        def fn() -> Any:
            return function(*args, **kwargs)

        again = lambda: kept.again(call, fn, args, kwargs)  # noqa: E731
        return (await used._fetch(call, fn, again)).data  # noqa: SLF001 - one library

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await run(args, kwargs, refresh=False)

    @wraps(function)
    async def refresh(*args: Any, **kwargs: Any) -> Any:
        return await run(args, kwargs, refresh=True)

    async def delete(*args: Any, **kwargs: Any) -> None:
        used = cache()
        await used._delete(kept.place(used, args, kwargs))  # noqa: SLF001 - one library

    return _dressed(call, refresh, delete, kept, cache)


def _dressed(call: Any, refresh: Any, delete: Any, kept: _Kept, cache: Callable[[], Any]) -> Any:
    call.refresh, call.delete, call.cache_info = refresh, delete, kept.info
    call.invalidate = lambda: cache().invalidate_skill(kept.skill)
    call.key = lambda *args, **kwargs: kept.place(cache(), args, kwargs).key
    return call
