"""Values as they are stored: encoded, read back, and when two of them are the same."""

import copyreg
import inspect
import json
import math
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, time, timezone
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import PurePath
from types import BuiltinFunctionType, NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Literal, NotRequired, Required, TypeVar, Union, get_args, get_origin

from skillcache.core.files import sha256

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


def require_json(value: object) -> None:
    """Refuses what `json` would write without a word but not give back, and names the part.

    Raises TypeError for what is not JSON (tuples, names that are not text, subclasses with a life of their own), and
    ValueError for numbers that are not finite and for what is nested too deeply.
    """
    try:
        _require(value, "")
    except RecursionError:
        raise ValueError("JSON nested too deeply or within itself") from None


def _require(value: object, where: str) -> None:
    if type(value) is dict:
        for name, item in value.items():
            if type(name) is not str:
                raise TypeError(f"a name in JSON is a text, not {name!r}{_at(where)}")
            _require(item, f"{where}[{name!r}]")
    elif type(value) is list:
        for at, item in enumerate(value):
            _require(item, f"{where}[{at}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not JSON{_at(where)}")
    elif type(value) not in (str, int, bool, type(None)):
        raise TypeError(f"{type(value).__name__} is not JSON: {value!r}{_at(where)}")


def _at(where: str) -> str:
    return f", at {where}" if where else ""


