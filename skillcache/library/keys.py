"""What a result is stored under: a key that any language can build from the same inputs.

Arguments of a call as JSON: other arguments always have another form, for results are found by it.

JSON stays as it is. All else is an object with one name that begins with `$`, which says what it is.

What a function is called in the store, and which code it is.

The name is the file's and the function's own: the project as the hooks know it, the file within it, the qualified name.
So a script is the same function as the module that another imports, and in the workers that it spawns, and two files
never share a name, whatever their modules are called.
"""

import dataclasses
import dis
import inspect
import math
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from pathlib import PurePath
from types import CodeType
from typing import Any
from uuid import UUID

from skillcache.core.canonical_json import canonical
from skillcache.core.digest import digest, sha256
from skillcache.core.git import find_root, identity
from skillcache.library.codec import require_json
from skillcache.stores.redis_keys import entry_key, team_name

_DIGITS = 40  # hexadecimal, of SHA-256
_VERSION = re.compile(r"[A-Za-z0-9._-]+")
_ENTRY = re.compile(rf"skill_cache:(.+):[0-9a-f]{{{_DIGITS}}}(?::v{_VERSION.pattern})?", re.DOTALL)


class Place:
    """Where one result is: its key, the full text of what it depends on, and the names it is invalidated by.

    claim: the name under which its computation is claimed.
    """

    __slots__ = ("claim", "key", "names", "skill", "text")

    def __init__(self, skill: str, inputs: object, version: int | str | None, team: str | None) -> None:
        """`team` is one that `check_team` has passed. Raises as `generate_cache_key` does."""
        if not skill or skill.startswith("@"):
            raise ValueError(f"a skill's name is a text that does not begin with @, not {skill!r}")
        require_json(inputs)
        self.skill = skill
        self.text = canonical(inputs)
        name = sha256(self.text.encode("utf-8")).hexdigest()[:_DIGITS]
        self.key = entry_key(skill, name, team) + _suffix(version)
        self.names = (skill,) if team is None else (skill, team_name(team))
        self.claim = digest(self.key.encode("utf-8"))


def generate_cache_key(skill_name: str, inputs: object, version: int | str | None = None) -> str:
    """`skill_cache:{skill_name}:{digest}`, with `:v{version}` behind it where a version is given.

    inputs: any JSON value. digest: the first 40 hexadecimal digits of the SHA-256 of its canonical text (RFC 8785,
    UTF-8), so that the order of names does not matter, 1 and 1.0 are one number, and other languages build the same.
    version: a number, or a text of letters, digits, `.`, `_` and `-`.

    Raises TypeError for inputs that are not JSON (tuples, bytes, names that are not text), and ValueError for JSON
    without a sure canonical text: numbers that are no finite double, half a surrogate pair.
    """
    return Place(skill_name, inputs, version, None).key


def check_team(team: str) -> None:
    if not team or ":" in team:  # "a:b" with "c" would share keys with "a" and "b:c"
        raise ValueError(f"a team's name is a text without a colon, not {team!r}")


def skill_of(key: str) -> str | None:
    """The skill's name in a text that `generate_cache_key` made, None for any other text."""
    found = _ENTRY.fullmatch(key)
    return None if found is None else found[1]


def _suffix(version: int | str | None) -> str:
    if version is None:
        return ""
    if not _VERSION.fullmatch(str(version)):
        raise ValueError(f"a version is a number or letters, digits, '.', '_' and '-', not {version!r}")
    return f":v{version}"


_CODE_DIGITS = 16  # hexadecimal, of SHA-256
_NAMED = frozenset([*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hasjrel, *dis.hasjabs, *dis.hascompare])


def name_of(function: Callable[..., Any]) -> str:
    """`{project}:{file}:{function}`. Raises ValueError for what no other run would call the same."""
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    file = getattr(inner, "__globals__", {}).get("__file__")
    name = getattr(function, "__qualname__", "")
    if isinstance(code, CodeType) and isinstance(file, str) and not code.co_filename.startswith("<") and _is_own(name):
        return f"{place_of(file)}:{name}"
    raise ValueError(f"{name or repr(function)} {_reason(name, code)}: name what it gives with skill=")


