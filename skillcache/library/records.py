"""A value of the library as an entry: what is stored, and when it may be served."""

import os
from math import log
from typing import Any

from skillcache.core import json
from skillcache.core.record import KW_ONLY, Record
from skillcache.core.user import name_of
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
        "user": name_of(os.environ),
        "uid": str(os.getuid()),
        "host": os.uname().nodename,
        "session": "",
        "agent": "",
    }