def write_json(value: object) -> str:
    """The text that `json.loads` gives back equal, types included. Raises as `require_json` does."""
    require_json(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


_PLAIN = frozenset([None, NoneType, str, int, float, bool, dict, list, object, Any])
_LEAVES = frozenset(["callable", "generator", "is-instance", "is-subclass"])  # what pydantic checks but cannot write
_CHOICES = frozenset(["lax-or-strict", "json-or-python"])  # of a leaf that it can write, in spite of what is within
_BYTES = "bytes that are no text (a model's bytes need ser_json_bytes and val_json_bytes of base64 in its model_config)"
_DIGITS = 8  # hexadecimal, of SHA-256


class Codec:
    """Values that are JSON, which come back with their types. signature: changes with what values look like."""

    signature = ""

    def dump(self, value: Any) -> Any:
        """The JSON that `load` makes the value of. Raises TypeError and ValueError."""
        require_json(value)
        return value

    def load(self, given: Any) -> Any:
        """Raises ValueError for what is no such value."""
        return given


PLAIN = Codec()


class TypedCodec(Codec):
    """Values of a type that pydantic can write and read: dataclasses, dates, models, tuples, bytes and so on."""

    def __init__(self, kind: Any, subject: str) -> None:
        """Raises TypeError naming the part of the type that cannot be kept."""
        import pydantic  # 90 ms, which plain values do without

        self._subject = subject
        options = pydantic.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
        try:
            # A type in a tuple takes our options, where a dataclass by itself would not.
            self._adapter: Any = pydantic.TypeAdapter(tuple[kind], config=options)
        except pydantic.PydanticUserError:
            where, part = _culprit(kind, "", pydantic.TypeAdapter, pydantic.PydanticUserError)
            raise TypeError(_refusal(subject, where, part)) from None
        unwritable = _unwritable(self._adapter.core_schema, "")
        if unwritable is not None:
            raise TypeError(_refusal(subject, *unwritable))
        self.signature = sha256(_described(self._adapter, kind).encode("utf-8", "replace")).hexdigest()[:_DIGITS]

    def dump(self, value: Any) -> Any:
        wheres = []
        # What a model was not given is left out: so it knows again what it was given.
        for is_short in (True, False):
            try:
                (given,) = json.loads(self._adapter.dump_json((value,), warnings=False, exclude_unset=is_short))
                where = differs(value, self.load(given))
            except ValueError as fault:  # pydantic's errors are of this kind
                if is_short:
                    continue
                raise TypeError(f"{self._subject} gave what its type cannot give back: {_said_by(fault)}") from None
            if where is None:
                return given
            wheres.append(where)
        raise TypeError(f"{self._subject} gave a value that would come back otherwise: {wheres[0] or 'the whole'}")

    def load(self, given: Any) -> Any:
        (value,) = self._adapter.validate_json(json.dumps([given]))
        return value


def _said_by(fault: ValueError) -> str:
    """Without the values: an error goes into logs."""
    errors = getattr(fault, "errors", None)
    if not callable(errors):
        return f"{_BYTES}" if "utf-8" in str(fault) else type(fault).__name__
    told = errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'][1:])) or 'the whole'}: {each['type']}" for each in told[:3])


def codec_of(kind: Any, subject: str) -> Codec:
    """Of a type, or of None for JSON; `subject`: whose values these are. Raises TypeError."""
    if _is_plain(kind):
        return PLAIN
    try:
        return _codec_of(kind, subject)
    except TypeError as fault:
        if "unhashable" in str(fault):
            return TypedCodec(kind, subject)
        raise


def codec_of_function(function: Callable[..., Any], kind: Any) -> Codec:
    """Of `kind`, else of what the function says that it returns, as far as that can be told. Raises TypeError."""
    subject = f"{getattr(function, '__qualname__', 'function')}()"
    if kind is not None:
        return codec_of(kind, subject)
    said = getattr(function, "__annotations__", {}).get("return")
    if isinstance(said, str):
        try:
            said = eval(said, getattr(inspect.unwrap(function), "__globals__", {}))  # noqa: S307 - as typing.get_type_hints does
        except Exception:  # noqa: BLE001 - a name that only a type checker sees: its values have to be JSON
            return PLAIN
    return codec_of(said, subject)


@lru_cache
def _codec_of(kind: Any, subject: str) -> Codec:
    return TypedCodec(kind, subject)


def _is_plain(kind: Any) -> bool:
    """Whether its values are JSON and nothing else, or nothing is said of them."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (dict, list, Union, UnionType):
        return all(map(_is_plain, args)) and (origin is not dict or args[0] in (str, Any))
    if origin is Literal:
        return all(type(each) in (str, int, bool, NoneType) for each in args)
    try:
        return isinstance(kind, TypeVar) or kind in _PLAIN
    except TypeError:
        return False


def _refusal(subject: str, where: str, part: Any) -> str:
    name = getattr(part, "__qualname__", None) or str(part)
    return f"{subject} cannot be kept: {where.lstrip('.') or 'its result'} is a {name}, which JSON cannot hold"


def _culprit(kind: Any, where: str, adapter: Any, fault: Any) -> tuple[str, Any]:
    """The innermost part that has no schema."""
    for name, part in _parts_of(kind):
        try:
            adapter(tuple.__class_getitem__(part))
        except fault:
            return _culprit(part, f"{where}{name}", adapter, fault)
        except TypeError:
            continue
    return where, kind


def _parts_of(kind: Any) -> list[tuple[str, Any]]:
    args = [each for each in get_args(kind) if isinstance(each, type) or get_origin(each) is not None]
    if args:
        name = "" if get_origin(kind) in (Union, UnionType, Annotated, Required, NotRequired) else "[]"
        return [(name, each) for each in args]
    if not isinstance(kind, type):
        return []
    from typing import get_type_hints

    try:
        return [(f".{name}", each) for name, each in get_type_hints(kind).items() if not isinstance(each, ForwardRef)]
    except Exception:  # noqa: BLE001 - names that cannot be told are only missing from an error's text
        return []


def _unwritable(schema: Any, where: str) -> tuple[str, Any] | None:
    if isinstance(schema, list):
        return next((found for each in schema if (found := _unwritable(each, where)) is not None), None)
    if not isinstance(schema, dict) or schema.get("type") in _CHOICES or "serialization" in schema:
        return None
    if schema.get("type") in _LEAVES:
        return where, schema.get("cls", schema["type"])
    for name, part in schema.items():
        if name == "fields" and isinstance(part, dict):
            found = next((it for key, each in part.items() if (it := _unwritable(each, f"{where}.{key}"))), None)
        elif name in {"schema", "items_schema", "values_schema", "keys_schema", "choices", "fields", "definitions"}:
            named = schema.get("name")
            label = f".{named}" if isinstance(named, str) and schema["type"].endswith("-field") else ""
            found = _unwritable(part, where + label)
        else:
            continue
        if found is not None:
            return found
    return None


def _described(adapter: Any, kind: Any) -> str:
    try:
        return json.dumps(adapter.json_schema(mode="serialization"), sort_keys=True)
    except Exception:  # noqa: BLE001 - not all that can be written has such a description
        return str(kind)