def class_name(cls: type) -> str:
    """The same of a class. Raises ValueError."""
    module = inspect.getmodule(cls)
    file = getattr(module, "__file__", None)
    if not _is_own(cls.__qualname__) or (file is None and cls.__module__ in {"__main__", "__mp_main__"}):
        raise ValueError(f"the class {cls.__qualname__} has no name that another run would know it by")
    return f"{place_of(file) if isinstance(file, str) else cls.__module__}:{cls.__qualname__}"


def place_of(file: str) -> str:
    """Where the file is: the same in all clones and worktrees of a project; outside git its path."""
    path = os.path.realpath(file)
    root = _root_of(os.path.dirname(path))
    if root is None:
        return _text(path)
    return f"{_project_at(root)}:{_text(os.path.relpath(path, root))}"


def code_of(function: Callable[..., Any]) -> str:
    """Digest of what the function does, and those that it wraps: its instructions, names and constants.

    Not its place, line numbers or docstring. Other versions of Python have other instructions. "" for what has no code
    of its own, as what is written in C.
    """
    parts = list(_codes_of(function))
    return sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_CODE_DIGITS] if parts else ""


def without_partials(function: Callable[..., Any]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """The function beneath partials and the method of an object, and the arguments that these give it."""
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    while True:
        if isinstance(function, partial):
            args, named = (*function.args, *args), {**function.keywords, **named}
            function = function.func
        elif inspect.ismethod(function):
            args, function = (function.__self__, *args), function.__func__
        else:
            return function, args, named


def _is_own(name: str) -> bool:
    return bool(name) and "<" not in name


def _reason(name: str, code: object) -> str:
    if "<lambda>" in name:
        return "is a lambda, and all lambdas have one name"
    if "<locals>" in name:
        return "is made anew in each call of another function, with what that one knows then"
    return "stands in no file" if isinstance(code, CodeType) else "is no function with a name and code of its own"


def _codes_of(function: Callable[..., Any]) -> Iterator[str]:
    seen: set[int] = set()
    each: Any = function
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        code = getattr(each, "__code__", None)
        if isinstance(code, CodeType):
            yield _written(code)
            defaults = (getattr(each, "__defaults__", None), getattr(each, "__kwdefaults__", None))
            yield _constant(defaults)
        each = getattr(each, "__wrapped__", None)


def _written(code: CodeType) -> str:
    kinds = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    lines = [repr(kinds), repr(code.co_varnames[: sum(kinds[:3]) + 2]), code.co_exceptiontable.hex()]
    for each in dis.get_instructions(code):
        if each.opname == "EXTENDED_ARG":
            continue
        if each.opcode in dis.hasconst:
            given = _constant(each.argval)
        else:
            given = repr(each.argval) if each.opcode in _NAMED else str(each.arg)
        lines.append(f"{each.opname} {given}")
    return "\n".join(lines)


def _constant(value: object) -> str:
    """With its type, for 1 and True are equal; a set has no order of its own."""
    if isinstance(value, CodeType):
        return f"code({_written(value)})"
    if isinstance(value, tuple):
        return f"tuple({','.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"set({','.join(sorted(map(_constant, value)))})"
    if isinstance(value, dict):
        return f"dict({','.join(f'{name}={_constant(item)}' for name, item in sorted(value.items()))})"
    if value is None or value is ... or isinstance(value, bool | int | float | complex | str | bytes):
        return f"{type(value).__name__}({value!r})"
    return type(value).__qualname__  # a default, whose text may hold an address


@lru_cache
def _root_of(folder: str) -> str | None:
    return find_root(folder)


@lru_cache
def _project_at(root: str) -> str:
    try:
        return identity(root).encode("utf-8", "replace").decode("utf-8")
    except OSError:  # a repository that cannot be read is a folder
        return _text(root)


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


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
