"""The header of an entry, read from the beginning of its bytes: all that a list tells, whatever the entry's size."""

from typing import Any, NamedTuple

from skillcache import jsontext
from skillcache.entry import FORMS, TEXT, VERSION, Unreadable, check_name, is_number


class Header(NamedTuple):
    """As in `Entry`."""

    key: str
    names: dict[str, int]
    status: int
    failed: bool
    form: str
    project: str
    duration: int
    finished: int
    writer: dict[str, str]
    pinned: bool


def read_header(head: bytes) -> Header:
    """`head`: at least the first two lines. Raises Unreadable."""
    first, _, rest = head.partition(b"\n")
    text, end, _ = rest.partition(b"\n")
    started, _, kind = first.partition(b" ")
    if not started.isdigit() or kind != b"skillcache %d" % VERSION or not end:
        raise Unreadable("not an entry of this version")
    try:
        fields: Any = jsontext.loads(text)
        header = Header(
            key=fields["key"],
            names={name: generation for name, generation in fields["names"].items() if check_name(name)},
            status=fields["status"],
            failed=fields["failed"] is not False,
            form=fields.get("form", TEXT),
            project=fields["project"],
            duration=fields["duration"],
            finished=fields["finished"],
            writer=dict(fields["writer"].items()),
            pinned=fields.get("pinned") is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unreadable("the header is damaged") from None
    numbers = (header.status, header.duration, header.finished, *header.names.values())
    texts = (header.key, header.project, *header.writer.values())
    if header.form not in FORMS or not all(map(is_number, numbers)) or not all(isinstance(text, str) for text in texts):
        raise Unreadable("the header is damaged")
    return header


def with_pin(data: bytes, *, pinned: bool) -> bytes:
    """The same entry, pinned or not; what this version does not know of it is kept. Raises Unreadable."""
    read_header(data)
    first, text, rest = data.split(b"\n", 2)
    fields: Any = jsontext.loads(text)
    return b"\n".join((first, jsontext.dumps(fields | {"pinned": pinned}).encode("ascii"), rest))
