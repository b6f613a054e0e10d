"""Stored entries as the command line sees them: walked through, or found by the beginning of a digest."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from skillcache.cli.contents import Contents
from skillcache.core import json
from skillcache.core.credentials.find import redact
from skillcache.core.errors import SkillcacheError
from skillcache.sessions.text import plain
from skillcache.stores import entry
from skillcache.stores.entry import Unreadable
from skillcache.stores.patterns import Pattern
from skillcache.stores.redis_keys import entry_key
from skillcache.stores.scan import ENTRIES, TEAM_ENTRIES, Header, Parts, parts_of, read_header

# The row that says most of a call, where a key has several of them.
_TELLING = ("command", "url", "query", "prompt", "arguments", "input")
_WIDE = 300  # characters of a key
_SHOWN = 5  # of the entries that a digest might mean


class Stored(NamedTuple):
    """header: None for an entry that is unreadable; bytes: of the whole value; left: seconds until it expires."""

    key: str
    parts: Parts
    header: Header | None
    bytes: int
    left: float

    @property
    def label(self) -> str:
        """The key as it may stand on a terminal: others may have written it."""
        return plain(self.key, _WIDE)


def walk(contents: Contents, name: str = "") -> Iterator[Stored]:
    """Every entry, or those whose name the glob `name` matches. Raises StoreError."""
    pattern = Pattern(name) if name else None
    for keys in contents.batches(*(pattern.globs if pattern else (ENTRIES, TEAM_ENTRIES))):
        yield from _read(contents, [each for each in keys if pattern is None or pattern.means(each)])


def find(contents: Contents, beginning: str) -> Stored:
    """The only entry whose digest begins so, or whose whole key that is. Raises SkillcacheError."""
    escaped = re.sub(r"([*?\[\\])", r"\\\1", beginning)
    if parts_of(beginning) is not None:
        globs: tuple[str, ...] = (escaped,)
    else:
        globs = (entry_key("*", f"{escaped}*"), entry_key("*", f"{escaped}*", "*"))
    found = [
        stored
        for keys in contents.batches(*globs)
        for stored in _read(contents, keys)
        if beginning == stored.key or stored.parts.digest.startswith(beginning)
    ]
    whole = [stored for stored in found if stored.parts.digest == beginning]
    if len(whole or found) == 1:
        return (whole or found)[0]
    if not found:
        raise SkillcacheError(f"no entry begins with {beginning}. List them with: skillcache entries list --all")
    keys = ", ".join(sorted(stored.label for stored in found)[:_SHOWN])
    raise SkillcacheError(f"{len(found)} entries begin with {beginning}: {keys}. Name one by its whole key")


def _read(contents: Contents, keys: list[str]) -> Iterator[Stored]:
    if not keys:
        return
    heads = contents.take(contents.holdings.heads(keys))
    sizes = contents.take(contents.holdings.sizes(keys))
    expiries = contents.take(contents.holdings.expiries(keys))
    for each, head in heads.items():
        parts = parts_of(each)
        if parts is None or each not in sizes or each not in expiries:
            continue
        try:
            header = read_header(head)
        except Unreadable:
            header = None
        yield Stored(each, parts, header, sizes[each], expiries[each])


def rows_of(text: str) -> list[entry.Row]:
    """The rows of a key's text, redacted; where it has none, as the library's, it is the only one itself."""
    try:
        rows = entry.rows_of(text)
    except (ValueError, TypeError):
        rows = (("inputs", "", text),)
    return [(label, redact(name), redact(value)) for label, name, value in rows]


def call_of(header: Header) -> str:
    """The call in one line, redacted."""
    rows = rows_of(header.key)
    values = {label: value for label, _, value in reversed(rows)}
    for label in _TELLING:
        if label in values:
            return _words(values[label]) if values.get("tool") == "run" else values[label]
    return (rows[1:] or rows or [("", "", "")])[0][2]


def _words(value: str) -> str:
    try:
        words = json.loads(value)
    except ValueError:
        return value
    return shlex.join(map(str, words)) if isinstance(words, list) else value
