"""What is stored of one call of a function: its value or the error that it raised."""

import copy
import os
from math import log
from types import MemberDescriptorType, WrapperDescriptorType
from typing import Any

from skillcache.core import KW_ONLY, Record, json
from skillcache.core.processes import user_name
from skillcache.library.codec import PLAIN, Codec, write_json
from skillcache.library.keys import Place
from skillcache.stores.entry import JSON, Entry, Unreadable, decode, encode

_MOST = 1 << 20  # lists and objects of a value: a packed one may be of some millions that hold nothing
_EXPIRES = "expires"  # in an entry's details: milliseconds since the epoch


class Computed(Record):
    value: Any
    started: int  # milliseconds since the epoch, when its computation began
    finished: int  # and ended


class Found(Record):
    """A stored value that is current."""

    value: Any
    _: KW_ONLY
    started: int
    duration: int  # ms that computing it took
    expires: int  # when its time is over, in ms
    pinned: bool

    def is_due(self, now: int, beta: float, draw: float) -> bool:
        """Whether to compute it again ahead of its end, now (ms); draw: a random number, above 0 and at most 1.

        The nearer the end and the longer the computation, the likelier, so that of many readers one begins early and
        nobody finds nothing (Vattani et al., Optimal Probabilistic Cache Stampede Prevention, 2015).
        """
        return not self.pinned and now - self.duration * beta * log(draw) >= self.expires


def write_record(
    place: Place, computed: Computed, started: int, generations: tuple[int, ...], ttl: int, codec: Codec = PLAIN
) -> bytes:
    """The stored form. started: in ms, by which a store knows the later of two.

    Raises TypeError and ValueError for a value that the codec cannot write.
    """
    return encode(
        Entry(
            key=place.text,
            names=dict(zip(place.names, generations, strict=True)),
            status=0,
            meaning="",
            failed=False,
            output=write_json(codec.dump(computed.value)).encode("utf-8"),
            directory=None,
            relocated=False,
            root="",
            project="",
            duration=computed.finished - computed.started,
            started=started,
            finished=computed.finished,
            writer=_writer(),
            details={_EXPIRES: computed.finished + ttl * 1000},
            form=JSON,
        )
    )


def read_record(
    place: Place, data: bytes | None, generations: tuple[int, ...], ttl: int, codec: Codec = PLAIN
) -> Found | None:
    """None where there is no value of these inputs and generations.

    ttl: seconds, for an entry that does not say when its time is over, as another language may write it.
    """
    if data is None:
        return None
    try:
        entry = decode(data, details=True)
        if sum(map(entry.output.count, b"[{")) > _MOST:
            return None
        given = json.loads(entry.output)
    except (Unreadable, ValueError):
        return None
    if entry.form != JSON or entry.key != place.text or entry.names != dict(zip(place.names, generations, strict=True)):
        return None
    try:
        value = codec.load(given)
    except ValueError:
        return None
    expires = entry.details.get(_EXPIRES)
    return Found(
        value,
        started=entry.started,
        duration=entry.duration,
        expires=expires if isinstance(expires, int) else entry.finished + ttl * 1000,
        pinned=entry.pinned,
    )


def _writer() -> dict[str, str]:
    return {
        "user": user_name(os.environ),
        "uid": str(os.getuid()),
        "host": os.uname().nodename,
        "session": "",
        "agent": "",
    }


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
