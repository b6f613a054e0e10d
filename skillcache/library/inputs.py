"""What of a call's arguments matters, and what a renewal may use of them once the caller has gone on."""

import copy
from collections.abc import Callable
from inspect import BoundArguments, Parameter
from typing import Any

from skillcache.library.arguments import encode
from skillcache.library.code import signature_of
from skillcache.library.names import without_partials


class Inputs:
    """Of a function: called with the arguments of a call it gives what of them matters, as JSON.

    ignore: names of those that do not; key: gives what does, instead.
    """

    def __init__(self, function: Any, ignore: frozenset[str], key: Callable[..., object] | None) -> None:
        """Raises ValueError for a name that is none of its arguments', TypeError where they cannot be told."""
        self._key = key
        self._ignore = ignore
        self._inner, self._first, self._given = without_partials(function)
        if key is not None:
            return
        try:
            self._signature = signature_of(self._inner)
        except (TypeError, ValueError):
            raise TypeError(
                f"{self._inner!r} does not say what arguments it takes: say what of them matters with key="
            ) from None
        parameters = self._signature.parameters
        unknown = sorted(ignore - parameters.keys())
        if unknown:
            name = getattr(self._inner, "__qualname__", self._inner)
            raise ValueError(f"{name} has no argument {', '.join(unknown)} to ignore")
        self._several = {name for name, each in parameters.items() if each.kind is Parameter.VAR_POSITIONAL}

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        """Raises TypeError for a part that is no value, or for arguments that it does not take."""
        if self._key is not None:
            return _encoded(self._key(*args, **kwargs), "key")
        return self._form_of(self._bound(args, kwargs))

    def apart(self, args: Any, kwargs: Any) -> Callable[[], Any] | None:
        """The call on copies of what matters, which its caller cannot change; None where there are none."""
        if self._key is not None:
            return None
        bound = self._bound(args, kwargs)
        form = self._form_of(bound)
        try:
            bound.arguments.update(
                copy.deepcopy({name: each for name, each in bound.arguments.items() if name not in self._ignore})
            )
            if self._form_of(bound) != form:
                return None
        except Exception:  # noqa: BLE001 - values copy themselves as they like
            return None
        return lambda: self._inner(*bound.args, **bound.kwargs)

    def _bound(self, args: Any, kwargs: Any) -> BoundArguments:
        bound = self._signature.bind(*self._first, *args, **{**self._given, **kwargs})
        bound.apply_defaults()
        return bound

    def _form_of(self, bound: BoundArguments) -> object:
        return {
            name: _encoded(list(value) if name in self._several else value, name)
            for name, value in bound.arguments.items()
            if name not in self._ignore
        }


def _encoded(value: object, where: str) -> object:
    try:
        return encode(value, where)
    except RecursionError:
        raise ValueError(f"the argument {where} is nested too deeply or within itself") from None
