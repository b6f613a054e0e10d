"""The key of a call of a function: the names of its code in the store, and the arguments that it is made of.

Of arguments JSON stays as it is. All else is an object with one name that begins with `$`, which says what it is. A
value has a form only if all that it holds is in it. The order of a dict is a part of it, as whoever iterates over it
sees.

A function's name is the file's and the function's own: the project as the hooks know it, the file within it, the
qualified name. So a script is the same function as the module that another imports, and in the workers that it spawns,
and two files never share a name, whatever their modules are called.
"""

import dataclasses
import inspect
import math
import os
import re
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from pathlib import PurePath
from types import CodeType
from typing import Any
from uuid import UUID

from skillcache.core.files import digest, sha256
from skillcache.core.git import find_root, identity
from skillcache.core.json import canonical
from skillcache.library.codec import held_by, holds_more, require_json
from skillcache.stores.contract import entry_key, team_name


def name_of(function: Callable[..., Any]) -> str:
    """`{project}:{file}:{function}`. Raises ValueError for what no other run would call the same.

    Of a function that wraps others the file is that of the innermost, where its name stands.
    """
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    file = getattr(inner, "__globals__", {}).get("__file__")
    name = getattr(function, "__qualname__", "")
    outer = getattr(function, "__code__", code)
    is_in_files = all(isinstance(each, CodeType) and not each.co_filename.startswith("<") for each in (code, outer))
    if is_in_files and isinstance(file, str) and _is_own(name):
        return f"{place_of(file)}:{name}"
    raise ValueError(f"{name or repr(function)} {_reason(name, code)}: name what it gives with skill=")


def class_name(cls: type) -> str:
    """The same of a class. Raises ValueError, too, for one that its module knows another by the name of."""
    module = inspect.getmodule(cls)
    file = getattr(module, "__file__", None)
    if not _is_own(cls.__qualname__) or (file is None and cls.__module__ in {"__main__", "__mp_main__"}):
        raise ValueError(f"the class {cls.__qualname__} has no name that another run would know it by")
    if _named(cls.__module__, cls.__qualname__) is not cls:
        raise ValueError(f"the class {cls.__qualname__} is not what {cls.__module__} calls so")
    return f"{place_of(file) if isinstance(file, str) else cls.__module__}:{cls.__qualname__}"


def place_of(file: str) -> str:
    """Where the file is: the same in all clones and worktrees of a project; outside git its path."""
    path = os.path.realpath(file)
    root = _root_of(os.path.dirname(path))
    if root is None:
        return _text(path)
    return f"{_project_at(root)}:{_text(os.path.relpath(path, root))}"


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


def _named(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, type) else getattr(found, part, None)
    return found


def _is_own(name: str) -> bool:
    return bool(name) and "<" not in name


def _reason(name: str, code: object) -> str:
    if "<lambda>" in name:
        return "is a lambda, and all lambdas have one name"
    if "<locals>" in name:
        return "is made anew in each call of another function, with what that one knows then"
    return "stands in no file" if isinstance(code, CodeType) else "is no function with a name and code of its own"


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


_DIGITS = 40  # hexadecimal, of SHA-256
_VERSION = re.compile(r"[A-Za-z0-9._-]+")
_ENTRY = re.compile(rf"skill_cache:(.+):[0-9a-f]{{{_DIGITS}}}(?::v{_VERSION.pattern})?", re.DOTALL)


class Place:
    """Where one result is: its key, the full text of what it depends on, and the names it is invalidated by.

    claim: the name under which its computation is claimed.
    """

    __slots__ = ("claim", "key", "names", "skill", "text")

    def __init__(self, skill: str, inputs: object, version: int | str | None, team: str | None) -> None:
        """skill, team: that `check_skill` and `check_team` have passed. Raises as `generate_cache_key` does."""
        require_json(inputs)
        self.skill = skill
        self.text = canonical(inputs)
        name = sha256(self.text.encode("utf-8")).hexdigest()[:_DIGITS]
        self.key = entry_key(skill, name, team) + _suffix(version)
        self.names = (skill,) if team is None else (skill, team_name(team))
        self.claim = digest(self.key.encode("utf-8"))

    def is_of(self, inputs: object) -> bool:
        """Whether it is still theirs: whoever gave them may have changed them."""
        require_json(inputs)
        return canonical(inputs) == self.text


def generate_cache_key(skill_name: str, inputs: object, version: int | str | None = None) -> str:
    """`skill_cache:{skill_name}:{digest}`, with `:v{version}` behind it where a version is given.

    inputs: any JSON value. digest: the first 40 hexadecimal digits of the SHA-256 of its canonical text (RFC 8785,
    UTF-8), so that the order of names does not matter, 1 and 1.0 are one number, and other languages build the same.
    version: a number, or a text of letters, digits, `.`, `_` and `-`.

    Raises TypeError for inputs that are not JSON (tuples, bytes, names that are not text), and ValueError for JSON
    without a sure canonical text: numbers that are no finite double, half a surrogate pair.
    """
    check_skill(skill_name)
    return Place(skill_name, inputs, version, None).key


def check_skill(skill: str) -> None:
    if not skill or skill.startswith("@"):  # as the names of projects, teams and namespaces do
        raise ValueError(f"a skill's name is a text that does not begin with @, not {skill!r}")


def check_team(team: str) -> None:
    if not team or ":" in team:  # "a:b" with "c" would share keys with "a" and "b:c"
        raise ValueError(f"a team's name is a text without a colon, not {team!r}")


def skill_of(key: str) -> str | None:
    """The skill's name in a text that `generate_cache_key` made, None for any other text."""
    found = _ENTRY.fullmatch(key)
    return None if found is None or found[1].startswith("@") else found[1]


def _suffix(version: int | str | None) -> str:
    if version is None:
        return ""
    if not _VERSION.fullmatch(str(version)):
        raise ValueError(f"a version is a number or letters, digits, '.', '_' and '-', not {version!r}")
    return f":v{version}"


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
