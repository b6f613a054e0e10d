"""What an object holds, all of it: attributes, whether its class declares them or not."""

import copyreg
from collections.abc import Iterator
from types import BuiltinFunctionType
from typing import Any

_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made by a statement, mostly
_UNSAID = frozenset(["__dict__", "__weakref__"])


def held_by(value: Any) -> dict[str, Any]:
    """Its own attributes by their names, in `__dict__` and in slots, as far as they are set."""
    held = dict(_slots_of(value))
    held.update(getattr(value, "__dict__", None) or {})
    return held


def holds_more(kind: type, but: type = object) -> bool:
    """Whether instances hold what is no attribute, as a list does; `but`: beside what that class holds."""
    return any(
        each not in (object, but)
        and (not each.__flags__ & _HEAP or isinstance(each.__dict__.get("__new__"), BuiltinFunctionType))
        for each in kind.__mro__
    )


def _slots_of(value: Any) -> Iterator[tuple[str, Any]]:
    for name in copyreg._slotnames(type(value)):  # type: ignore[attr-defined]  # noqa: SLF001 - as copy and pickle
        if name not in _UNSAID:
            try:
                yield name, getattr(value, name)
            except AttributeError:
                continue
