"""An exception that several callers raise: each has its own, so that no note or traceback of one is another's."""

import copy
from types import MemberDescriptorType, WrapperDescriptorType
from typing import Any

_MISSING = object()


def own_copy(error: Exception, cause: BaseException | None = None) -> Exception:
    """One of the same type, arguments and attributes, caused by `cause` or `error`; else that itself."""
    try:
        twin: Exception = _twin_of(error)
        if twin is error or not _is_same(twin, error):
            return error
    except Exception:  # noqa: BLE001 - an exception may be made in any way
        return error
    twin.__cause__ = cause or error
    return twin


def _twin_of(error: Exception) -> Any:
    kind = type(error)
    if isinstance(kind.__init__, WrapperDescriptorType):
        twin = copy.copy(error)
    else:  # its own code may want other arguments, or do more than set attributes
        twin = kind.__new__(kind, *error.args)
        twin.args = error.args
        for name, _ in _members_of(kind):
            if (value := getattr(error, name, _MISSING)) is not _MISSING and hasattr(kind, name):
                _set(twin, name, value)
        twin.__dict__.update(error.__dict__)
    notes = error.__dict__.get("__notes__")
    if isinstance(notes, list):
        twin.__dict__["__notes__"] = list(notes)
    return twin


def _set(twin: Any, name: str, value: object) -> None:
    if getattr(twin, name, _MISSING) is not value:
        setattr(twin, name, value)


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) or len(one.args) != len(other.args):
        return False
    if any(mine is not theirs for mine, theirs in zip(one.args, other.args, strict=True)):
        return False
    if one.__dict__ != other.__dict__ or str(one) != str(other):
        return False
    return all(_alike(each.__get__(one), each.__get__(other)) for _, each in _set_members(other))


def _alike(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and one == other)


def _set_members(error: Any) -> list[tuple[str, Any]]:
    found = []
    for name, each in _members_of(type(error)):
        try:
            each.__get__(error)
        except AttributeError:
            continue
        found.append((name, each))
    return found


def _members_of(kind: type) -> list[tuple[str, Any]]:
    """Slots, and what is kept in C: a file's name, an exit status. Not how it is chained, which is each one's own."""
    return [
        (name, each)
        for one in kind.__mro__
        for name, each in vars(one).items()
        if isinstance(each, MemberDescriptorType) and name != "__suppress_context__"
    ]
