"""What a function is called in the store, and which code it is.

The name is the file's and the function's own: the project as the hooks know it, the file within it, the qualified name.
So a script is the same function as the module that another imports, and in the workers that it spawns, and two files
never share a name, whatever their modules are called.
"""

import dis
import inspect
import os
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import CodeType
from typing import Any

from skillcache.digest import sha256
from skillcache.project import identity
from skillcache.worktree import find_root

_DIGITS = 16  # hexadecimal, of SHA-256
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
    return sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_DIGITS] if parts else ""


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
