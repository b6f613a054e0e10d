"""How long a value is kept, as people write it."""

import re
from datetime import timedelta
from typing import Any, TypeAlias

from skillcache.stores import MAX_TTL, check_ttl

TTL: TypeAlias = int | timedelta | str | None

DEFAULT: Any = object()  # a call that names no time of its own
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_TEXT = re.compile(r"(?:\d+[dhms])+", re.ASCII)


def seconds_of(ttl: TTL) -> int:
    """Seconds: `90`, `timedelta(minutes=1)`, `"1h30m"`; None: until it is taken back.

    Raises TypeError and ValueError.
    """
    if ttl is None:
        return MAX_TTL
    if isinstance(ttl, str):
        if not _TEXT.fullmatch(ttl):
            raise ValueError(f'an expiry is written as "45s", "30m", "1h30m" or "7d", not {ttl!r}')
        ttl = sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"(\d+)([dhms])", ttl))
    elif isinstance(ttl, timedelta):
        ttl = -(-ttl // timedelta(seconds=1))  # a part of a second counts
    check_ttl(ttl)
    return ttl
