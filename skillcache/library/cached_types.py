"""What type checkers know of a cached function."""

from collections.abc import Callable
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Protocol, Self, TypeVar, overload

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
