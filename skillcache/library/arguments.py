"""Arguments of a call as JSON: other arguments always have another form, for results are found by it.

JSON stays as it is. All else is an object with one name that begins with `$`, which says what it is. A value has a form
only if all that it holds is in it. The order of a dict is a part of it, as whoever iterates over it sees.
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

from skillcache.core.canonical_json import canonical
from skillcache.library.names import class_name
from skillcache.library.values import held_by, holds_more

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
    if all(type(name) is str and not name.startswith("$") for name in value) and list(value) == sorted(value):
        return {name: encode(item, f"{where}[{name!r}]") for name, item in value.items()}
    pairs = [[encode(name, f"a name in {where}"), encode(item, f"{where}[{name!r}]")] for name, item in value.items()]
    return {"$dict": pairs}


def _encode_object(value: Any, where: str) -> Any:
    kind = type(value)
    try:
        if isinstance(value, type):
            return {"$class": class_name(value)}
        if isinstance(value, Enum):
            return {"$enum": [class_name(kind), *_said_of(value, where)]}
        if isinstance(value, PurePath):
            return {"$path": [kind.__name__, str(value)]}
        fields = _fields_of(value, where)
        if fields is not None:
            return {"$object": [class_name(kind), _encode_dict(dict(sorted(fields.items())), where)]}
    except ValueError as fault:
        raise TypeError(f"the argument {where}: {fault}") from None
    raise TypeError(
        f"the argument {where} is a {kind.__name__}, which is no value:"
        " leave it out of the key with ignore=, or say with key= what of it matters"
    )


def _said_of(member: Enum, where: str) -> list[Any]:
    """A name, and the value, as far as that is one: some members of flags have no name."""
    try:
        return [member._name_, encode(member._value_, where)]
    except TypeError:
        return [member._name_]


def _fields_of(value: Any, where: str) -> dict[str, Any] | None:
    """All that a dataclass, a named tuple or a pydantic model holds."""
    kind = type(value)
    if isinstance(value, tuple):
        names = getattr(kind, "_fields", None)
        if names is None or holds_more(kind, tuple):
            return None
        return {**dict(zip(names, value, strict=True)), **held_by(value)}
    if holds_more(kind):
        return None
    if dataclasses.is_dataclass(kind):
        declared = [field.name for field in dataclasses.fields(kind)]
    elif isinstance(getattr(kind, "model_fields", None), dict):
        declared = []
    else:
        return None
    unset = next((name for name in declared if not hasattr(value, name)), None)
    if unset is not None:
        raise TypeError(f"the argument {where} is a {kind.__name__} whose {unset} is not set")
    return {**{name: getattr(value, name) for name in declared}, **held_by(value)}
