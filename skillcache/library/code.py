"""The code that a function's result depends on, and the files and variables that it names.

That is what will be called, the outermost function, and those that it wraps, by the chain of `__wrapped__`: the
instructions with every operand as what it stands for, names, constants, defaults, and the constants that a closure
holds. Not the place, line numbers or docstring.
"""

import copy
import dis
import inspect
from collections.abc import Callable, Iterator
from inspect import BoundArguments, Parameter
from types import CodeType, FunctionType
from typing import Any

from skillcache.core.files import sha256
from skillcache.core.json import canonical
from skillcache.library.keys import encode, place_of, without_partials

_DIGITS = 16  # hexadecimal, of SHA-256
_CONSTANT = frozenset(dis.hasconst)
_NAMED = frozenset([*dis.hasname, *dis.haslocal, *dis.hasfree, *dis.hasjrel, *dis.hasjabs, *dis.hascompare])
_PLAIN = frozenset([type(None), type(...), bool, int, float, complex, str, bytes])
_HAS_DOCSTRING = 1 << 26  # CO_HAS_DOCSTRING, from 3.13 on
_OWN_CLASS = "__class__"  # the cell of a method that says super(): the function's name says which


def chain_of(function: Any) -> Iterator[Any]:
    """What will be called, and what that wraps, to the innermost."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = getattr(function, "__wrapped__", None)


def code_of(function: Callable[..., Any], ignored: frozenset[str] | None = frozenset()) -> str:
    """Digest of what the function does. "" for what has no code of its own, as what is written in C.

    ignored: parameters that do not matter, None where it is said otherwise what does. Other versions of Python have
    other instructions. Raises TypeError for a default of a wrapped function that is no value.
    """
    parts: list[str] = []
    for each in chain_of(function):
        code = getattr(each, "__code__", None)
        if not isinstance(code, CodeType):
            continue
        parts.append(_written(code))
        parts += _defaults(each, is_outermost=each is function, ignored=ignored)
        parts += [f"{name}={_constant(value)}" for name, value in _cells(each) if _is_constant(value)]
    return sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_DIGITS] if parts else ""


def places_of(function: Callable[..., Any]) -> list[str]:
    """The files of those that wrap it, which is what their global names mean."""
    files = [each.__globals__.get("__file__") for each in chain_of(function) if isinstance(each, FunctionType)]
    return [place_of(file) for file in files[:-1] if isinstance(file, str) and file != files[-1]]


def stranger_in(function: Callable[..., Any]) -> str:
    """The name of what a function that wraps, or is wrapped, holds and that no other run would know; "" for none."""
    chain = list(chain_of(function))
    if len(chain) < 2:
        return ""
    for each in chain:
        for name, value in _cells(each):
            if name != _OWN_CLASS and not _is_constant(value) and not any(value is one for one in chain):
                return name
    return ""


def _cells(function: Any) -> Iterator[tuple[str, Any]]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # nothing is in it yet
            yield name, _cells


def _defaults(function: Any, *, is_outermost: bool, ignored: frozenset[str] | None) -> Iterator[str]:
    """Those of the outermost are arguments like others, where arguments matter."""
    code, given = function.__code__, getattr(function, "__defaults__", None) or ()
    names = code.co_varnames[: code.co_argcount]
    named = [*zip(names[len(names) - len(given) :], given, strict=True)]
    for name, value in [*named, *sorted((getattr(function, "__kwdefaults__", None) or {}).items())]:
        yield f"{name}={_default(value, name, must=not is_outermost and ignored is not None)}"


def _default(value: object, where: str, *, must: bool) -> str:
    if _is_constant(value):
        return _constant(value)
    try:
        return f"value({canonical(encode(value, where))})"
    except (TypeError, ValueError, RecursionError):
        if must:
            raise
        return type(value).__qualname__  # its text may hold an address


def _written(code: CodeType) -> str:
    flags = code.co_flags & ~_HAS_DOCSTRING
    kinds = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    tables = (code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    lines = [repr(kinds), repr(tables), code.co_exceptiontable.hex()]
    used = set()
    for each in dis.get_instructions(code):
        if each.opname == "EXTENDED_ARG":  # its part is in the operand that follows
            continue
        if each.opcode in _CONSTANT and each.arg is not None:
            # By its number: not every version says what the names of a call's arguments are.
            used.add(each.arg)
            lines.append(f"{each.opname} {_constant(code.co_consts[each.arg])}")
        else:
            given = repr(each.argval) if each.opcode in _NAMED else ""
            lines.append(f"{each.opname} {each.arg} {given}")
    rest = [value for at, value in enumerate(code.co_consts) if at not in used]
    is_told = 0 not in used and bool(rest) and (rest[0] is None or type(rest[0]) is str)
    lines.append(_constant(tuple(rest[is_told:])))  # without a docstring, or what stands in its place
    return "\n".join(lines)


def _is_constant(value: object) -> bool:
    if type(value) in (tuple, frozenset):
        return all(map(_is_constant, value))  # type: ignore[call-overload]
    return type(value) in _PLAIN or isinstance(value, CodeType)


def _constant(value: object) -> str:
    """With its type, for 1 and True are equal; a set has no order of its own."""
    if isinstance(value, CodeType):
        return f"code({value.co_name!r} {value.co_qualname!r} {_written(value)})"
    if isinstance(value, tuple):
        return f"tuple({','.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"set({','.join(sorted(map(_constant, value)))})"
    if type(value) in _PLAIN:
        return f"{type(value).__name__}({value!r})"
    return type(value).__qualname__


def signature_of(function: Any) -> inspect.Signature:
    """What the function itself takes, whatever it says of itself. Raises TypeError and ValueError."""
    while not isinstance(function, FunctionType) and getattr(function, "__wrapped__", None) is not None:
        function = function.__wrapped__  # what is written in C passes all on
    if not isinstance(function, FunctionType):
        return inspect.signature(function, follow_wrapped=False)
    bare = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    bare.__kwdefaults__ = function.__kwdefaults__
    return inspect.signature(bare)


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
