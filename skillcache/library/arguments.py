"""Arguments of a call as JSON: other arguments always have another form, for results are found by it.

JSON stays as it is. All else is an object with one name that begins with `$`, which says what it is.
"""

import dataclasses
import math
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from skillcache.canonical import canonical
from skillcache.library.naming import class_name

_SURE = 2**53  # whole numbers that all languages read alike
_TEXTS: dict[type, Callable[[Any], str]] = {
    Decimal: str,
    UUID: str,
    date: date.isoformat,
    bytes: lambda value: b64encode(value).decode("ascii"),
    complex: repr,
    timedelta: lambda value: f"{value.days} {value.seconds} {value.microseconds}",
}


def encode(value: Any, where: str) -> Any:
    """`where`: the argument's name. Raises TypeError naming the part that is no value, and RecursionError."""
    kind = type(value)
    if kind in (str, bool) or value is None:
        return value
    if kind is int:
        return value if -_SURE <= value <= _SURE else {"$int": str(value)}
    if kind is float:
        # 1.0 and 1 are one number in JSON, and two to a function.
        return {"$float": repr(value)} if not math.isfinite(value) or value.is_integer() else value
    if kind in (list, tuple):
        items = [encode(item, f"{where}[{at}]") for at, item in enumerate(value)]
        return items if kind is list else {"$tuple": items}
    if kind is dict:
        return _encode_dict(value, where)
    if kind in (set, frozenset):
        return {f"${kind.__name__}": sorted((encode(item, f"{where}{{}}") for item in value), key=canonical)}
    if kind in _TEXTS:
        return {f"${kind.__name__}": _TEXTS[kind](value)}
    if kind in (datetime, time):
        return {f"${kind.__name__}": [value.isoformat(), value.fold, repr(value.tzinfo)]}
    return _encode_object(value, where)


def _encode_dict(value: dict[Any, Any], where: str) -> Any:
    if all(type(name) is str and not name.startswith("$") for name in value):
        return {name: encode(item, f"{where}[{name!r}]") for name, item in value.items()}
    pairs = [[encode(name, f"a name in {where}"), encode(item, f"{where}[{name!r}]")] for name, item in value.items()]
    return {"$dict": sorted(pairs, key=canonical)}


def _encode_object(value: Any, where: str) -> Any:
    kind = type(value)
    try:
        if isinstance(value, type):
            return {"$class": class_name(value)}
        if isinstance(value, Enum):
            return {"$enum": [class_name(kind), value.name]}
        if isinstance(value, PurePath):
            return {"$path": [kind.__name__, str(value)]}
        fields = _fields_of(value)
        if fields is not None:
            return {"$object": [class_name(kind), _encode_dict(fields, where)]}
    except ValueError as fault:
        raise TypeError(f"the argument {where}: {fault}") from None
    raise TypeError(
        f"the argument {where} is a {kind.__name__}, which is no value:"
        " leave it out of the key with ignore=, or say with key= what of it matters"
    )


def _fields_of(value: Any) -> dict[str, Any] | None:
    """Of a dataclass, a named tuple or a pydantic model."""
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    if isinstance(value, tuple):
        names = getattr(kind, "_fields", None)
        return None if names is None else dict(zip(names, value, strict=True))
    names = getattr(kind, "model_fields", None)
    if not isinstance(names, dict):
        return None
    return {**{name: getattr(value, name) for name in names}, **(getattr(value, "model_extra", None) or {})}
