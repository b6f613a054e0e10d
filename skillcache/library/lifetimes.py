"""How long a value is kept, as people write it."""

import re
from datetime import timedelta
from typing import Any, TypeAlias

from skillcache.stores import MAX_TTL, check_ttl

TTL: TypeAlias = int | timedelta | str | None

DEFAULT: Any = object()  # a call that names no time of its own
_SECONDS = 86_400, 3_600, 60, 1
_TEXT = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)


def seconds_of(ttl: TTL) -> int:
    """Seconds: `90`, `timedelta(minutes=1)`, `"1h30m"`; None: until it is taken back.

    Raises TypeError and ValueError.
    """
    if ttl is None:
        return MAX_TTL
    if isinstance(ttl, str):
        found = _TEXT.fullmatch(ttl)
        if not found or not ttl:
            raise ValueError(f'an expiry is written as "45s", "30m", "1h30m" or "7d", not {ttl!r}')
        ttl = sum(int(count or 0) * unit for count, unit in zip(found.groups(), _SECONDS, strict=True))
    elif isinstance(ttl, timedelta):
        ttl = -(-ttl // timedelta(seconds=1))  # a part of a second counts
    check_ttl(ttl)
    return ttl
