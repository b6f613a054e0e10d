"""What a function or class is called in the store.

The name is the file's and the function's own: the project as the hooks know it, the file within it, the qualified name.
So a script is the same function as the module that another imports, and in the workers that it spawns, and two files
never share a name, whatever their modules are called.
"""

import inspect
import os
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from types import CodeType
from typing import Any

from skillcache.core.git import find_root, identity


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
