"""The header of an entry, read from the beginning of its bytes: all that a list needs, whatever the entry's size."""

from typing import Any

from skillcache import jsontext
from skillcache.entry import VERSION, Unreadable


class Header:
    """The fields of `Entry` that are not large, as they stand; see there. size: bytes of the output."""

    def __init__(self, started: int, fields: dict[str, Any]) -> None:
        self.started = started
        self.fields = fields
        self.names: dict[str, int] = fields["names"]


def read_header(head: bytes) -> Header:
    """`head`: at least the first two lines. Raises Unreadable."""
    first, _, rest = head.partition(b"\n")
    text, end, _ = rest.partition(b"\n")
    started, _, kind = first.partition(b" ")
    if not started.isdigit() or kind != b"skillcache %d" % VERSION or not end:
        raise Unreadable("not an entry of this version")
    try:
        fields = jsontext.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("names"), dict):
        raise Unreadable("the header is damaged")
    return Header(int(started), fields)
