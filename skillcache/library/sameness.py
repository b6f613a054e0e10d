"""Whether a value that was written and read again is what it was, with all that it holds and every type in it."""

from collections import deque
from datetime import datetime, time, timezone
from decimal import Decimal
from functools import cached_property
from pathlib import PurePath
from typing import Any

from skillcache.library.values import held_by

_PARTS = ("__pydantic_extra__", "__pydantic_private__")  # dicts of attributes that a model keeps apart
_SET = "__pydantic_fields_set__"


def differs(value: Any, again: Any, where: str = "") -> str | None:
    """Where the two are not the same, types included, such as `.rows[2]`; None where they are."""
    if isinstance(value, BaseException) or type(value) is not type(again):
        return where
    if isinstance(value, dict):
        return _dicts_differ(value, again, where)
    if isinstance(value, list | tuple | deque):
        if len(value) != len(again) or getattr(value, "maxlen", None) != getattr(again, "maxlen", None):
            return where
        pairs = [(f"{where}[{at}]", *both) for at, both in enumerate(zip(value, again, strict=True))]
        return _first(pairs) if pairs and _first(pairs) is not None else _attributes_differ(value, again, where)
    if isinstance(value, set | frozenset):
        if value != again:
            return where
        others = {each: each for each in again}
        return _first([(f"{where}{{}}", each, others[each]) for each in value])
    if hasattr(value, "__dataclass_fields__") or hasattr(type(value), "model_fields"):
        return _attributes_differ(value, again, where)
    return None if _plainly(value) == _plainly(again) else where


def _dicts_differ(value: dict[Any, Any], again: dict[Any, Any], where: str) -> str | None:
    made_by = "default_factory"
    if len(value) != len(again) or getattr(value, made_by, None) is not getattr(again, made_by, None):
        return where
    for (name, item), (other, its) in zip(value.items(), again.items(), strict=True):
        if differs(name, other) is not None:
            return where
        found = differs(item, its, f"{where}[{name!r}]")
        if found is not None:
            return found
    return _attributes_differ(value, again, where)


def _attributes_differ(value: Any, again: Any, where: str) -> str | None:
    mine, theirs = _attributes_of(value), _attributes_of(again)
    for name in [*mine, *theirs]:
        if name not in mine or name not in theirs:
            return f"{where}.{name}"
        found = differs(mine[name], theirs[name], f"{where}.{name}")
        if found is not None:
            return found
    return None


def _attributes_of(value: Any) -> dict[str, Any]:
    held = held_by(value)
    for part in _PARTS:
        for name, each in (held.pop(part, None) or {}).items():
            held[f"{part}.{name}" if name in held else name] = each
    if _SET in held:
        held["model_fields_set"] = held.pop(_SET)
    kind = type(value)
    return {name: each for name, each in held.items() if not isinstance(getattr(kind, name, None), cached_property)}


def _first(pairs: list[tuple[str, Any, Any]]) -> str | None:
    return next((found for at, one, other in pairs if (found := differs(one, other, at)) is not None), None)


def _plainly(value: Any) -> Any:
    """What tells the value from others that are equal to it: -0.0, 1.00, the zone of an instant."""
    if isinstance(value, float | complex):
        return repr(value)
    if isinstance(value, Decimal | PurePath):
        return str(value)
    if isinstance(value, datetime | time):
        return value.replace(tzinfo=None, fold=0), value.fold, _zone_of(value)
    return value


def _zone_of(value: datetime | time) -> Any:
    """A zone of one offset and no name of its own is that offset, in whatever class."""
    zone = value.tzinfo
    if zone is None:
        return None
    offset = value.utcoffset()
    is_plain = type(zone) is timezone and offset is not None and str(zone) == str(timezone(offset))
    if is_plain or type(zone).__module__.startswith("pydantic_core"):
        return offset
    return type(zone), repr(zone)
